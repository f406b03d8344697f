"""Claim: take rows that are due, count the attempt and commit, before any work is done on them.

A killed process counts as an attempt, because the claim is committed first. Rows that never failed are claimed by the
batch; a row of a batch that failed or was killed is claimed alone, so that a poison message fails alone.

Light messages come first, and a heavy one is claimed alone when no light one is due: no emergency waits for a queue of
heavy mail. So that it is routed on a busy desk too, the sweep claims one such mail between batches (`claim_heavy`).

Urgent messages, those in which a first look found words of danger, come before all others, in batches of their own.
So that the others are routed too while urgent ones never end, the sweep claims an ordinary batch after each of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import cache
from itertools import accumulate
from typing import Any, Final
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.errors import LeaseLost
from store.db.bulk import among_bound, columns_of, table_of
from store.db.engine import database_now, read_clock
from store.db.plain_rows import PlainStatement
from store.tables.messages import InboundRow, InboundState

LEASE: Final = timedelta(seconds=30)
# In characters to read: masking and judging the worst texts takes some two seconds per million, while others wait.
BATCH_WEIGHT: Final = 500_000
# A long honest thread with its HTML has some 50,000; an ordinary mail has 3,000.
LIGHT: Final = 64_000
# Mostly there are a few of them; if hundreds come at once, small batches would only make them slower.
URGENT_BATCH: Final = 200
# One attempt in a batch and three alone: after four failures the message itself is the cause.
MOST_ATTEMPTS: Final = 4


class _Which(Enum):
    """Which rows are claimed; those of OF_THESE are light and have certain ids."""

    URGENT = auto()
    URGENT_HEAVY = auto()
    OF_THESE = auto()
    LIGHT = auto()
    HEAVY = auto()
    TRIED = auto()
    TRIED_HEAVY = auto()


class DueRows(Enum):
    """What a claim is for: rows that were never tried, urgent or heavy ones among them, or rows that were tried."""

    NEW = auto()
    URGENT = auto()
    HEAVY = auto()
    TRIED = auto()


@dataclass(frozen=True, slots=True)
class ClaimedInbound:
    """One inbound row that this worker has claimed."""

    id: UUID
    channel: str
    source_key: str
    envelope: str
    size: int
    weight: int
    content_hash: bytes
    backfill: bool
    attempts: int
    received_at: datetime
    accepted_at: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """The rows that a worker has claimed. token: for later writes.  now: the database's clock at the claim."""

    token: UUID
    now: datetime
    rows: tuple[ClaimedInbound, ...]

    @property
    def ids(self) -> list[UUID]:
        """Return the ids of the claimed rows."""
        return [row.id for row in self.rows]

    @property
    def is_heavy(self) -> bool:
        """Whether it is a heavy message, which is claimed alone."""
        return any(row.weight > LIGHT for row in self.rows)


def is_due(connection: Connection, which: DueRows) -> bool:
    """Return whether such a row is due and free, without locks.

    A claim that finds nothing asks for each kind of rows, and takes SQLite's only lock for it.
    """
    return bool(_is_due(which).rows(connection, {}))


@cache
def _is_due(which: DueRows) -> PlainStatement:
    columns = table_of(InboundRow).c
    now = sa.type_coerce(database_now(), columns.due_at.type)
    fresh = columns.attempts == 0
    kinds = {
        DueRows.NEW: (fresh,),
        DueRows.URGENT: (fresh, columns.urgent),
        DueRows.HEAVY: (fresh, columns.weight > LIGHT),
        DueRows.TRIED: (columns.attempts > 0,),
    }
    return PlainStatement(sa.select(sa.literal(1)).where(*_due(now), *kinds[which]).limit(1))


def claim_batch(connection: Connection, *, limit: int, ids: Collection[UUID] = (), lease: timedelta = LEASE) -> Claim:
    """Claim urgent rows if any is due; else light rows, those of `ids` first, as `claim_ordinary` does."""
    claimed = claim_urgent(connection, lease=lease)
    return claimed if claimed.rows else _ordinary(connection, claimed, limit=limit, ids=ids, lease=lease)


def claim_urgent(connection: Connection, *, lease: timedelta = LEASE) -> Claim:
    """Claim the urgent light rows that are due and were never tried, or else one heavy one."""
    claimed = _nothing(connection)
    for which, limit in ((_Which.URGENT, URGENT_BATCH), (_Which.URGENT_HEAVY, 1)):
        if not claimed.rows:
            claimed = _extended(connection, claimed, which=which, limit=limit, lease=lease)
    return claimed


def claim_ordinary(connection: Connection, *, limit: int, lease: timedelta = LEASE) -> Claim:
    """Claim up to `limit` light rows that are due and were never tried, the oldest first, urgent or not.

    Batches grow with the load; a message in a full batch costs a tenth of a message alone.
    If no light row is due, claim one heavy row.
    """
    return _ordinary(connection, _nothing(connection), limit=limit, lease=lease)


