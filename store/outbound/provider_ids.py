"""The ids that providers give to our messages: the first is in the message's row, further ones here."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.db.bulk import insert_new, table_of
from store.tables.gates import ProviderIdRow
from store.tables.operations import OutboundRow


def keep_other_ids(connection: Connection, outbound_id: UUID, ids: Sequence[str], *, channel: str) -> None:
    """Keep further ids of a message; one that another message has stays that one's."""
    rows = [
        {"channel": channel, "provider_id": each, "outbound_id": outbound_id} for each in dict.fromkeys(ids) if each
    ]
    insert_new(connection, ProviderIdRow, rows=rows)


def outbound_of(
    connection: Connection, *, channel: str, outbound_id: UUID | None = None, provider_id: str = ""
) -> UUID | None:
    """Return our id of a channel's message, named by our id or else by any of the provider's; None without such one."""
    table, other = table_of(OutboundRow), table_of(ProviderIdRow)
    named = sa.select(table.c.id).where(table.c.channel == channel)
    if outbound_id is not None:
        return connection.execute(named.where(table.c.id == outbound_id)).scalar_one_or_none()
    if not provider_id:
        return None
    first: UUID | None = connection.execute(named.where(table.c.provider_id == provider_id)).scalar_one_or_none()
    further = sa.select(other.c.outbound_id).where(other.c.channel == channel, other.c.provider_id == provider_id)
    return first or connection.execute(further).scalar_one_or_none()
