"""Stored messages as they arrived, for simulating another configuration with them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from router.envelope import Envelope, from_json
from store.db.bulk import table_of
from store.db.encryption import Sealer, sealer_of
from store.db.ids import first_id_at
from store.db.plain_rows import PlainStatement
from store.db.sealed_rows import try_to_open
from store.tables.messages import ConversationRow, InboundRow, InboundState, MessageRow

# An id has the accepting process's clock, which may differ from the database's by this much.
_CLOCKS_DIFFER: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage:
    """One routed message. envelope: JSON, unmasked.  reference: of the conversation that it opened or joined.

    opened: whether it opened that conversation.  linked_to: the older case that the new one is linked to.
    shut: why the envelope, which is empty then, cannot be opened.
    """

    id: UUID
    envelope: str
    received_at: datetime
    contact_id: UUID
    reference: str
    opened: bool
    linked_to: UUID | None
    shut: str = ""


def stored_batch(
    connection: Connection, *, since: datetime, after: UUID | None, limit: int
) -> tuple[list[StoredMessage], UUID | None]:
    """Return routed messages that were received at `since` or later, in the order of acceptance.

    after: the end of the batch before.  Returns also the end of this batch; None after the last batch.
    """
    inbound, message, conversation = table_of(InboundRow), table_of(MessageRow), table_of(ConversationRow)
    joined = inbound.join(message, message.c.inbound_id == inbound.c.id)
    joined = joined.join(conversation, conversation.c.id == message.c.conversation_id)
    statement = (
        sa.select(
            *(inbound.c[name] for name in ("id", "envelope", "received_at")),
            message.c.contact_id,
            conversation.c.reference,
            (conversation.c.opened_by_inbound == inbound.c.id).label("opened"),
            conversation.c.linked_to,
        )
        .select_from(joined)
        .where(inbound.c.id > (after or first_id_at(since - _CLOCKS_DIFFER)), inbound.c.state == InboundState.ROUTED)
        # Messages past their retention time have no envelope.
        .where(inbound.c.envelope != "")
        .order_by(inbound.c.id)
        .limit(limit)
    )
    sealer = sealer_of(connection)
    rows = [_stored(row, sealer=sealer) for row in connection.execute(statement).mappings()]
    # A message that was accepted late may have been received before `since`.
    return [row for row in rows if row.received_at >= since], rows[-1].id if len(rows) == limit else None


def envelope_of(connection: Connection, message_id: UUID) -> Envelope | None:
    """Return a message as it arrived, unmasked; None if that is not kept any more, or its key is missing."""
    found = _envelope().rows(connection, {"message": message_id})
    opened = try_to_open(sealer_of(connection), found[0][0])[0] if found and found[0][0] else None
    return from_json(opened) if opened else None


@cache
def _envelope() -> PlainStatement:
    inbound, message = table_of(InboundRow), table_of(MessageRow)
    statement = sa.select(inbound.c.envelope).join(message, message.c.inbound_id == inbound.c.id)
    return PlainStatement(statement.where(message.c.id == sa.bindparam("message")))


def _stored(row: RowMapping, *, sealer: Sealer) -> StoredMessage:
    envelope, shut = try_to_open(sealer, row["envelope"])
    return StoredMessage(**{**row, "envelope": envelope or "", "shut": shut})