def _ordinary(
    connection: Connection, claimed: Claim, *, limit: int, ids: Collection[UUID] = (), lease: timedelta
) -> Claim:
    """Extend an empty claim by light rows: first those of `ids`, then the oldest."""
    if ids:
        claimed = _extended(connection, claimed, which=_Which.OF_THESE, limit=limit, lease=lease, ids=ids)
    claimed = _extended(connection, claimed, which=_Which.LIGHT, limit=limit, lease=lease)
    return claimed if claimed.rows else claim_heavy(connection, lease=lease)


def claim_heavy(connection: Connection, *, lease: timedelta = LEASE) -> Claim:
    """Claim the oldest heavy row that is due and was never tried, even if light rows are due."""
    return _extended(connection, _nothing(connection), which=_Which.HEAVY, limit=1, lease=lease)


def claim_alone(connection: Connection, *, lease: timedelta = LEASE) -> Claim:
    """Claim one row that is due and was tried before, in a batch that failed or was killed.

    Light rows come first, and of them urgent ones.
    """
    claimed = _nothing(connection)
    for which in (_Which.TRIED, _Which.TRIED_HEAVY):
        claimed = _extended(connection, claimed, which=which, limit=1, lease=lease)
    return claimed


def _nothing(connection: Connection) -> Claim:
    return Claim(uuid4(), read_clock(connection), ())


def _extended(
    connection: Connection,
    claimed: Claim,
    *,
    which: _Which,
    limit: int,
    lease: timedelta,
    ids: Collection[UUID] = (),
) -> Claim:
    """Return the claim extended by such rows that are due, up to `limit` in all. ids: for `OF_THESE`."""
    if len(claimed.rows) >= limit:
        return claimed
    asked = {"b_now": claimed.now, "b_limit": limit - len(claimed.rows)} | ({"b_ids": ids} if ids else {})
    weighed = [(row.id, row.weight) for row in connection.execute(_due_rows(which), asked)]
    room = BATCH_WEIGHT - sum(row.weight for row in claimed.rows)
    fitting = _fitting(weighed, room=room, empty=not claimed.rows)
    if not fitting:
        return claimed
    taken = {"b_ids": fitting, "b_token": claimed.token, "b_until": claimed.now + lease}
    found = [ClaimedInbound(*row) for row in connection.execute(_claiming(), taken)]
    rows = sorted((*claimed.rows, *found), key=lambda row: (row.received_at, row.id))
    return replace(claimed, rows=tuple(rows))


@cache
def _due_rows(which: _Which) -> sa.Select[Any]:
    """Return the query for such rows, built once: it runs some times for each batch."""
    columns = table_of(InboundRow).c
    now = sa.bindparam("b_now", type_=columns.due_at.type)
    statement = sa.select(columns.id, columns.weight).where(*_due(now), *_conditions(which))
    order = (columns.due_at, columns.id)
    if which in {_Which.TRIED, _Which.TRIED_HEAVY}:
        statement = statement.order_by(columns.urgent.desc(), *order)
    else:
        statement = statement.order_by(*order)
    return statement.limit(sa.bindparam("b_limit", type_=sa.Integer())).with_for_update(skip_locked=True)


def _conditions(which: _Which) -> tuple[sa.ColumnElement[bool], ...]:
    columns = table_of(InboundRow).c
    tried = columns.attempts > 0 if which in {_Which.TRIED, _Which.TRIED_HEAVY} else columns.attempts == 0
    heavy = which in {_Which.HEAVY, _Which.URGENT_HEAVY, _Which.TRIED_HEAVY}
    weight = columns.weight > LIGHT if heavy else columns.weight <= LIGHT
    if which in {_Which.URGENT, _Which.URGENT_HEAVY}:
        return (tried, columns.urgent, weight)
    return (tried, weight, among_bound(columns.id, "b_ids")) if which is _Which.OF_THESE else (tried, weight)


@cache
def _claiming() -> sa.UpdateBase:
    table = table_of(InboundRow)
    taken = {
        "attempts": table.c.attempts + 1,
        "lease_token": sa.bindparam("b_token", type_=table.c.lease_token.type),
        "lease_until": sa.bindparam("b_until", type_=table.c.lease_until.type),
    }
    statement = sa.update(table).where(among_bound(table.c.id, "b_ids")).values(**taken)
    return statement.returning(*columns_of(InboundRow, ClaimedInbound))


def _fitting(weighed: Sequence[tuple[UUID, int]], *, room: int, empty: bool) -> list[UUID]:
    """Return the first ids that fit into the room; an empty batch takes one message of any size."""
    passed = accumulate(weight for _, weight in weighed)
    return [
        id_
        for at, ((id_, _), total) in enumerate(zip(weighed, passed, strict=True))
        if total <= room or (empty and at == 0)
    ]


def _due(now: sa.ColumnElement[datetime]) -> tuple[sa.ColumnElement[bool], ...]:
    columns = table_of(InboundRow).c
    free = sa.or_(columns.lease_until.is_(None), columns.lease_until < now)
    return (columns.state == InboundState.RECEIVED, columns.due_at <= now, free)


