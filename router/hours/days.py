"""The hours of a local day, and the rule that decides them: week, public holidays, make-up days, dated exceptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from router.hours.holidays import PublicHolidays
from router.reason import Reason, ReasonKey
from router.settings.model import DateRule
from router.settings.values import DaySpan


class DayKind(StrEnum):
    """The kind of rule that decided a day's hours."""

    WEEK = "week"
    HOLIDAY = "holiday"
    MAKE_UP = "make-up"
    DATED = "dated"


@dataclass(frozen=True, slots=True)
class Day:
    """The hours of one local day.  why: the rule that decided.  holiday: the public holiday of the day, if any."""

    kind: DayKind
    spans: tuple[DaySpan, ...]
    why: Reason
    holiday: Reason | None = None


@dataclass(frozen=True, slots=True)
class DayRules:
    """The rules for a day's hours; a later field overrides an earlier one, and among `dates` the later entry wins.

    week: the spans of each weekday, Monday is 0.  on_holidays: the spans of a public holiday, empty means closed.
    never_closes: the span of every day, all of it, which overrides all other rules; empty for a calendar that closes.
    """

    week: Mapping[int, tuple[DaySpan, ...]]
    holidays: PublicHolidays | None = None
    on_holidays: tuple[DaySpan, ...] = ()
    dates: tuple[DateRule, ...] = ()
    never_closes: tuple[DaySpan, ...] = ()

    def on(self, day: date) -> Day:
        """Return the hours of the local `day`."""
        if self.never_closes:
            return Day(DayKind.WEEK, self.never_closes, Reason(ReasonKey.DAY_AND_NIGHT))
        holiday = self._holiday(day)
        rule = next((rule for rule in reversed(self.dates) if rule.on <= day <= (rule.until or rule.on)), None)
        if rule:
            return Day(DayKind.DATED, rule.open, Reason.as_written(rule.why), holiday)
        if holiday:
            why = Reason(ReasonKey.PUBLIC_HOLIDAY, {"holiday": holiday})
            return Day(DayKind.HOLIDAY, self.on_holidays, why, holiday)
        return self._made_up(day) or self._of_the_week(day)

    def _holiday(self, day: date) -> Reason | None:
        return self.holidays.year(day.year).closed.get(day) if self.holidays else None

    def _made_up(self, day: date) -> Day | None:
        worked = self.holidays.year(day.year).worked if self.holidays else {}
        if day not in worked:
            return None
        # The hours are those of the weekday that was taken off; a desk that is closed on Fridays
        # stays closed on the Saturday that makes up for a Friday.
        instead = worked[day]
        weekday = instead.weekday() if instead != day else 0
        why = Reason(ReasonKey.MAKE_UP_DAY, {"weekday": weekday + 1, "date": instead.isoformat()})
        return Day(DayKind.MAKE_UP, self.week.get(weekday, ()), why)

    def _of_the_week(self, day: date) -> Day:
        why = Reason(ReasonKey.WEEKLY_HOURS, {"weekday": day.isoweekday()})
        return Day(DayKind.WEEK, self.week.get(day.weekday(), ()), why)
