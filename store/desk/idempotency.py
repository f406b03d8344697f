"""Stored answers for repeated requests: the key is reserved in the transaction that does the work, and kept with it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.db.bulk import table_of
from store.db.engine import insert_ignore, read_clock
from store.tables.operations import IdempotencyRow


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """A stored answer. same: whether the earlier request was equal.  answer: the body as sent."""

    same: bool
    status: int
    answer: str


def reserve(connection: Connection, *, agent_id: UUID, key: str, request_hash: bytes) -> KeptAnswer | None:
    """Reserve a key for this transaction, or return the answer that is stored under it.

    A second request with the key waits here until the first ends; if that rolls back, the key is free again.
    """
    columns = table_of(IdempotencyRow).c
    row = {"agent_id": agent_id, "key": key, "request_hash": request_hash, "status": 0, "answer": ""}
    fresh = insert_ignore(connection, IdempotencyRow).values(**row, created_at=read_clock(connection))
    if connection.execute(fresh.returning(columns.key)).first():
        return None
    kept = connection.execute(
        sa.select(columns.request_hash, columns.status, columns.answer).where(
            columns.agent_id == agent_id, columns.key == key
        )
    ).one()
    return KeptAnswer(bytes(kept.request_hash) == request_hash, kept.status, kept.answer)


def keep(connection: Connection, *, agent_id: UUID, key: str, status: int, answer: str) -> None:
    """Store the answer under the key that this transaction has reserved."""
    table = table_of(IdempotencyRow)
    statement = sa.update(table).where(table.c.agent_id == agent_id, table.c.key == key)
    connection.execute(statement.values(status=status, answer=answer))