def hold(connection: Connection, claimed: Claim) -> None:
    """Lock the claimed rows until this transaction ends.

    Raises LeaseLost when any of them was claimed by another worker: a worker that was suspended must not write.
    """
    if len(connection.execute(_holding(), _named(claimed)).all()) != len(claimed.rows):
        raise LeaseLost("some of the claimed messages belong to another worker now")


def finish(connection: Connection, claimed: Claim, *, state: InboundState, ids: Collection[UUID]) -> None:
    """Set the state of the claimed rows `ids`; call `hold` first in the same transaction."""
    if ids:
        connection.execute(_finishing(), {"b_ids": ids, "b_token": claimed.token, "b_state": state})


def finish_duplicates(connection: Connection, claimed: Claim, *, firsts: dict[UUID, UUID]) -> None:
    """Mark rows as duplicates. firsts: duplicate -> the inbound row that came first."""
    rows = [{"b_id": duplicate, "b_first": first, "b_token": claimed.token} for duplicate, first in firsts.items()]
    if rows:
        connection.execute(_finishing_duplicate(), rows)


def finish_unanswerable(connection: Connection, claimed: Claim, *, reasons: dict[UUID, str]) -> None:
    """Quarantine rows. reasons: row -> why."""
    rows = [{"b_id": row_id, "b_reason": reason, "b_token": claimed.token} for row_id, reason in reasons.items()]
    if rows:
        connection.execute(_finishing_unanswerable(), rows)


def put_off(connection: Connection, claimed: Claim, *, waits: dict[UUID, timedelta]) -> None:
    """Return rows as if they were not tried, until what they wait for may be here. waits: row -> for how long."""
    table, now = table_of(InboundRow), read_clock(connection)
    values = {"due_at": sa.bindparam("b_due_at"), "attempts": table.c.attempts - 1}
    rows = [{"b_id": row_id, "b_due_at": now + wait, "b_token": claimed.token} for row_id, wait in waits.items()]
    if rows:
        connection.execute(_released(_one_of_ours(), values), rows)


def give_back(connection: Connection, claimed: Claim, *, reason: str, wait: timedelta) -> None:
    """Return the rows for another attempt after `wait`; rows that another worker has claimed stay unchanged."""
    values = {"due_at": read_clock(connection) + wait, "reason": reason}
    connection.execute(_released(sa.update(table_of(InboundRow)).where(*_ours()), values), _named(claimed))


def forget_attempt(connection: Connection, claimed: Claim, *, reason: str, wait: timedelta) -> None:
    """Return the rows as if they were not tried, after a failure that was not caused by them."""
    table = table_of(InboundRow)
    values = {"due_at": read_clock(connection) + wait, "attempts": table.c.attempts - 1, "reason": reason}
    connection.execute(_released(sa.update(table).where(*_ours()), values), _named(claimed))


def quarantine(connection: Connection, claimed: Claim, *, reason: str) -> list[UUID]:
    """Quarantine the claimed rows with a reason; return those that were still ours."""
    table = table_of(InboundRow)
    values = {"state": InboundState.QUARANTINED, "reason": reason, "lease_token": None, "lease_until": None}
    statement = sa.update(table).where(*_ours()).values(**values)
    return list(connection.execute(statement.returning(table.c.id), _named(claimed)).scalars())


def _named(claimed: Claim) -> dict[str, Any]:
    """Return the values of a statement with `_ours`."""
    return {"b_ids": claimed.ids, "b_token": claimed.token}


def _ours() -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions of claimed rows that are still ours; `_named` has the values."""
    columns = table_of(InboundRow).c
    ours = (among_bound(columns.id, "b_ids"), columns.lease_token == sa.bindparam("b_token"))
    return (*ours, columns.state == InboundState.RECEIVED)


# Each batch runs these: SQLAlchemy takes longer to build one than to run it.


@cache
def _holding() -> sa.Select[Any]:
    return sa.select(sa.literal(1)).where(*_ours()).order_by(table_of(InboundRow).c.id).with_for_update()


@cache
def _finishing() -> sa.Update:
    table = table_of(InboundRow)
    ours = (among_bound(table.c.id, "b_ids"), table.c.lease_token == sa.bindparam("b_token"))
    return _released(sa.update(table).where(*ours), {"state": sa.bindparam("b_state"), "reason": ""})


@cache
def _finishing_duplicate() -> sa.Update:
    values = {"state": InboundState.DUPLICATE, "duplicate_of": sa.bindparam("b_first"), "reason": ""}
    return _released(_one_of_ours(), values)


@cache
def _finishing_unanswerable() -> sa.Update:
    return _released(_one_of_ours(), {"state": InboundState.QUARANTINED, "reason": sa.bindparam("b_reason")})


def _one_of_ours() -> sa.Update:
    table = table_of(InboundRow)
    return sa.update(table).where(table.c.id == sa.bindparam("b_id"), table.c.lease_token == sa.bindparam("b_token"))


def _released(statement: sa.Update, values: Mapping[str, Any]) -> sa.Update:
    return statement.values(lease_token=None, lease_until=None, **values)
