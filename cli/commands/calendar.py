"""`omniyard calendar`: print a calendar's hours, so that an operator can compare them with the official notice."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import recurring_ical_events
import typer
from icalendar import Calendar as Feed
from icalendar import Event

from api.text.reasons import in_english
from cli.terminal import ConfigOption, JsonOption
from router.errors import NotFound, PermanentError
from router.hours.calendar import Calendar, OpenSpan
from router.hours.days import DayKind
from router.hours.from_settings import build_calendars
from router.settings.files import load_settings

_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

NameArgument = Annotated[str, typer.Argument(help='Which calendar: a name of the configuration, or "always".')]
YearOption = Annotated[
    int | None, typer.Option("--year", "-y", min=1970, max=2199, help="The year; default: this one.")
]
AtOption = Annotated[
    str | None,
    typer.Option(
        "--at", help='A moment (ISO 8601; the calendar\'s zone if it has none) or "now": print whether it is open then.'
    ),
]
FeedOption = Annotated[
    Path | None,
    typer.Option("--import", exists=True, dir_okay=False, help="Show where an iCal file differs, as TOML."),
]


def calendar_command(
    name: NameArgument,
    *,
    year: YearOption = None,
    at: AtOption = None,
    feed: FeedOption = None,
    json_output: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Print every open span of a year and why it is open, or whether the calendar is open at one moment.

    Times are in the calendar's own zone. A closed day is shown if another rule than the week closes it.

    Example: omniyard calendar office --year 2026

    Example: omniyard calendar office --at 2026-02-14T18:00

    Example: omniyard calendar office --year 2027 --import holidays.ics
    """
    calendars = build_calendars(load_settings(config))
    if name not in calendars:
        raise NotFound(f'there is no calendar "{name}"; there is {", ".join(sorted(calendars))}')
    calendar = calendars[name]
    if at is not None:
        _answer(calendar, _moment(at, zone=calendar.zone), as_json=json_output)
        return
    year = year or datetime.now(calendar.zone).year
    if feed is not None:
        _print_notice(calendar, feed, year=year)
    else:
        _print_year(calendar, year, as_json=json_output)


def _moment(text: str, *, zone: ZoneInfo) -> datetime:
    if text == "now":
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f'expected a moment such as "2026-02-14T18:00" or "now", not "{text}"') from error
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _answer(calendar: Calendar, at: datetime, *, as_json: bool) -> None:
    is_open, until, opening = calendar.is_open(at), calendar.closes(at), calendar.next_opening(at)
    if as_json:
        answer: dict[str, Any] = {"at": _iso(at, calendar), "open": is_open, "why": in_english(calendar.why(at))}
        ends = {"until": _iso(until, calendar), "next_opening": _iso(opening, calendar)}
        print(json.dumps(answer | ends, ensure_ascii=False))
        return
    print(f"{calendar.name} at {_words(at, calendar)}: {in_english(calendar.why(at))}")
    if is_open:
        print(f"open until {_words(until, calendar)}" if until else "open, without an end within 366 days")
    else:
        print(f"next opening {_words(opening, calendar)}" if opening else "no opening within 366 days")


def _print_year(calendar: Calendar, year: int, *, as_json: bool) -> None:
    if as_json:
        rows = [
            {"start": _iso(span.start, calendar), "end": _iso(span.end, calendar), "why": in_english(span.why)}
            for span in calendar.spans(year)
        ]
        print(json.dumps(rows, ensure_ascii=False, indent=1))
    else:
        for line in _lines(calendar, year):
            print(line)
    if year > calendar.known_until.year:
        note = f"note: the public holidays of {year} are not announced yet; those fixed by law are shown"
        print(note, file=sys.stderr)


def _print_notice(calendar: Calendar, feed: Path, *, year: int) -> None:
    # Imported here because only this option needs it.

    notice = read_feed(feed, year=year)
    news = what_is_new(notice, calendar)
    print(to_toml(news, calendar=calendar.name, hours=_usual_hours(calendar, year)), end="")
    named = sum((each.until - each.on).days + 1 for each in notice.exceptions)
    differ = sum((each.until - each.on).days + 1 for each in news)
    print(f"{feed.name} names {named} days of {year}; {calendar.name} differs on {differ}.", file=sys.stderr)
    for title in notice.unclear:
        print(f"not a whole day; decide yourself: {title}", file=sys.stderr)
    if news:
        print("Compare this with the official notice, then put it into your configuration.", file=sys.stderr)


def _usual_hours(calendar: Calendar, year: int) -> list[str]:
    """Return the hours of the first ordinary open day of the year: a make-up day has the same hours."""
    days = (calendar.on(date(year, 1, 1) + timedelta(days=number)) for number in range(365))
    spans = next((day.spans for day in days if day.kind is DayKind.WEEK and day.spans), ())
    return [str(span) for span in spans]


