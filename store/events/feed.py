"""The feed: events get numbers without gaps, in the order of writing, and are read by number."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.db.bulk import among, table_of
from store.db.plain_rows import PlainStatement, Question
from store.tables.messages import ConversationRow
from store.tables.operations import EventRow

# SQLite leaves `seq` empty and has one writer at a time: there the row id is the order of writing.
_ORDER: Final = {"sqlite": "seq, rowid", "postgresql": "seq"}
_NUMBER: Final = """
UPDATE event SET number = :base + page.place
FROM (SELECT id, row_number() OVER (ORDER BY {order}) AS place
      FROM (SELECT {columns} FROM event WHERE number IS NULL ORDER BY {order} LIMIT :most) AS oldest) AS page
WHERE event.id = page.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEvent:
    """A published event.

    number: 1, 2, 3 ... without gaps.  kind: noun.verb.  team: the conversation's current team.
    """

    number: int
    id: UUID
    kind: str
    conversation_id: UUID | None
    payload: Mapping[str, object]
    at: datetime
    team: str | None = None


def is_anything_unnumbered(connection: Connection) -> bool:
    """Return whether there are events to number."""
    return bool(_unnumbered().rows(connection, {}))


@cache
def _unnumbered() -> PlainStatement:
    columns = table_of(EventRow).c
    return PlainStatement(sa.select(columns.id).where(columns.number.is_(None)).limit(1))


def number_events(connection: Connection, *, after: int, limit: int) -> int:
    """Give numbers to the oldest events without one; return how many.

    after: the newest number.  Only the publisher may call this, with its lease's row locked. An event that is committed
    later gets a later number; the unique index refuses a second publisher.
    """
    return connection.execute(_numbering(connection.dialect.name), {"base": after, "most": limit}).rowcount


@cache
def _numbering(dialect: str) -> sa.TextClause:
    order = _ORDER[dialect]
    return sa.text(_NUMBER.format(order=order, columns=f"id, {order}"))


def newest_number(connection: Connection) -> int:
    """Return the greatest number, 0 if there is none."""
    statement, values = greatest_number()
    ((newest,),) = statement.rows(connection, values)
    return int(newest)


def greatest_number() -> Question:
    """Return the question of `newest_number`."""
    return _newest(), {}


@cache
def _newest() -> PlainStatement:
    return PlainStatement(sa.select(sa.func.coalesce(sa.func.max(table_of(EventRow).c.number), 0)))


def events_after(
    connection: Connection, number: int, *, limit: int, teams: Collection[str] | None = None
) -> list[FeedEvent]:
    """Return the events with greater numbers, in order.

    teams: only events of these teams' conversations, and those without a conversation; None means all.
    `store.desk.team_feed` says which of the latter a team may see.
    """
    table, conversation = table_of(EventRow), table_of(ConversationRow)
    names = ("number", "id", "kind", "conversation_id", "payload", "at")
    statement = (
        sa.select(*(table.c[name] for name in names), conversation.c.team)
        .outerjoin_from(table, conversation, conversation.c.id == table.c.conversation_id)
        .where(table.c.number > number)
        .order_by(table.c.number)
        .limit(limit)
    )
    if teams is not None:
        statement = statement.where(sa.or_(table.c.conversation_id.is_(None), among(conversation.c.team, teams)))
    return [FeedEvent(**row) for row in connection.execute(statement).mappings()]
