"""Deliveries of events to webhooks: one row each while it is queued, and kept afterwards only if it failed for good."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.db.bulk import among, insert_new, table_of
from store.db.engine import read_clock
from store.db.ids import new_id
from store.tables.operations import DeliveryRow, DeliveryState, EventRow

# One INSERT of a page covers at most this many events per target.
_MOST_NUMBERED: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRecord:
    """A delivery and its event."""

    id: UUID
    target: str
    number: int
    state: str
    attempts: int
    created_at: datetime
    tried_since: datetime | None
    due_at: datetime
    error: str
    event_id: UUID
    kind: str
    conversation_id: UUID | None
    payload: Mapping[str, object]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A failed attempt. again_in: time until the next one; None gives up."""

    id: UUID
    error: str
    again_in: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetCount:
    """How many deliveries wait for a target, and how many failed for good. oldest_at: of the waiting ones."""

    queued: int
    dead: int
    oldest_at: datetime | None


def fan_out(connection: Connection, *, after: int, wanted: Mapping[str, Callable[[str], bool]]) -> int:
    """Queue the events with greater numbers for each target that wants their kind; return how many rows were inserted.

    Call it in the publisher's transaction, so that each event is queued once.
    """
    if not wanted:
        return 0
    event, now = table_of(EventRow), read_clock(connection)
    statement = sa.select(event.c.number, event.c.kind, event.c.conversation_id).where(event.c.number > after)
    events = connection.execute(statement.order_by(event.c.number).limit(_MOST_NUMBERED)).all()
    rows = [
        {
            "id": new_id(),
            "target": target,
            "number": each.number,
            "conversation_id": each.conversation_id,
            "created_at": now,
            "due_at": now,
        }
        for each in events
        for target, wants in wanted.items()
        if wants(each.kind)
    ]
    return insert_new(connection, DeliveryRow, rows=rows)


def next_deliveries(connection: Connection, *, target: str, limit: int) -> list[DeliveryRecord]:
    """Return the deliveries that are due, oldest first: of each conversation only the oldest."""
    table = table_of(DeliveryRow)
    earlier = table.alias("earlier")
    blocked = sa.exists().where(
        earlier.c.target == table.c.target,
        earlier.c.conversation_id == table.c.conversation_id,
        earlier.c.state == sa.literal_column(f"'{DeliveryState.QUEUED}'"),
        earlier.c.number < table.c.number,
    )
    statement = (
        _select()
        .where(table.c.target == target, table.c.state == sa.literal_column(f"'{DeliveryState.QUEUED}'"))
        .where(table.c.due_at <= read_clock(connection), ~blocked)
        .order_by(table.c.number)
        .limit(limit)
    )
    return [DeliveryRecord(**row) for row in connection.execute(statement).mappings()]


def settle_deliveries(connection: Connection, *, delivered: Sequence[UUID], failed: Sequence[Failed]) -> None:
    """Record the results of attempts."""
    table, now = table_of(DeliveryRow), read_clock(connection)
    if delivered:
        connection.execute(sa.delete(table).where(among(table.c.id, delivered)))
    for each in failed:
        values: dict[str, Any] = {
            "attempts": table.c.attempts + 1,
            "tried_since": sa.func.coalesce(table.c.tried_since, sa.literal(now, table.c.tried_since.type)),
            "error": each.error,
        }
        values |= {"state": DeliveryState.DEAD} if each.again_in is None else {"due_at": now + each.again_in}
        connection.execute(sa.update(table).where(table.c.id == each.id).values(**values))


def list_deliveries(
    connection: Connection, *, state: str, target: str | None = None, before: UUID | None = None, limit: int
) -> list[DeliveryRecord]:
    """Return the deliveries in a state, newest first. before: the last id of the page before."""
    table = table_of(DeliveryRow)
    statement = _select().where(table.c.state == state)
    if target is not None:
        statement = statement.where(table.c.target == target)
    if before is not None:
        statement = statement.where(table.c.id < before)
    rows = connection.execute(statement.order_by(table.c.id.desc()).limit(limit)).mappings()
    return [DeliveryRecord(**row) for row in rows]


def replay_deliveries(connection: Connection, *, target: str | None = None, ids: Collection[UUID] | None = None) -> int:
    """Queue dead deliveries again, with the full time for attempts; return how many. No filter means all of them."""
    table, now = table_of(DeliveryRow), read_clock(connection)
    statement = sa.update(table).where(table.c.state == DeliveryState.DEAD)
    if target is not None:
        statement = statement.where(table.c.target == target)
    if ids is not None:
        statement = statement.where(among(table.c.id, ids))
    values = {"state": DeliveryState.QUEUED, "attempts": 0, "tried_since": None, "due_at": now}
    return connection.execute(statement.values(**values)).rowcount


def count_deliveries(connection: Connection) -> dict[str, TargetCount]:
    """Return how many deliveries wait, by target."""
    table = table_of(DeliveryRow)
    is_queued = table.c.state == DeliveryState.QUEUED
    statement = sa.select(
        table.c.target,
        sa.func.count().filter(is_queued).label("queued"),
        sa.func.count().filter(~is_queued).label("dead"),
        sa.func.min(table.c.created_at).filter(is_queued).label("oldest_at"),
    ).group_by(table.c.target)
    rows = connection.execute(statement).all()
    return {row.target: TargetCount(queued=row.queued, dead=row.dead, oldest_at=row.oldest_at) for row in rows}


def _select() -> sa.Select[Any]:
    table, event = table_of(DeliveryRow), table_of(EventRow)
    own = ("id", "target", "number", "state", "attempts", "created_at", "tried_since", "due_at", "error")
    theirs = (event.c.id.label("event_id"), event.c.kind, event.c.conversation_id, event.c.payload, event.c.at)
    joined = table.join(event, event.c.number == table.c.number)
    return sa.select(*(table.c[name] for name in own), *theirs).select_from(joined)
