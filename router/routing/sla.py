"""Compute due times: promises counted in the open time of a calendar; the clock rests while we wait for the customer.

Due times depend only on the settings, the calendar and the facts, so they are computed again when one of these
changes, and never adjusted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from router.conversation_status import Status
from router.errors import ConfigError
from router.hours.calendar import Calendar
from router.settings.model import SlaSettings

_NOTHING: Final = timedelta(0)
# In these statuses we wait for the customer, or the case is done.
_RESTING: Final = frozenset({Status.PENDING, Status.RESOLVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """When answers are due, aware UTC; None without a promise or while the clock rests."""

    first_reply: datetime | None = None
    next_reply: datetime | None = None
    resolve: datetime | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """When to report a promise. promise: a field of `Due`.  kind: "warning" or "breach"."""

    at: datetime
    promise: str
    kind: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Pause:
    """A time in which we waited for the customer, aware; `until` is None while it lasts."""

    since: datetime
    until: datetime | None


def clock_rests(status: str) -> bool:
    """Return whether a conversation's clock rests in this status.

    It runs while a conversation is snoozed: the customer does not know that an agent snoozed it.
    """
    return status in _RESTING


def due_times(
    sla: SlaSettings,
    *,
    calendars: Mapping[str, Calendar],
    opened_at: datetime,
    replied: bool = False,
    waiting_since: datetime | None = None,
    pauses: Sequence[Pause] = (),
) -> Due:
    """Return the due times of `sla` for a conversation that the customer opened at `opened_at`.

    replied: whether an agent has answered at all; then there is no first reply to wait for.
    waiting_since: the customer's first unanswered message; None if it is the customer's turn.
            The next reply is due from then on; before the first reply only the first reply is due.
    pauses: in any order, may overlap.
    """
    calendar = calendars[sla.calendar]

    def due(promise: timedelta | None, start: datetime | None) -> datetime | None:
        return due_at(calendar, start=start, promise=promise, pauses=pauses) if promise is not None and start else None

    return Due(
        first_reply=None if replied else due(sla.first_reply, opened_at),
        next_reply=due(sla.next_reply, waiting_since) if replied else None,
        resolve=due(sla.resolve, opened_at),
    )


def moments(
    sla: SlaSettings,
    *,
    calendars: Mapping[str, Calendar],
    due: Due,
    opened_at: datetime,
    waiting_since: datetime | None = None,
    pauses: Sequence[Pause] = (),
) -> list[Moment]:
    """Return when to warn of the times in `due`, and when they are missed, earliest first; see `due_times`.

    A promise that is shorter than the warning time has no warning.
    """
    calendar = calendars[sla.calendar]
    starts = {"first_reply": opened_at, "next_reply": waiting_since, "resolve": opened_at}
    found: list[Moment] = []
    for promise, start in starts.items():
        until: datetime | None = getattr(due, promise)
        if until is None or start is None:
            continue
        found.append(Moment(until, promise, "breach", until))
        left = getattr(sla, promise) - sla.warn_before if sla.warn_before else _NOTHING
        warned = due_at(calendar, start=start, promise=left, pauses=pauses) if left > _NOTHING else None
        if warned:
            found.append(Moment(warned, promise, "warning", until))
    return sorted(found, key=lambda moment: moment.at)


def due_at(calendar: Calendar, *, start: datetime, promise: timedelta, pauses: Sequence[Pause] = ()) -> datetime | None:
    """Return when `promise` of open time outside the pauses has passed since `start`, in UTC.

    The same computation gives the time of a warning, with a part of the promise.
    None while a pause that began before then has no end, and if the calendar has no opening within 366 days:
    a desk that never opens promises nothing, but must still accept messages.
    """
    # In UTC, because Python compares two times of one zone by their wall clocks.
    at, left = start.astimezone(UTC), promise
    for pause in sorted(pauses, key=lambda pause: pause.since.astimezone(UTC)):
        since = pause.since.astimezone(UTC)
        if since > at:
            worked = calendar.elapsed(at, since)
            if worked >= left:
                break
            at, left = since, left - worked
        if pause.until is None:
            return None
        at = max(at, pause.until.astimezone(UTC))
    try:
        return calendar.add(at, left)
    except ConfigError:
        return None
