"""Merges and splits, recorded with both sides as they were, so that they can be undone.

Undoing moves rows back. It resets a column of a side only if the column was not changed since.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from pydantic_core import to_jsonable_python
from sqlalchemy.engine import Connection
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import UTCDateTime

from router.errors import Conflict, NotFound
from store.db.bulk import among, insert_rows, table_of
from store.db.ids import new_id
from store.tables.case_records import RegroupingRow

_SHOWN: Final = ("id", "kind", "source_id", "target_id", "agent", "at", "undone_at", "undone_by")


class RegroupingKind(StrEnum):
    """merge, split, unlink: of conversations.  contacts: two contacts are one person."""

    MERGE = "merge"
    SPLIT = "split"
    UNLINK = "unlink"
    CONTACTS = "contacts"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRegrouping:
    """An action: from where to where, by which agent, at which time (the database's clock)."""

    kind: RegroupingKind
    source_id: UUID
    target_id: UUID
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RegroupingRecord:
    """One action, as agents see it. source_id, target_id: the direction in which rows were moved."""

    id: UUID
    kind: str
    source_id: UUID
    target_id: UUID
    agent: str
    at: datetime
    undone_at: datetime | None
    undone_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRegrouping:
    """One action with what undoing it needs. See `store.tables.case_records.RegroupingRow`."""

    row: RegroupingRecord
    moved: Mapping[str, Any]
    before: Mapping[str, Any]
    after: Mapping[str, Any]


def keep_regrouping(
    connection: Connection,
    action: NewRegrouping,
    *,
    moved: Mapping[str, object],
    before: Mapping[UUID, Mapping[str, object]],
    after: Mapping[UUID, Mapping[str, object]],
) -> UUID:
    """Record an action and return its id. after: like `before`; equal values are left out."""
    made = {
        id_: {name: value for name, value in values.items() if value != before[id_].get(name)}
        for id_, values in after.items()
    }
    row = {
        "id": new_id(),
        "kind": action.kind.value,
        "source_id": action.source_id,
        "target_id": action.target_id,
        "moved": to_jsonable_python(moved),
        "before": to_jsonable_python({str(id_): values for id_, values in before.items()}),
        "after": to_jsonable_python({str(id_): values for id_, values in made.items()}),
        "agent": action.by,
        "at": action.at,
    }
    insert_rows(connection, RegroupingRow, rows=[row])
    return UUID(str(row["id"]))


def regroupings_of(connection: Connection, thing_id: UUID) -> list[RegroupingRecord]:
    """Return the actions on a conversation or contact, newest first."""
    table = table_of(RegroupingRow)
    about = sa.or_(table.c.source_id == thing_id, table.c.target_id == thing_id)
    statement = sa.select(*(table.c[name] for name in _SHOWN)).where(about).order_by(table.c.id.desc())
    return [RegroupingRecord(**row) for row in connection.execute(statement).mappings()]


def find_regrouping(connection: Connection, regrouping_id: UUID) -> StoredRegrouping:
    """Return one action, locked.

    Raises NotFound when there is none.
    """
    table = table_of(RegroupingRow)
    row = connection.execute(sa.select(table).where(table.c.id == regrouping_id).with_for_update()).mappings().first()
    if row is None:
        raise NotFound("there is no merge or split with that id")
    shown = RegroupingRecord(**{name: row[name] for name in _SHOWN})
    return StoredRegrouping(row=shown, moved=row["moved"], before=row["before"], after=row["after"])


def forget_regroupings(connection: Connection, conversations: Collection[UUID]) -> None:
    """Delete what undoing needs: it holds labels, and words of the customer's in the evidence of alarms."""
    table = table_of(RegroupingRow)
    theirs = sa.or_(among(table.c.source_id, conversations), among(table.c.target_id, conversations))
    nothing: dict[str, Any] = {}
    connection.execute(sa.update(table).where(theirs).values(moved=nothing, before=nothing, after=nothing))


def note_undone(connection: Connection, kept: StoredRegrouping, *, by: str, now: datetime) -> None:
    """Record that an action is undone.

    Raises Conflict when it was undone already, or a later action has to be undone first.
    """
    if kept.row.undone_at is not None:
        raise Conflict(f"{kept.row.undone_by} has already undone it")
    table = table_of(RegroupingRow)
    sides = {kept.row.source_id, kept.row.target_id}
    later = sa.select(table.c.id).where(
        sa.or_(among(table.c.source_id, sides), among(table.c.target_id, sides)),
        table.c.id > kept.row.id,
        table.c.undone_at.is_(None),
    )
    first = connection.execute(later.order_by(table.c.id.desc()).limit(1)).scalar()
    if first is not None:
        raise Conflict(f"a later action has to be undone first: {first}")
    statement = sa.update(table).where(table.c.id == kept.row.id)
    connection.execute(statement.values(undone_at=now, undone_by=by))


def snapshot(
    connection: Connection, model: type[SQLModel], ids: Collection[UUID], names: Sequence[str]
) -> dict[UUID, dict[str, Any]]:
    """Lock rows in the order of their ids, and return their values, by id."""
    table = table_of(model)
    statement = sa.select(table.c.id, *(table.c[name] for name in names)).where(among(table.c.id, ids))
    rows = connection.execute(statement.order_by(table.c.id).with_for_update()).mappings()
    return {row["id"]: {name: row[name] for name in names} for row in rows}


def unchanged_since(
    model: type[SQLModel], kept: StoredRegrouping, thing_id: UUID, *, now: Mapping[str, object]
) -> dict[str, Any]:
    """Return the values that a side had before, for the columns that still have the values of `after`."""
    before, after = kept.before.get(str(thing_id), {}), kept.after.get(str(thing_id), {})
    current = to_jsonable_python(now)
    columns = table_of(model).c
    return {name: _value(columns[name], before[name]) for name in after if current.get(name) == after[name]}


def read_values(model: type[SQLModel], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row's values from JSON."""
    columns = table_of(model).c
    return {name: _value(columns[name], value) for name, value in stored.items() if name in columns}


def _value(column: sa.Column[Any], kept: Any) -> Any:  # noqa: ANN401  (JSON in, a column's value out)
    if kept is None or isinstance(kept, bool):
        return kept
    if isinstance(column.type, UTCDateTime):
        return datetime.fromisoformat(kept)
    return UUID(kept) if isinstance(column.type, sa.Uuid) else kept
