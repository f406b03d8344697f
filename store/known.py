"""Which of a channel's messages are here already."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.db.bulk import among, table_of
from store.tables.messages import Inbound


def known_keys(connection: Connection, *, channel: str, keys: Collection[str]) -> set[str]:
    """Return those of `keys` that name a message of the channel which was accepted before."""
    columns = table_of(Inbound).c
    statement = sa.select(columns.source_key).where(columns.channel == channel, among(columns.source_key, keys))
    return set(connection.execute(statement).scalars())
