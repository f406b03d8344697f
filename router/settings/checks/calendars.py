"""Check calendars: days named twice, overlapping spans, calendars that extend each other in a circle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

from router.settings.checks.references import BUILT_IN
from router.settings.findings import Finding, Place
from router.settings.model import CalendarSettings, DateRule, Settings
from router.settings.values import MINUTES_A_DAY, WEEKDAYS, DaySpan, weekdays

_DAY: Final = timedelta(days=1)


def check_calendars(settings: Settings) -> Iterator[Finding]:
    """Find calendars that contradict themselves."""
    for name, calendar in settings.calendars.items():
        place = ("calendars", name)
        if name in BUILT_IN:
            yield Finding(place=place, message="this calendar is built in; expected another name")
        yield from _circle(name, calendars=settings.calendars)
        yield from _twice(place, calendar)
        yield from _overlaps(place, calendar)
        yield from _nights(place, calendar)
        yield from _hidden_dates(place, calendar)
        yield from _never_open(place, calendar)


def _circle(name: str, *, calendars: Mapping[str, CalendarSettings]) -> Iterator[Finding]:
    path = [name]
    while (calendar := calendars.get(path[-1])) and calendar.extends:
        path.append(calendar.extends)
        if path[-1] in path[:-1]:
            break
    else:
        return
    # Report a circle once; a calendar that only leads into it is not reported.
    if path[-1] == name == min(path):
        way = " -> ".join(path)
        yield Finding(place=("calendars", name, "extends"), message=f"it extends itself through {way}")


def _twice(place: Place, calendar: CalendarSettings) -> Iterator[Finding]:
    named: dict[int, str] = {}
    for key in calendar.week:
        for day in weekdays(key):
            first = named.setdefault(day, key)
            if first != key:
                message = f'{WEEKDAYS[day]} is named by "{first}" too; expected each day once'
                yield Finding(place=(*place, "week", key), message=message)


def _overlaps(place: Place, calendar: CalendarSettings) -> Iterator[Finding]:
    for where, spans in _days(place, calendar):
        for earlier, later in pairwise(sorted(spans)):
            if later.start < earlier.end:
                message = f"{_clock(earlier)} and {_clock(later)} overlap and count once; expected spans that do not"
                yield Finding(place=where, message=message, level="warning")


def _days(place: Place, calendar: CalendarSettings) -> Iterator[tuple[Place, Sequence[DaySpan]]]:
    yield from (((*place, "week", key), spans) for key, spans in calendar.week.items())
    yield from (((*place, "dates", number, "open"), rule.open) for number, rule in enumerate(calendar.dates))
    yield (*place, "on_holidays"), calendar.on_holidays or ()


def _nights(place: Place, calendar: CalendarSettings) -> Iterator[Finding]:
    """Find a night that runs into hours of the day after it."""
    week = {day: ((*place, "week", key), spans) for key, spans in calendar.week.items() for day in weekdays(key)}
    said: set[tuple[Place, DaySpan, DaySpan]] = set()
    for day, (where, spans) in sorted(week.items()):
        _, following = week.get((day + 1) % 7, (where, ()))
        for night, later in _runs_into(spans, following):
            # A range of weekdays says the same thing of each of its nights; once is enough.
            if (where, night, later) not in said:
                said.add((where, night, later))
                yield _night(where, night, later, day=WEEKDAYS[(day + 1) % 7])
    for number, rule in enumerate(calendar.dates):
        if rule.until is not None and rule.until > rule.on:
            for night, later in _runs_into(rule.open, rule.open):
                yield _night((*place, "dates", number, "open"), night, later, day="tomorrow")
        yield from _edges(place, calendar, number=number)


def _edges(place: Place, calendar: CalendarSettings, *, number: int) -> Iterator[Finding]:
    """Find a night that runs into an exception's first day, or from its last day into the day after it."""
    rule = calendar.dates[number]
    pairs: list[tuple[Sequence[DaySpan], Sequence[DaySpan], date]] = []
    if rule.on > date.min:
        pairs.append((_on(calendar, rule.on - _DAY), rule.open, rule.on))
    last = rule.until or rule.on
    # If the day after it has an exception too, that one says so.
    if last < date.max and _exception(calendar, last + _DAY) is None:
        pairs.append((rule.open, _on(calendar, last + _DAY), last + _DAY))
    for spans, following, day in pairs:
        for night, later in _runs_into(spans, following):
            yield _night((*place, "dates", number, "open"), night, later, day=day.isoformat())


def _on(calendar: CalendarSettings, day: date) -> Sequence[DaySpan]:
    """Return the opening times of a day, holidays apart."""
    exception = _exception(calendar, day)
    if exception is not None:
        return exception.open
    return next((spans for key, spans in calendar.week.items() if day.weekday() in weekdays(key)), ())


def _exception(calendar: CalendarSettings, day: date) -> DateRule | None:
    found = (rule for rule in reversed(calendar.dates) if rule.on <= day <= (rule.until or rule.on))
    return next(found, None)


def _runs_into(spans: Sequence[DaySpan], following: Sequence[DaySpan]) -> Iterator[tuple[DaySpan, DaySpan]]:
    for night in spans:
        yield from ((night, later) for later in following if later.start < night.end - MINUTES_A_DAY)


def _night(where: Place, night: DaySpan, later: DaySpan, *, day: str) -> Finding:
    message = f"{_clock(night)} runs into {_clock(later)} of {day} and counts once; expected spans that do not"
    return Finding(place=where, message=message, level="warning")


def _hidden_dates(place: Place, calendar: CalendarSettings) -> Iterator[Finding]:
    for number, rule in enumerate(calendar.dates):
        for later in calendar.dates[number + 1 :]:
            if later.on <= rule.on and (rule.until or rule.on) <= (later.until or later.on):
                message = f'no effect: the later entry "{later.why}" covers all its days'
                yield Finding(place=(*place, "dates", number), message=message, level="warning")
                break


def _never_open(place: Place, calendar: CalendarSettings) -> Iterator[Finding]:
    spans = (*calendar.week.values(), calendar.on_holidays, *(rule.open for rule in calendar.dates))
    if calendar.extends is None and not any(spans):
        yield Finding(place=place, message="never open: it has neither hours nor a calendar to extend", level="warning")


def _clock(span: DaySpan) -> str:
    start, end = divmod(span.start, 60), divmod((span.end - 1) % MINUTES_A_DAY + 1, 60)
    return f"{start[0]:02}:{start[1]:02}-{end[0]:02}:{end[1]:02}"
