"""When an answer is due: promises counted in the open time of a calendar, at rest while we wait for the customer.

Everything follows from the settings, the calendar and what happened, so a due time is computed anew whenever one of
them changes, and never adjusted.
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
# While a conversation is in one of these, we wait for the customer or believe that we are done.
_RESTING: Final = frozenset({Status.PENDING, Status.RESOLVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """When answers are due, aware UTC; None where nothing is promised or the clock stands still."""

    first_reply: datetime | None = None
    next_reply: datetime | None = None
    resolve: datetime | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """When somebody is to be told about a promise. promise: a field of `Due`.  kind: "warning" or "breach"."""

    at: datetime
    promise: str
    kind: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Pause:
    """We waited for the customer `since`, aware, and `until`; None while we still do."""

    since: datetime
    until: datetime | None


def clock_rests(status: str) -> bool:
    """Return whether the clock of a conversation stands still in this status.

    It runs on while a conversation is snoozed: the customer does not know that an agent put it aside.
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
    """Return what `sla` promises to a conversation that the customer opened at `opened_at`.

    replied: whether a person has answered at all; then there is no first reply to wait for.
    waiting_since: the customer's first message that nobody has answered yet; None if it is the customer's turn.
        The next reply is due from then on; before the first reply it is the first reply that is due.
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
    """Return when to warn of what is `due`, and when it is broken, earliest first; see `due_times`.

    A promise that is shorter than the warning is not warned of.
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

    A warning is due in the same way, at a part of the promise.
    None while a pause that began before then has no end, and if the calendar has no opening within 366 days:
    a desk that never opens promises nothing, but must still take messages in.
    """
    # In UTC, for two moments of one zone are compared by what the clock on the wall reads.
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
