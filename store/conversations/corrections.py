"""Agents' corrections: customers' texts with their correct categories, as training data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.db.bulk import insert_rows, table_of
from store.db.ids import new_id
from store.tables.case_records import CorrectionRow
from store.tables.messages import Direction, MessageRow

# Older corrections add little to the newest of these, and training would take hours.
_MOST: Final = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedText:
    """A customer's text, masked, and the category that an agent gave it. category: None means off topic."""

    message_id: UUID
    subject: str
    text: str
    old_category: str | None
    category: str | None
    sub_intent: str | None
    agent: str
    at: datetime


def keep_correction(
    connection: Connection,
    conversation_id: UUID,
    *,
    old: str | None,
    new: str | None,
    sub_intent: str | None,
    by: str,
    now: datetime,
) -> None:
    """Record that an agent moved a conversation to another category. new: empty means off topic."""
    row = {
        "id": new_id(),
        "conversation_id": conversation_id,
        "message_id": _first_words(connection, conversation_id),
        "old_category": old,
        "new_category": new or None,
        "sub_intent": sub_intent,
        "agent": by,
        "at": now,
    }
    insert_rows(connection, CorrectionRow, rows=[row])


def is_none_of_ours(connection: Connection, conversation_id: UUID) -> bool:
    """Return whether an agent's last word on what the conversation is about is that it belongs to no category."""
    table = table_of(CorrectionRow)
    statement = sa.select(table.c.new_category).where(table.c.conversation_id == conversation_id)
    found = connection.execute(statement.order_by(table.c.at.desc(), table.c.id.desc()).limit(1)).first()
    return found is not None and found.new_category is None


def forget_none_of_ours(connection: Connection, conversation_id: UUID) -> bool:
    """Forget that an agent's last word was so, also as training data; return whether it was."""
    if not is_none_of_ours(connection, conversation_id):
        return False
    table = table_of(CorrectionRow)
    last = sa.select(table.c.id).where(table.c.conversation_id == conversation_id)
    last = last.order_by(table.c.at.desc(), table.c.id.desc()).limit(1)
    connection.execute(sa.delete(table).where(table.c.id == last.scalar_subquery()))
    return True


def forget_correction(connection: Connection, conversation_id: UUID, *, new: str | None) -> None:
    """Forget an agent's last word, if it was the category `new`: it was a slip, and trains nothing."""
    table = table_of(CorrectionRow)
    last = sa.select(table.c.id, table.c.new_category).where(table.c.conversation_id == conversation_id)
    found = connection.execute(last.order_by(table.c.at.desc(), table.c.id.desc()).limit(1)).first()
    if found is not None and found.new_category == new:
        connection.execute(sa.delete(table).where(table.c.id == found.id))


def none_of_ours(category: sa.ColumnElement[Any], conversation_id: sa.ColumnElement[UUID]) -> sa.ColumnElement[bool]:
    """Return the column that says so of each row; only of those without a category another table is read."""
    table = table_of(CorrectionRow)
    last = sa.select(table.c.new_category.is_(None)).where(table.c.conversation_id == conversation_id)
    last = last.order_by(table.c.at.desc(), table.c.id.desc()).limit(1)
    said = sa.func.coalesce(last.scalar_subquery(), sa.false())
    return sa.case((category.is_(None), said), else_=sa.false()).label("none_of_ours")


def corrected_texts(connection: Connection) -> list[CorrectedText]:
    """Return each corrected text once, with its newest correction, oldest correction first."""
    table, message = table_of(CorrectionRow), table_of(MessageRow)
    newest = sa.func.row_number().over(partition_by=table.c.message_id, order_by=(table.c.at.desc(), table.c.id.desc()))
    ranked = sa.select(table, newest.label("place")).where(table.c.message_id.is_not(None)).subquery()
    statement = (
        sa.select(
            *(ranked.c[name] for name in ("message_id", "old_category", "sub_intent", "agent", "at")),
            ranked.c.new_category.label("category"),
            *(message.c.subject, message.c.text),
        )
        .join(message, message.c.id == ranked.c.message_id)
        .where(ranked.c.place == 1)
        .order_by(ranked.c.at.desc())
        .limit(_MOST)
    )
    return [CorrectedText(**row) for row in reversed(connection.execute(statement).mappings().all())]


def _first_words(connection: Connection, conversation_id: UUID) -> UUID | None:
    """Return the customer's first message, the one that was classified."""
    columns = table_of(MessageRow).c
    statement = sa.select(columns.id).where(
        columns.conversation_id == conversation_id, columns.direction == Direction.INCOMING
    )
    return connection.execute(statement.order_by(columns.received_at, columns.id).limit(1)).scalar()
