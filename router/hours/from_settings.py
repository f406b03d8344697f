"""Build the named calendars from the operator's settings, which `router.settings` has checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from router.errors import ConfigError
from router.hours.calendar import Calendar
from router.hours.days import DayRules
from router.hours.holidays import PublicHolidays, public_holidays
from router.settings.model import DateRule, Settings
from router.settings.values import MINUTES_A_DAY, DaySpan, weekdays

ALWAYS: Final = "always"
_ALL_DAY: Final = (DaySpan(0, MINUTES_A_DAY),)
# Several parts of a process build the calendars of one file, and a changed file brings others: more than any file has.
_KEPT: Final = 64


@dataclass(frozen=True, slots=True)
class _Plan:
    """A calendar's settings, with the values of the calendar that it extends filled in.  week: Monday is the first."""

    zone: ZoneInfo
    week: tuple[tuple[DaySpan, ...], ...]
    holidays: str | None
    holidays_until: date | None
    on_holidays: tuple[DaySpan, ...]
    dates: tuple[DateRule, ...]


def build_calendars(settings: Settings) -> Mapping[str, Calendar]:
    """Return every calendar by name, including the built-in "always".

    Raises ConfigError if a calendar names a country whose holidays are unknown.
    """
    built = {ALWAYS: always_open()}
    for name in settings.calendars:
        plan = _plan(name, settings)
        try:
            built[name] = _calendar(name, plan)
        except ConfigError as error:
            raise ConfigError(f"calendars.{name}.holidays: {error}") from error
    return built


def always_open() -> Calendar:
    """Return the calendar that never closes; its open time equals elapsed time."""
    return Calendar(ALWAYS, zone=ZoneInfo("UTC"), rules=DayRules({}, never_closes=_ALL_DAY))


@lru_cache(_KEPT)
def _calendar(name: str, plan: _Plan) -> Calendar:
    """Return the one calendar of these settings, so that its years are computed once for all who ask it."""
    holidays = _country(plan.holidays) if plan.holidays else None
    week = dict(enumerate(plan.week))
    rules = DayRules(week, holidays, plan.on_holidays, plan.dates)
    known = max(holidays.known_until, plan.holidays_until or date.min) if holidays else date.max
    return Calendar(name, zone=plan.zone, rules=rules, known_until=known)


@lru_cache(_KEPT)
def _country(code: str) -> PublicHolidays:
    """Return the holidays of a country, which its calendars share; the first one imports the library."""
    return public_holidays(code)


def _plan(name: str, settings: Settings) -> _Plan:
    own = settings.calendars[name]
    parent = _parent(own.extends, settings)
    week = dict(enumerate(parent.week)) | {day: spans for key, spans in own.week.items() for day in weekdays(key)}
    return _Plan(
        zone=own.timezone or parent.zone,
        week=tuple(week[day] for day in range(7)),
        holidays=None if own.holidays == "none" else own.holidays or parent.holidays,
        holidays_until=own.holidays_until or parent.holidays_until,
        on_holidays=parent.on_holidays if own.on_holidays is None else own.on_holidays,
        dates=parent.dates + own.dates,
    )


def _parent(name: str | None, settings: Settings) -> _Plan:
    if name is None or name == ALWAYS:
        week = (_ALL_DAY if name else (),) * 7
        return _Plan(settings.omniyard.timezone, week, None, None, (), ())
    return _plan(name, settings)
