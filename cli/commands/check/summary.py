"""Summarise a configuration: its channels, the hours of this week, its routes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Final

from rich.console import Console

from api.text.reasons import in_english
from cli.terminal import print_table
from router.hours.calendar import Calendar, OpenSpan
from router.hours.days import DayKind
from router.hours.from_settings import build_calendars
from router.settings.model import Condition, RouteSettings, Settings

_DAY: Final = timedelta(days=1)
_CLOSED: Final = "closed"
_UNUSUAL: Final = frozenset({DayKind.HOLIDAY, DayKind.MAKE_UP, DayKind.DATED})


@dataclass(frozen=True, slots=True)
class _Day:
    """One local day of a calendar. hours: its opening times in words.  why: why it is unusual, empty otherwise."""

    on: date
    hours: str
    why: str


def describe(settings: Settings, *, now: datetime) -> dict[str, object]:
    """Return the summary as JSON values, for the week that contains `now`. now: aware."""
    return {
        "channels": [
            {"name": name, "kind": channel.kind, "enabled": channel.enabled, "source": channel.source_words,
             "calendar": channel.calendar, "team": channel.team}
            for name, channel in settings.channels.items()
        ],
        "calendars": [_calendar(name, calendar, now=now) for name, calendar in build_calendars(settings).items()],
        "routes": [
            {"name": route.name, "when": _condition(route.when), "team": route.team, "priority": route.priority,
             "sla": route.sla, "reply": route.reply}
            for route in settings.routes
        ],
    }  # fmt: skip


def _calendar(name: str, calendar: Calendar, *, now: datetime) -> dict[str, object]:
    week = [{"date": day.on.isoformat(), "open": day.hours, "why": day.why} for day in _week(calendar, now=now)]
    return {"name": name, "timezone": calendar.zone.key, "open_now": calendar.is_open(now), "week": week}


def print_summary(settings: Settings, *, now: datetime) -> None:
    """Print the summary for people, for the week that contains `now`. now: aware."""
    console = Console(highlight=False, soft_wrap=True, markup=False)
    print_table(("Channel", "Kind", "From", "Calendar", "Team"), _channel_rows(settings))
    calendars = build_calendars(settings)
    weeks = {name: list(_week(calendar, now=now)) for name, calendar in calendars.items()}
    rows = [
        (name, calendar.zone.key, "open" if calendar.is_open(now) else "closed", _in_short(weeks[name]))
        for name, calendar in calendars.items()
    ]
    print_table(("Calendar", "Zone", "Now", "This week"), rows)
    for name, day in [(name, day) for name, week in weeks.items() for day in week if day.why]:
        console.print(f"  {name}, {day.on:%A} {day.on.day} {day.on:%B}: {day.why}")
    console.print("\nRoutes: the first that fits")
    for number, route in enumerate(settings.routes, start=1):
        console.print(f"  {number}. {route.name}: {_in_words(route)}")
    console.print()


def _channel_rows(settings: Settings) -> Iterator[Sequence[str]]:
    for name, channel in settings.channels.items():
        kind = channel.kind if channel.enabled else f"{channel.kind}, disabled"
        yield name, kind, channel.source_words, channel.calendar, channel.team or ""


def _in_short(week: Iterable[_Day]) -> str:
    """Return a week's hours in words: consecutive days with equal hours are one range; closed days are left out."""
    spans: list[str] = []
    for hours, group in groupby(week, key=lambda day: day.hours):
        days = [f"{day.on:%a}" for day in group]
        if hours != _CLOSED:
            spans.append(f"{days[0]} {hours}" if len(days) == 1 else f"{days[0]}-{days[-1]} {hours}")
    return ", ".join(spans) or "closed"


def _in_words(route: RouteSettings) -> str:
    actions = [
        route.team or "the channel's team",
        route.priority,
        f"SLA {route.sla}" if route.sla else "",
        f"reply {route.reply}" if route.reply else "",
        "held until opening" if route.hold else "",
    ]
    return f"{_condition(route.when) or 'all that is left'} -> {', '.join(filter(None, actions))}"


def _condition(condition: Condition | None) -> str:
    """Return a condition in words; empty for none."""
    if condition is None:
        return ""
    said = [
        f"{key} {' or '.join(getattr(condition, key))}"
        for key in ("channel", "category", "language", "origin", "sender", "contact", "words")
        if getattr(condition, key)
    ]
    if condition.emergency is not None:
        said.insert(0, "an emergency" if condition.emergency else "no emergency")
    if condition.open is not None:
        said.append("while open" if condition.open else "while closed")
    if condition.holiday is not None:
        said.append("on public holidays" if condition.holiday else "on no public holiday")
    if condition.follows_case is not None:
        said.append("after an earlier case" if condition.follows_case else "without an earlier case")
    return ", ".join(said)


def _week(calendar: Calendar, *, now: datetime) -> Iterator[_Day]:
    today = now.astimezone(calendar.zone)
    monday = today.date() - today.weekday() * _DAY
    days = [monday + number * _DAY for number in range(7)]
    spans = [span for year in sorted({day.year for day in days}) for span in calendar.spans(year)]
    for day in days:
        ours = [span for span in spans if span.start.astimezone(calendar.zone).date() == day]
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=calendar.zone)
        rule = calendar.day(noon)
        yield _Day(day, _hours(ours, calendar=calendar), in_english(rule.why) if rule.kind in _UNUSUAL else "")


def _hours(spans: list[OpenSpan], *, calendar: Calendar) -> str:
    clocks = [
        f"{span.start.astimezone(calendar.zone):%H:%M}-{span.end.astimezone(calendar.zone):%H:%M}" for span in spans
    ]
    return " ".join("24h" if clock == "00:00-00:00" else clock for clock in clocks) or _CLOSED
