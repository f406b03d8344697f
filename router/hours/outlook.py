"""What a calendar has ahead, for people: its usual week, and the days that are unlike it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import groupby

from router.hours.calendar import Calendar
from router.hours.days import DayKind
from router.hours.holidays import OBSERVED
from router.reason import Reason, ReasonKey
from router.settings.values import DaySpan


@dataclass(frozen=True, slots=True)
class WeekdayHours:
    """Consecutive weekdays with equal hours. first, last: 1 is Monday.  spans: in local time; empty for closed."""

    first: int
    last: int
    spans: tuple[DaySpan, ...]


@dataclass(frozen=True, slots=True)
class UnusualDays:
    """Consecutive local days of one kind with equal hours, such as a holiday with its weekend. spans: empty for closed.

    reasons: the rules that decided; of a holiday only its names, not the days that were moved to it.
    """

    first: date
    last: date
    kind: DayKind
    spans: tuple[DaySpan, ...]
    reasons: tuple[Reason, ...]


def usual_week(calendar: Calendar) -> list[WeekdayHours]:
    """Return the hours of the week as the file gives them, without holidays; days with equal hours as one."""
    days = enumerate(calendar.week(), start=1)
    ranges = [[*group] for _, group in groupby(days, key=lambda day: day[1])]
    return [WeekdayHours(days[0][0], days[-1][0], days[0][1]) for days in ranges]


def unusual_days(calendar: Calendar, *, first: date, days: int) -> list[UnusualDays]:
    """Return the days that the week does not decide, of so many from `first`: holidays, make-up days, exceptions."""
    found: list[UnusualDays] = []
    for on in (first + timedelta(days=number) for number in range(days)):
        rule = calendar.on(on)
        if rule.kind is DayKind.WEEK:
            continue
        one = UnusualDays(on, on, rule.kind, rule.spans, (rule.why,))
        if found and _goes_on(found[-1], one):
            found[-1] = replace(found[-1], last=on, reasons=(*found[-1].reasons, rule.why))
        else:
            found.append(one)
    return [replace(one, reasons=_named(one.reasons)) for one in found]


def _goes_on(before: UnusualDays, one: UnusualDays) -> bool:
    if before.last + timedelta(days=1) != one.first or (before.kind, before.spans) != (one.kind, one.spans):
        return False
    return one.kind is DayKind.HOLIDAY or before.reasons[-1] == one.reasons[0]


def _named(reasons: Sequence[Reason]) -> tuple[Reason, ...]:
    """Return each reason once, and of a holiday only the names of its own days, if it has any here."""
    each = list({reason.line: reason for reason in reasons}.values())
    return tuple([reason for reason in each if _names_a_day(reason)] or each)


def _names_a_day(reason: Reason) -> bool:
    holiday = reason.values.get("holiday")
    if not isinstance(holiday, Reason) or holiday.key != ReasonKey.HOLIDAY_NAME:
        return False
    return not str(holiday.values["holiday_name"]).endswith(OBSERVED)
