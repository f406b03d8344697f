"""Calls that agents still have to return: those who asked for it, and those whom no one spoke to; and who did it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from router.conversation_status import Status
from router.phone_call import RecordingState
from store.conversations.lists import seen_by_teams
from store.db.bulk import table_of
from store.db.engine import read_clock
from store.tables.gates import PhoneCallRow
from store.tables.messages import ConversationRow, InboundRow, MessageRow

# Read before the calls that were settled together become one line.
_MOST_SETTLED: Final = 1_000
_HEARD: Final = (RecordingState.LEFT, RecordingState.READY)
# As the small index says it, by which the planners know its rows.
_IS_ASKED: Final[Any] = sa.literal_column("phone_call.wants_callback", sa.types.NullType())
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
    # Joined by the database: a number that calls all day hides no other.
    waiting = _waiting(only_teams).subquery()
    line = _lines(waiting).subquery()
    columns = [line.c[each.name] for each in line.c if each.name != "newest"]
    first = (line.c.danger.desc(), line.c.asked.desc(), line.c.since)
    rows = connection.execute(sa.select(*columns).where(line.c.newest == 1).order_by(*first).limit(limit)).mappings()
    return [_call_back(row) for row in rows]


def settled_lately(connection: Connection, *, only_teams: Collection[str] | None, limit: int) -> list[SettledCall]:
    """Return the numbers that agents dealt with in the last day, newest first."""
    call, case = table_of(PhoneCallRow).c, table_of(ConversationRow).c
    columns = (call.caller, call.channel, call.called_back_at.label("at"), call.called_back_by.label("by"))
    lately = _with_case(sa.select(*columns, case.reference), only_teams).where(
        call.called_back_at > read_clock(connection) - _SHOWN_FOR
    )
    rows = connection.execute(lately.order_by(call.called_back_at.desc()).limit(_MOST_SETTLED)).mappings()
    # One line a number, however many of its calls were settled together.
    found = {(row["channel"], row["caller"], row["at"]): SettledCall(**row) for row in rows}
    return list(found.values())[:limit]


def settle_call_back(connection: Connection, call_id: UUID, *, by: str, only_teams: Collection[str] | None) -> bool:
    """Record that an agent dealt with a number, up to this call; return whether it waited, and is theirs to see."""
    waiting = _waiting(only_teams).subquery().c
    mine = sa.select(waiting.channel, waiting.caller, waiting.started_at).where(waiting.id == call_id)
    found = connection.execute(mine).first()
    if found is None:
        return False
    # A call that came after the page was read stays on the list.
    number = {"channel": found.channel, "caller": found.caller}
    return bool(_settle(connection, **number, by=by, until=found.started_at, only_teams=only_teams))


def settle_call_backs_of(
    connection: Connection, *, channel: str, caller: str, by: str, only_teams: Collection[str] | None
) -> int:
    """Record that an agent called a number back; return how many of its calls that settles: those they may see."""
    until = read_clock(connection)
    return _settle(connection, channel=channel, caller=caller, by=by, until=until, only_teams=only_teams)


def _settle(
    connection: Connection,
    *,
    channel: str,
    caller: str,
    by: str,
    until: datetime,
    only_teams: Collection[str] | None,
) -> int:
    call = table_of(PhoneCallRow)
    theirs = (call.c.channel == channel, call.c.caller == caller, call.c.started_at <= until)
    no_one_spoke = sa.and_(call.c.talked.is_(False), call.c.rejected.is_(False))
    # Those of answered cases too, which may be opened again. What another team has to tell the same number still waits.
    seen = _with_case(sa.select(call.c.id), only_teams).where(*theirs, sa.or_(call.c.wants_callback, no_one_spoke))
    statement = sa.update(call).where(call.c.id.in_(seen), call.c.called_back_at.is_(None))
    done = connection.execute(statement.values(called_back_at=read_clock(connection), called_back_by=by))
    return int(done.rowcount)


def _lines(waiting: sa.Subquery) -> sa.Select[Any]:
    """Return the calls with what all calls of their number say together. newest: 1 for the last of a number."""
    one = waiting.c
    left = sa.or_(*(one.recordings.contains(f'"{state}"') for state in _HEARD))
    number = (one.channel, one.caller)
    marks = {"danger": one.danger, "asked": one.asked, "left": left}
    return sa.select(
        *(one[name] for name in ("id", "channel", "caller", "reference", "subject", "status")),
        sa.func.min(one.started_at).over(partition_by=number).label("since"),
        sa.func.count().over(partition_by=number).label("calls"),
        *(
            sa.func.max(sa.case((mark, 1), else_=0)).over(partition_by=number).label(name)
            for name, mark in marks.items()
        ),
        sa.func.row_number().over(partition_by=number, order_by=(one.started_at.desc(), one.id)).label("newest"),
    )


def _call_back(row: RowMapping) -> CallBack:
    values = dict(row)
    asked, left = values.pop("asked"), values.pop("left")
    kind = CallKind.REQUEST if asked else CallKind.VOICEMAIL if left else CallKind.MISSED
    return CallBack(**values | {"danger": bool(values["danger"])}, kind=kind)


def _waiting(only_teams: Collection[str] | None) -> sa.CompoundSelect[Any]:
    """Return the calls that are still to be returned, with their cases; a withheld number cannot be called.

    What the caller asked for waits until an agent says that it is done; a missed call also ends with its case's answer.
    They are two questions, so that each begins where few rows are: at the wishes, and at the open cases.
    """
    call, case = table_of(PhoneCallRow).c, table_of(ConversationRow).c
    columns = (call.id, call.channel, call.caller, call.started_at, call.danger, call.recordings)
    asked = (*columns, call.wants_callback.label("asked"), case.reference, case.subject, case.status)
    known = _with_case(sa.select(*asked), only_teams).where(call.called_back_at.is_(None), call.caller != "")
    return sa.union_all(known.where(_IS_ASKED), known.where(call.wants_callback.is_(False), *_is_missed()))


def _is_missed() -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions for a call in which no one spoke, and which nothing has answered since."""
    call, case, message = (table_of(each).c for each in (PhoneCallRow, ConversationRow, MessageRow))
    later = table_of(PhoneCallRow).alias()
    same = (later.c.channel == call.channel, later.c.caller == call.caller, later.c.started_at > call.started_at)
    return (
        call.talked.is_(False),
        call.rejected.is_(False),
        case.status == Status.OPEN,
        # An answer ends it for good: what opens the case again is another message.
        sa.or_(case.waiting_since.is_(None), message.received_at >= case.waiting_since),
        ~sa.exists().where(*same, later.c.talked),
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
