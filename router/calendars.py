"""Build the named calendars from the operator's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

from router.day_rules import DayRules
from router.errors import ConfigError
from router.hours import Calendar
from router.public_holidays import PublicHolidays, public_holidays
from router.settings.model import CalendarSettings, DateRule, Settings
from router.settings.values import MINUTES_A_DAY, DaySpan

ALWAYS: Final = "always"
_DAY_NAMES: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ALL_DAY: Final = (DaySpan(0, MINUTES_A_DAY),)


@dataclass(frozen=True, slots=True)
class _Plan:
    """A calendar's settings after what it extends was filled in."""

    zone: ZoneInfo
    week: Mapping[int, tuple[DaySpan, ...]]
    holidays: str | None
    holidays_until: date | None
    on_holidays: tuple[DaySpan, ...]
    dates: tuple[DateRule, ...]


def build_calendars(settings: Settings) -> Mapping[str, Calendar]:
    """Return every calendar by name, the built-in "always" among them.

    Raises ConfigError if a calendar extends itself or none, names an unknown weekday or country, or is called "always".
    """
    if ALWAYS in settings.calendars:
        raise ConfigError(f"calendars.{ALWAYS}: this calendar is built in, expected another name")
    # Calendars of one country share its holidays; importing the library waits for the first that names one.
    country = cache(public_holidays)
    built = {ALWAYS: always_open()}
    for name in settings.calendars:
        plan = _plan(name, settings, below=())
        try:
            known = country(plan.holidays) if plan.holidays else None
        except ConfigError as error:
            raise ConfigError(f"calendars.{name}.holidays: {error}") from error
        built[name] = _calendar(name, plan, known)
    return built


def always_open() -> Calendar:
    """Return the calendar that never closes; its open time is wall time."""
    rule = DateRule(on=date(1970, 1, 1), until=date(2199, 12, 31), open=_ALL_DAY, why="day and night")
    return Calendar(ALWAYS, zone=ZoneInfo("UTC"), rules=DayRules({}, dates=(rule,)))


def _calendar(name: str, plan: _Plan, holidays: PublicHolidays | None) -> Calendar:
    rules = DayRules(plan.week, holidays, plan.on_holidays, plan.dates)
    known = max(holidays.known_until, plan.holidays_until or date.min) if holidays else date.max
    return Calendar(name, zone=plan.zone, rules=rules, known_until=known)


def _plan(name: str, settings: Settings, *, below: tuple[str, ...]) -> _Plan:
    if name in below:
        raise ConfigError(f"calendars.{name}.extends: it extends itself by way of {' -> '.join((*below, name))}")
    own = settings.calendars[name]
    parent = _parent(name, own, settings, below=below)
    return _Plan(
        zone=own.timezone or parent.zone,
        week={**parent.week, **_week(name, own)},
        holidays=None if own.holidays == "none" else own.holidays or parent.holidays,
        holidays_until=own.holidays_until or parent.holidays_until,
        on_holidays=parent.on_holidays if own.on_holidays is None else own.on_holidays,
        dates=parent.dates + own.dates,
    )


def _parent(name: str, own: CalendarSettings, settings: Settings, *, below: tuple[str, ...]) -> _Plan:
    if own.extends is None:
        return _Plan(settings.omniyard.timezone, {}, None, None, (), ())
    if own.extends == ALWAYS:
        return _Plan(settings.omniyard.timezone, dict.fromkeys(range(7), _ALL_DAY), None, None, (), ())
    if own.extends not in settings.calendars:
        raise ConfigError(f'calendars.{name}.extends: there is no calendar "{own.extends}"')
    return _plan(own.extends, settings, below=(*below, name))


def _week(name: str, own: CalendarSettings) -> dict[int, tuple[DaySpan, ...]]:
    week: dict[int, tuple[DaySpan, ...]] = {}
    for key, spans in own.week.items():
        for day in _weekdays(name, key):
            if day in week:
                raise ConfigError(f"calendars.{name}.week: {_DAY_NAMES[day]} is named twice")
            week[day] = spans
    return week


def _weekdays(name: str, key: str) -> list[int]:
    """Return the days of "mon", "mon-fri" or "fri-mon", Monday is 0."""
    first, dash, last = key.lower().partition("-")
    if first not in _DAY_NAMES or (dash and last not in _DAY_NAMES):
        raise ConfigError(f'calendars.{name}.week: expected a day or range such as "sat" or "mon-fri", not "{key}"')
    start = _DAY_NAMES.index(first)
    length = (_DAY_NAMES.index(last) - start) % 7 + 1 if dash else 1
    return [(start + offset) % 7 for offset in range(length)]
