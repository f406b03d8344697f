"""Calls that agents still have to return: those who asked for it, and those whom no one spoke to; and who did it."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from router.phone_call import RecordingState
from store.conversations.lists import seen_by_teams
from store.db.bulk import table_of
from store.db.engine import read_clock
from store.tables.gates import PhoneCallRow
from store.tables.messages import ConversationRow, InboundRow, MessageRow

# Read before a caller's calls become one line; more wait only where nobody calls back.
_MOST_CALLS: Final = 1_000
# How long the list shows who dealt with a call.
_SHOWN_FOR: Final = timedelta(hours=24)


class CallKind(StrEnum):
    """Why a call waits. request: the caller asked for it.  voicemail: they left one.  missed: neither."""

    REQUEST = "request"
    VOICEMAIL = "voicemail"
    MISSED = "missed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBack:
    """A number to call. id: of its newest call.  since: when it first called.  calls: how many of them wait.

    reference, subject, status: of the case where the newest call stands.  danger: of any of them.
    """

    id: UUID
    caller: str
    channel: str
    since: datetime
    danger: bool
    kind: CallKind
    calls: int
    reference: str
    subject: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledCall:
    """A number that was dealt with. at, by: when, and the agent's name.  reference: of the case with the call."""

    caller: str
    channel: str
    at: datetime
    by: str
    reference: str


def list_call_backs(connection: Connection, *, only_teams: Collection[str] | None, limit: int) -> list[CallBack]:
    """Return the numbers to call: emergencies first, then who asked for it, then the oldest.

    only_teams: that the reader sees; None for all.
    """
    call, case = table_of(PhoneCallRow).c, table_of(ConversationRow).c
    columns = (
        call.id,
        call.caller,
        call.channel,
        call.started_at.label("since"),
        call.danger,
        call.wants_callback,
        call.recordings,
        case.reference,
        case.subject,
        case.status,
    )
    waiting = _with_case(sa.select(*columns), only_teams).where(*_waits())
    rows = connection.execute(waiting.order_by(call.started_at.desc()).limit(_MOST_CALLS)).mappings()
    numbers: dict[tuple[str, str], CallBack] = {}
    for row in rows:
        values = dict(row)
        kind = _kind(is_wish=values.pop("wants_callback"), recordings=values.pop("recordings"))
        one = CallBack(**values, kind=kind, calls=1)
        known = numbers.get((one.channel, one.caller))
        numbers[one.channel, one.caller] = _joined(known, one) if known else one
    order = list(CallKind)
    return sorted(numbers.values(), key=lambda one: (not one.danger, order.index(one.kind) > 0, one.since))[:limit]


def settled_lately(connection: Connection, *, only_teams: Collection[str] | None, limit: int) -> list[SettledCall]:
    """Return the numbers that agents dealt with in the last day, newest first."""
    call, case = table_of(PhoneCallRow).c, table_of(ConversationRow).c
    columns = (call.caller, call.channel, call.called_back_at.label("at"), call.called_back_by.label("by"))
    lately = _with_case(sa.select(*columns, case.reference), only_teams).where(
        call.called_back_at > read_clock(connection) - _SHOWN_FOR
    )
    rows = connection.execute(lately.order_by(call.called_back_at.desc()).limit(_MOST_CALLS)).mappings()
    # One line a number, however many of its calls were settled together.
    found = {(row["channel"], row["caller"], row["at"]): SettledCall(**row) for row in rows}
    return list(found.values())[:limit]


def settle_call_back(connection: Connection, call_id: UUID, *, by: str, only_teams: Collection[str] | None) -> bool:
    """Record that an agent dealt with a number, up to this call; return whether it waited, and is theirs to see."""
    call = table_of(PhoneCallRow)
    columns = (call.c.channel, call.c.caller, call.c.started_at)
    mine = _with_case(sa.select(*columns), only_teams).where(call.c.id == call_id, *_waits())
    found = connection.execute(mine).first()
    if found is None:
        return False
    # A call that came after the page was read stays on the list.
    settled = _settle(connection, channel=found.channel, caller=found.caller, by=by, until=found.started_at)
    return bool(settled)


def settle_call_backs_of(connection: Connection, *, channel: str, caller: str, by: str) -> int:
    """Record that an agent called a number back; return how many of its calls that settles."""
    return _settle(connection, channel=channel, caller=caller, by=by, until=read_clock(connection))


def _settle(connection: Connection, *, channel: str, caller: str, by: str, until: datetime) -> int:
    call = table_of(PhoneCallRow)
    theirs = (call.c.channel == channel, call.c.caller == caller, call.c.started_at <= until)
    statement = sa.update(call).where(*theirs, call.c.called_back_at.is_(None), _may_wait())
    done = connection.execute(statement.values(called_back_at=read_clock(connection), called_back_by=by))
    return int(done.rowcount)


def _kind(*, is_wish: bool, recordings: str) -> CallKind:
    if is_wish:
        return CallKind.REQUEST
    left = any(state != RecordingState.ABSENT for _, state, _ in json.loads(recordings))
    return CallKind.VOICEMAIL if left else CallKind.MISSED


def _joined(newer: CallBack, older: CallBack) -> CallBack:
    """Return one line for two calls of a number, of which the newer one names the case."""
    order = list(CallKind)
    kind = min(newer.kind, older.kind, key=order.index)
    danger = newer.danger or older.danger
    return replace(newer, since=older.since, danger=danger, kind=kind, calls=newer.calls + older.calls)


def _may_wait() -> sa.ColumnElement[bool]:
    """Return the condition for a call that someone has to return: a withheld number cannot be called."""
    call = table_of(PhoneCallRow).c
    no_one_spoke = sa.and_(call.talked.is_(False), call.rejected.is_(False))
    return sa.and_(call.caller != "", sa.or_(call.wants_callback, no_one_spoke))


def _waits() -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions for a call that is still to be returned.

    What the caller asked for waits until an agent says that it is done; a missed call also ends with its case's answer.
    """
    call, case = table_of(PhoneCallRow).c, table_of(ConversationRow).c
    return (
        call.called_back_at.is_(None),
        _may_wait(),
        sa.or_(call.wants_callback, case.status == Status.OPEN),
    )


def _with_case(chosen: sa.Select[Any], only_teams: Collection[str] | None) -> sa.Select[Any]:
    call, inbound = table_of(PhoneCallRow), table_of(InboundRow)
    message, case = table_of(MessageRow), table_of(ConversationRow)
    its_row = sa.and_(inbound.c.channel == call.c.channel, inbound.c.source_key == call.c.sid)
    return (
        chosen.select_from(call)
        .join(inbound, its_row)
        .join(message, message.c.inbound_id == inbound.c.id)
        .join(case, case.c.id == message.c.conversation_id)
        .where(*seen_by_teams(only_teams))
    )