def _lines(calendar: Calendar, year: int) -> Iterator[str]:
    """Yield a line for each day that is open, or closed by another rule than the week."""
    spans = {
        day: list(group)
        for day, group in groupby(calendar.spans(year), lambda span: _local(span.start, calendar).date())
    }
    day = date(year, 1, 1)
    while day.year == year:
        rule = calendar.on(day)
        if day in spans or rule.kind is not DayKind.WEEK:
            hours = ", ".join(_hours(span, calendar) for span in spans.get(day, ())) or "closed"
            yield f"{day} {_WEEKDAYS[day.weekday()]}  {hours:<24}  {in_english(rule.why)}"
        day += timedelta(days=1)


def _hours(span: OpenSpan, calendar: Calendar) -> str:
    start, end = _local(span.start, calendar), _local(span.end, calendar)
    midnight = end.date() == start.date() + timedelta(days=1) and f"{end:%H:%M}" == "00:00"
    later = f" (+{(end.date() - start.date()).days}d)" if end.date() != start.date() and not midnight else ""
    return f"{start:%H:%M}-{'24:00' if midnight else f'{end:%H:%M}'}{later}"


def _local(moment: datetime, calendar: Calendar) -> datetime:
    return moment.astimezone(calendar.zone)


def _iso(moment: datetime | None, calendar: Calendar) -> str | None:
    return _local(moment, calendar).isoformat() if moment else None


def _words(moment: datetime, calendar: Calendar) -> str:
    local = _local(moment, calendar)
    return f"{_WEEKDAYS[local.weekday()]} {local:%Y-%m-%d %H:%M %Z}"


# Read an iCal feed of holidays once, as dated exceptions that an operator reviews before use.
# Feeds differ in how they mark a make-up working day. Apple's of mainland China says X-APPLE-SPECIAL-DAY: ALTERNATE-
# WORKDAY; others only have a word in the title. The operator decides about an event that is no whole day.

_ONE_DAY: Final = timedelta(days=1)
_MARK: Final = "X-APPLE-SPECIAL-DAY"
_WORKDAY_MARK: Final = "ALTERNATE-WORKDAY"
_WORKDAY_TITLE: Final = re.compile(
    r"[（(]班[)）]|补班|補班|上班|调休工作|make-?up (?:work|day)|working (?:day|weekend)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Exemption:
    """From `on` to `until`, both included, the week does not apply. works: a working day, else closed."""

    on: date
    until: date
    works: bool
    why: str


@dataclass(frozen=True, slots=True)
class CalendarFeed:
    """The holidays of one year in a feed. unclear: titles of events that are not whole days."""

    exceptions: tuple[Exemption, ...]
    unclear: tuple[str, ...]


def read_feed(path: Path, *, year: int) -> CalendarFeed:
    """Return the file's events on the local days of `year`, repeated events included.

    Raises PermanentError when the file is not an iCalendar file (RFC 5545).
    """
    try:
        events = recurring_ical_events.of(Feed.from_ical(path.read_bytes())).at(year)
    except (ValueError, KeyError, IndexError) as error:
        raise PermanentError(f"{path} is not an iCalendar file (RFC 5545): {error}") from error
    events = [event for event in events if str(event.get("STATUS", "")) != "CANCELLED"]
    whole = [event for event in events if not isinstance(event.start, datetime)]
    unclear = sorted(f"{event.start:%Y-%m-%d %H:%M} {_title(event)}" for event in events if event not in whole)
    days = sorted({day for event in whole for day in _days(event, year=year)}, key=lambda day: (day.on, day.why))
    return CalendarFeed(tuple(_joined(days)), tuple(unclear))


def what_is_new(notice: CalendarFeed, calendar: Calendar) -> list[Exemption]:
    """Return the exceptions, reduced to the days on which the calendar differs."""
    days = [
        replace(each, on=day, until=day)
        for each in notice.exceptions
        for day in _range(each.on, each.until)
        if bool(calendar.on(day).spans) != each.works
    ]
    return list(_joined(days))


def to_toml(exceptions: Sequence[Exemption], *, calendar: str, hours: Sequence[str]) -> str:
    """Return the exceptions as TOML for the configuration. hours: of a make-up working day."""
    return "\n".join(_table(each, calendar=calendar, hours=hours) for each in exceptions)


def _table(each: Exemption, *, calendar: str, hours: Sequence[str]) -> str:
    spans = ", ".join(f'"{span}"' for span in hours) if each.works else ""
    lines = [f"[[calendars.{calendar}.dates]]", f'on = "{each.on}"']
    if each.until != each.on:
        lines.append(f'until = "{each.until}"')
    why = each.why.replace("\\", "\\\\").replace('"', '\\"')
    return "\n".join([*lines, f"open = [{spans}]", f'why = "{why}"', ""])


def _days(event: Event, *, year: int) -> Iterator[Exemption]:
    # RFC 5545 section 3.6.1: a whole-day event ends before the day in DTEND.
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
    """Yield the days; consecutive days with one title are joined."""
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
