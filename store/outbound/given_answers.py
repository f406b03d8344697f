"""Automatic answers that were decided, as `explain`, the desk and the customer read them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.db.bulk import among, table_of
from store.db.plain_rows import KnownRows, PlainStatement, Question, types_of
from store.tables.self_service import AutoAnswerRow

# Of the cases that agents look at again and again.
_REMEMBERED: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenAnswer:
    """An automatic answer that was decided. See `store.tables.self_service.AutoAnswerRow`."""

    id: UUID
    conversation_id: UUID
    message_id: UUID
    state: str
    answer: str
    asked_at: datetime
    decided_at: datetime | None
    verdict: str
    trace: dict[str, Any] | None


_COLUMNS: Final = tuple(field.name for field in fields(GivenAnswer))


def find_given(connection: Connection, answer_id: UUID) -> GivenAnswer | None:
    """Return one question by its id."""
    return next(iter(_given(connection, table_of(AutoAnswerRow).c.id == answer_id)), None)


def given_in(connection: Connection, conversation_id: UUID) -> list[GivenAnswer]:
    """Return the questions of a case, oldest first."""
    statement, values = answers_in(conversation_id)
    return _known()(connection, statement.rows(connection, values))


def answers_in(conversation_id: UUID) -> Question:
    """Return the question of `given_in`."""
    return _of_case(), {"conversation": conversation_id}


@cache
def _of_case() -> PlainStatement:
    return PlainStatement(_questions(table_of(AutoAnswerRow).c.conversation_id == sa.bindparam("conversation")))


@cache
def _known() -> KnownRows[GivenAnswer]:
    return KnownRows(types_of(_questions(sa.true())), _answer, most=_REMEMBERED)


def _answer(row: Sequence[Any]) -> GivenAnswer:
    return GivenAnswer(**dict(zip(_COLUMNS, row, strict=True)))


def given_to(connection: Connection, messages: Collection[UUID]) -> list[GivenAnswer]:
    """Return the questions that messages put."""
    return _given(connection, among(table_of(AutoAnswerRow).c.message_id, messages)) if messages else []


def _given(connection: Connection, which: sa.ColumnElement[bool]) -> list[GivenAnswer]:
    return [GivenAnswer(**row) for row in connection.execute(_questions(which)).mappings()]


def _questions(which: sa.ColumnElement[bool]) -> sa.Select[Any]:
    table = table_of(AutoAnswerRow)
    return sa.select(*(table.c[name] for name in _COLUMNS)).where(which).order_by(table.c.asked_at, table.c.id)
