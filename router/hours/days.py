"""The hours of a local day, and the rule that decides them: week, public holidays, make-up days, dated exceptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from router.hours.holidays import PublicHolidays
from router.settings.model import DateRule
from router.settings.values import DaySpan

WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class DayKind(StrEnum):
    """The kind of rule that decided a day's hours."""

    WEEK = "week"
    HOLIDAY = "holiday"
    MAKE_UP = "make-up"
    DATED = "dated"


@dataclass(frozen=True, slots=True)
class Day:
    """The hours of one local day.  why: in words for operators.  holiday: the public holiday of the day, if any."""

    kind: DayKind
    spans: tuple[DaySpan, ...]
    why: str
    holiday: str | None = None


@dataclass(frozen=True, slots=True)
class DayRules:
    """The rules for a day's hours; a later field overrides an earlier one, and among `dates` the later entry wins.

    week: the spans of each weekday, Monday is 0.  on_holidays: the spans of a public holiday, empty means closed.
    """

    week: Mapping[int, tuple[DaySpan, ...]]
    holidays: PublicHolidays | None = None
    on_holidays: tuple[DaySpan, ...] = ()
    dates: tuple[DateRule, ...] = ()

    def on(self, day: date) -> Day:
        """Return the hours of the local `day`."""
        holiday = self._holiday(day)
        rule = next((rule for rule in reversed(self.dates) if rule.on <= day <= (rule.until or rule.on)), None)
        if rule:
            return Day(DayKind.DATED, rule.open, rule.why, holiday)
        if holiday:
            return Day(DayKind.HOLIDAY, self.on_holidays, f"public holiday: {holiday}", holiday)
        return self._made_up(day) or self._of_the_week(day)

    def _holiday(self, day: date) -> str | None:
        return self.holidays.year(day.year).closed.get(day) if self.holidays else None

    def _made_up(self, day: date) -> Day | None:
        worked = self.holidays.year(day.year).worked if self.holidays else {}
        if day not in worked:
            return None
        # The hours are those of the weekday that was taken off; a desk that is closed on Fridays
        # stays closed on the Saturday that makes up for a Friday.
        instead = worked[day]
        weekday = instead.weekday() if instead != day else 0
        return Day(
            DayKind.MAKE_UP, self.week.get(weekday, ()), f"make-up working day for {WEEKDAYS[weekday]} {instead}"
        )

    def _of_the_week(self, day: date) -> Day:
        spans = self.week.get(day.weekday(), ())
        return Day(DayKind.WEEK, spans, f"weekly hours of {WEEKDAYS[day.weekday()]}")
