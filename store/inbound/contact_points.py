"""Keep further ways to reach a contact, as channels report them. Nothing here identifies or merges anyone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.db.bulk import insert_new, table_of
from store.db.plain_rows import PlainStatement, Question
from store.tables.gates import ContactPointRow
from store.tables.messages import ContactRow


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownContactPoint:
    """A further way to reach a contact. verified: a channel has tested that it is theirs."""

    kind: str
    value: str
    verified: bool


def contact_points_of(connection: Connection, contact_id: UUID) -> list[KnownContactPoint]:
    """Return a contact's points, those that a channel has verified first."""
    rows = [
        KnownContactPoint(kind=kind, value=value, verified=bool(known))
        for kind, value, known in _points().rows(connection, {"contact": contact_id})
    ]
    return sorted(rows, key=lambda each: (not each.verified, each.kind, each.value))


def known_points(contact_id: UUID) -> Question:
    """Return the question of `contact_points_of`."""
    return _points(), {"contact": contact_id}


@cache
def _points() -> PlainStatement:
    columns, contact = table_of(ContactPointRow).c, table_of(ContactRow).c
    one = sa.bindparam("contact", type_=contact.id.type)
    # Contacts that were merged into this one are the same person.
    same = sa.select(contact.id).where(sa.or_(contact.id == one, contact.merged_into == one))
    statement = sa.select(columns.kind, columns.value, sa.func.max(sa.cast(columns.verified, sa.Integer)))
    return PlainStatement(statement.where(columns.contact_id.in_(same)).group_by(columns.kind, columns.value))


def note_contact_points(connection: Connection, points: Sequence[Mapping[str, Any]]) -> None:
    """Insert or update what channels say; the last word of a channel about a value counts."""
    # The same order in every worker, so that two of them do not deadlock.
    keys = ("contact_id", "kind", "value", "channel")
    latest = {tuple(str(point[name]) for name in keys): dict(point) for point in points}
    rows = [latest[key] for key in sorted(latest)]
    if not rows or insert_new(connection, ContactPointRow, rows=rows) == len(rows):
        return
    table = table_of(ContactPointRow)
    for row in rows:
        theirs = (table.c[name] == row[name] for name in keys)
        statement = sa.update(table).where(*theirs, table.c.said_at <= row["said_at"])
        connection.execute(statement.values(verified=row["verified"], said_at=row["said_at"]))
