"""Calls to our menus: noted with every callback, under the row's lock, and claimed when their message is due."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from router.phone_call import (
    CallLimits,
    CallNews,
    CallPhase,
    DialState,
    PhoneCall,
    Recording,
    RecordingState,
    due_at,
    merge,
)
from store.db.bulk import among, insert_new, table_of
from store.db.encryption import sealer_of
from store.db.engine import read_clock
from store.db.ids import new_id
from store.tables.gates import PhoneCallRow

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DueCall:
    """A call whose message is to be written. id: of its row."""

    id: UUID
    channel: str
    call: PhoneCall


def note_call(connection: Connection, channel: str, *, news: CallNews, limits: CallLimits) -> PhoneCall:
    """Merge news into their call, which they may begin, and return it. A limit that is reached is kept in the row."""
    now, known = read_clock(connection), _locked(connection, channel, news.sid)
    if known is None:
        _begin(connection, channel, news=news, limits=limits, now=now)
        known = _locked(connection, channel, news.sid)
    if known is None:
        raise AssertionError("the row was inserted, or was there")
    row_id, call = known
    merged = merge(call, news, now=now)
    if news.wants_dial and call.dial is DialState.NONE:
        capped = _dialled(connection, channel, since=now - _DAY) >= limits.dials_per_day
        merged = replace(merged, dial=DialState.CAPPED if capped else DialState.DIALLED)
    if merged != call:
        due = due_at(merged, now=now, missed_after=limits.missed_after)
        table = table_of(PhoneCallRow)
        values = _values(connection, merged) | {"due_at": due}
        connection.execute(sa.update(table).where(table.c.id == row_id).values(**values))
    return merged


def find_call(connection: Connection, channel: str, sid: str) -> PhoneCall | None:
    """Return a call as far as it is known."""
    table = table_of(PhoneCallRow)
    row = connection.execute(sa.select(table).where(table.c.channel == channel, table.c.sid == sid)).mappings().first()
    return _call(connection, row) if row else None


def is_call_due(connection: Connection) -> bool:
    """Return whether a call's message is to be written now."""
    table = table_of(PhoneCallRow)
    statement = sa.select(table.c.id).where(table.c.due_at <= read_clock(connection)).limit(1)
    return connection.execute(statement).first() is not None


def claim_due_calls(connection: Connection, *, limit: int, lease: timedelta) -> list[DueCall]:
    """Claim calls whose message is due; a process that dies leaves them to the next one when the lease ends."""
    table, now = table_of(PhoneCallRow), read_clock(connection)
    due = sa.select(table).where(table.c.due_at <= now).order_by(table.c.due_at, table.c.id).limit(limit)
    rows = connection.execute(due.with_for_update(skip_locked=True)).mappings().all()
    if rows:
        mine = sa.update(table).where(among(table.c.id, [row["id"] for row in rows]))
        connection.execute(mine.values(due_at=now + lease))
    return [DueCall(row["id"], row["channel"], _call(connection, row)) for row in rows]


def note_written(connection: Connection, calls: Sequence[DueCall]) -> None:
    """Record of which version the messages are; a call that changed meanwhile stays due."""
    table = table_of(PhoneCallRow)
    for each in calls:
        written = each.call.version
        same = sa.case((table.c.version == written, None), else_=read_clock(connection))
        statement = sa.update(table).where(table.c.id == each.id, table.c.written < written)
        connection.execute(statement.values(written=written, due_at=same))


def forget_calls(connection: Connection, *, before: datetime, limit: int) -> int:
    """Delete up to `limit` calls that began before then and have a message; their messages stay."""
    table = table_of(PhoneCallRow)
    statement = sa.select(table.c.id).where(table.c.started_at < before, table.c.due_at.is_(None))
    ids = list(connection.execute(statement.order_by(table.c.started_at).limit(limit)).scalars())
    connection.execute(sa.delete(table).where(among(table.c.id, ids)))
    return len(ids)


