"""Messages as the gates hand them over, and what the archive has of them. A plain module."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import sqlalchemy as sa

from store.db.bulk import table_of
from store.db.engine import Database
from store.inbound.accept import Accepted, InboundMessage, accept
from store.tables.messages import InboundRow


def delivery(key: str, content: bytes = b"hello", *, unreadable: str = "") -> InboundMessage:
    return InboundMessage(
        source_key=key,
        envelope="{}",
        original=content,
        size=len(content),
        content_hash=hashlib.sha256(content).digest(),
        received_at=datetime(2026, 3, 2, 9, tzinfo=UTC),
        unreadable=unreadable,
    )


def keep(database: Database, *deliveries: InboundMessage, channel: str = "mail") -> Accepted:
    with database.write() as connection:
        return accept(connection, channel=channel, deliveries=deliveries, backfill=False)


def column(database: Database, name: str) -> list[object]:
    with database.read() as connection:
        return list(connection.execute(sa.select(table_of(InboundRow).c[name])).scalars())


def count(database: Database, table: sa.Table) -> int:
    with database.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
