"""Ready texts and macros: list, write and delete them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.errors import NotFound
from store.db.bulk import among_bound, columns_of, table_of
from store.db.engine import read_clock, upsert
from store.db.plain_rows import KnownRows, PlainStatement, Question, types_of
from store.tables.composer import ReadyTextRow

# As many as a large desk has.
_REMEMBERED: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyText:
    """A text, or actions, for a press. See `ReadyTextRow`."""

    id: UUID
    folder: str
    title: str
    code: str
    team: str
    texts: dict[str, str]
    actions: dict[str, Any] | None
    changed_by: str
    changed_at: datetime | None = None


def list_ready_texts(connection: Connection, *, teams: Collection[str] | None = None) -> list[ReadyText]:
    """Return the ready texts by folder and title. teams: theirs and everybody's; None for all."""
    statement, values = texts_of(teams)
    return _known()(connection, statement.rows(connection, values))


def texts_of(teams: Collection[str] | None) -> Question:
    """Return the question of `list_ready_texts`."""
    return _plain_listed(is_limited=teams is not None), {} if teams is None else {"teams": ["", *teams]}


@cache
def _plain_listed(*, is_limited: bool) -> PlainStatement:
    return PlainStatement(_listed(is_limited=is_limited))


@cache
def _known() -> KnownRows[ReadyText]:
    return KnownRows(types_of(_listed(is_limited=False)), _text, most=_REMEMBERED)


def _text(row: Sequence[Any]) -> ReadyText:
    return ReadyText(**dict(zip((field.name for field in fields(ReadyText)), row, strict=True)))


def _listed(*, is_limited: bool) -> sa.Select[Any]:
    table = table_of(ReadyTextRow)
    statement = sa.select(*columns_of(ReadyTextRow, ReadyText)).order_by(table.c.folder, table.c.title, table.c.id)
    return statement.where(among_bound(table.c.team, "teams")) if is_limited else statement


def find_ready_text(connection: Connection, text_id: UUID) -> ReadyText:
    """Return one ready text. Raises NotFound when there is none."""
    statement = sa.select(*columns_of(ReadyTextRow, ReadyText)).where(table_of(ReadyTextRow).c.id == text_id)
    row = connection.execute(statement).mappings().first()
    if row is None:
        raise NotFound("there is no ready text with that id")
    return ReadyText(**row)


def write_ready_text(connection: Connection, text: ReadyText) -> None:
    """Add a ready text, or replace the one with its id."""
    row = {**asdict(text), "actions": text.actions or sa.null(), "changed_at": read_clock(connection)}
    upsert(connection, ReadyTextRow, row=row, keys=("id",), changed=[name for name in row if name != "id"])


def delete_ready_text(connection: Connection, text_id: UUID) -> None:
    """Delete a ready text; one that does not exist is deleted already."""
    table = table_of(ReadyTextRow)
    connection.execute(sa.delete(table).where(table.c.id == text_id))