def forget_calls_of(connection: Connection, sids: Collection[str]) -> None:
    """Delete these calls, when the messages about them are erased."""
    table = table_of(PhoneCallRow)
    connection.execute(sa.delete(table).where(among(table.c.sid, sids)))


def count_calls(connection: Connection, *, since: datetime) -> dict[str, int]:
    """Return how many calls began since then, by what became of them."""
    table = table_of(PhoneCallRow).c
    statement = sa.select(
        sa.func.count(),
        *(
            sa.func.count(sa.case((column, 1)))
            for column in (table.rejected, table.danger, table.wants_callback, table.talked, table.recordings != "[]")
        ),
    )
    row = connection.execute(statement.where(table.started_at >= since)).one()
    return dict(zip(("all", "rejected", "danger", "callback", "talked", "voicemail"), row, strict=True))


def _locked(connection: Connection, channel: str, sid: str) -> tuple[UUID, PhoneCall] | None:
    table = table_of(PhoneCallRow)
    statement = sa.select(table).where(table.c.channel == channel, table.c.sid == sid).with_for_update()
    row = connection.execute(statement).mappings().first()
    return (row["id"], _call(connection, row)) if row else None


def _begin(connection: Connection, channel: str, *, news: CallNews, limits: CallLimits, now: datetime) -> None:
    started = min(news.started_at or now, now)
    call = PhoneCall(
        sid=news.sid,
        caller=news.caller,
        started_at=started,
        rejected=news.begins and _is_too_much(connection, channel, news=news, limits=limits, now=now),
        backfill=news.backfill,
        version=1,
    )
    due = due_at(call, now=now, missed_after=limits.missed_after)
    row = {"id": new_id(), "channel": channel, **_values(connection, call), "due_at": due, "called_back_at": None}
    insert_new(connection, PhoneCallRow, rows=[row | {"called_back_by": ""}])


def _is_too_much(connection: Connection, channel: str, *, news: CallNews, limits: CallLimits, now: datetime) -> bool:
    """Return whether the caller is blocked or called too often; a withheld number is of many people."""
    if not news.caller:
        return False
    if news.caller in limits.blocked:
        return True
    table = table_of(PhoneCallRow).c
    mine = (table.channel == channel, table.caller == news.caller, table.started_at > now - _HOUR)
    number: int = connection.execute(sa.select(sa.func.count()).where(*mine)).scalar_one()
    return number >= limits.calls_per_caller


def _dialled(connection: Connection, channel: str, *, since: datetime) -> int:
    table = table_of(PhoneCallRow).c
    dialled = (table.channel == channel, table.dial == DialState.DIALLED, table.started_at > since)
    number: int = connection.execute(sa.select(sa.func.count()).where(*dialled)).scalar_one()
    return number


def _values(connection: Connection, call: PhoneCall) -> dict[str, Any]:
    listed = [[each.sid, each.state.value, each.seconds] for each in call.recordings]
    return {
        "sid": call.sid,
        "caller": call.caller,
        "started_at": call.started_at,
        "ended_at": call.ended_at,
        "phase": int(call.phase),
        "danger": call.danger,
        "wants_callback": call.wants_callback,
        "talked": call.talked,
        "rejected": call.rejected,
        "backfill": call.backfill,
        "dial": call.dial.value,
        "recordings": json.dumps(listed),
        "transcript": sealer_of(connection).seal_text(call.transcript) if call.transcript else "",
        "version": call.version,
        "written": call.written,
    }


def _call(connection: Connection, row: RowMapping) -> PhoneCall:
    recordings = tuple(
        Recording(sid=sid, state=RecordingState(state), seconds=seconds)
        for sid, state, seconds in json.loads(row["recordings"])
    )
    names = ("sid", "caller", "started_at", "ended_at", "danger", "wants_callback", "talked", "rejected", "backfill")
    return PhoneCall(
        **{name: row[name] for name in (*names, "version", "written")},
        phase=CallPhase(row["phase"]),
        dial=DialState(row["dial"]),
        recordings=recordings,
        transcript=sealer_of(connection).open_text(row["transcript"]),
    )
