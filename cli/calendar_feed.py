"""Read an iCal feed of holidays once, into dated exceptions that a person looks at before they count.

Feeds differ in how they mark a make-up working day. Apple's of mainland China says X-APPLE-SPECIAL-DAY:
ALTERNATE-WORKDAY; others only have a word in the title. What is neither a whole day nor marked is left to the reader.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

import recurring_ical_events
from icalendar import Calendar as Feed
from icalendar import Event

from router.errors import PermanentError
from router.hours.calendar import Calendar

_ONE_DAY: Final = timedelta(days=1)
_MARK: Final = "X-APPLE-SPECIAL-DAY"
_WORKDAY_MARK: Final = "ALTERNATE-WORKDAY"
_WORKDAY_TITLE: Final = re.compile(
    r"[（(]班[)）]|补班|補班|上班|调休工作|make-?up (?:work|day)|working (?:day|weekend)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Exemption:
    """From `on` to `until`, both included, the week does not apply. works: a day of work, else closed."""

    on: date
    until: date
    works: bool
    why: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What a feed says of a year. unclear: titles of events that are not whole days."""

    exceptions: tuple[Exemption, ...]
    unclear: tuple[str, ...]


def read_feed(path: Path, *, year: int) -> Notice:
    """Return what the file says of the local days of `year`, repeated events included.

    Raises PermanentError when it is no iCalendar file (RFC 5545).
    """
    try:
        events = recurring_ical_events.of(Feed.from_ical(path.read_bytes())).at(year)
    except (ValueError, KeyError, IndexError) as error:
        raise PermanentError(f"{path} is not an iCalendar file (RFC 5545): {error}") from error
    events = [event for event in events if str(event.get("STATUS", "")) != "CANCELLED"]
    whole = [event for event in events if not isinstance(event.start, datetime)]
    unclear = sorted(f"{event.start:%Y-%m-%d %H:%M} {_title(event)}" for event in events if event not in whole)
    days = sorted({day for event in whole for day in _days(event, year=year)}, key=lambda day: (day.on, day.why))
    return Notice(tuple(_joined(days)), tuple(unclear))


def what_is_new(notice: Notice, calendar: Calendar) -> list[Exemption]:
    """Return the exceptions, cut to the days of which the calendar says otherwise."""
    days = [
        replace(each, on=day, until=day)
        for each in notice.exceptions
        for day in _range(each.on, each.until)
        if bool(calendar.on(day).spans) != each.works
    ]
    return list(_joined(days))


def to_toml(exceptions: Sequence[Exemption], *, calendar: str, hours: Sequence[str]) -> str:
    """Return the exceptions as they stand in a configuration. hours: of a make-up working day."""
    return "\n".join(_table(each, calendar=calendar, hours=hours) for each in exceptions)


def _table(each: Exemption, *, calendar: str, hours: Sequence[str]) -> str:
    spans = ", ".join(f'"{span}"' for span in hours) if each.works else ""
    lines = [f"[[calendars.{calendar}.dates]]", f'on = "{each.on}"']
    if each.until != each.on:
        lines.append(f'until = "{each.until}"')
    why = each.why.replace("\\", "\\\\").replace('"', '\\"')
    return "\n".join([*lines, f"open = [{spans}]", f'why = "{why}"', ""])


def _days(event: Event, *, year: int) -> Iterator[Exemption]:
    # RFC 5545 section 3.6.1: a whole day ends before the day that DTEND names.
    works = str(event.get(_MARK, "")) == _WORKDAY_MARK or bool(_WORKDAY_TITLE.search(_title(event)))
    last = max(event.start, event.end - _ONE_DAY)
    for day in _range(event.start, last):
        if day.year == year:
            yield Exemption(day, day, works, _title(event))


def _title(event: Event) -> str:
    return " ".join(str(event.get("SUMMARY", "")).split()) or "without a title"


def _range(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += _ONE_DAY


def _joined(days: Sequence[Exemption]) -> Iterator[Exemption]:
    """Yield the days, those that follow each other with one title as one."""
    open_: Exemption | None = None
    for day in days:
        if open_ and (day.on, day.works, day.why) == (open_.until + _ONE_DAY, open_.works, open_.why):
            open_ = replace(open_, until=day.until)
            continue
        if open_:
            yield open_
        open_ = day
    if open_:
        yield open_
