"""`omniyard calendar`: what a calendar says, so that ops can hold it against the official notice."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer

from cli.options import ConfigOption, JsonOption
from router.errors import NotFound
from router.hours.calendar import Calendar, OpenSpan
from router.hours.days import DayKind
from router.hours.from_settings import build_calendars
from router.settings.files import load_settings

_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

NameArgument = Annotated[str, typer.Argument(help='Which calendar: a name of the configuration, or "always".')]
YearOption = Annotated[int | None, typer.Option("--year", "-y", min=1970, max=2199, help="The year; else this one.")]
AtOption = Annotated[
    str | None,
    typer.Option(
        "--at", help='A moment (ISO 8601, in the calendar\'s zone if it names none) or "now": is it open then?'
    ),
]
FeedOption = Annotated[
    Path | None,
    typer.Option("--import", exists=True, dir_okay=False, help="Show what an iCal file says otherwise, as TOML."),
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

    Times are those of the calendar's own zone. Closed days are shown where it is not the week that closes them.

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
        answer: dict[str, Any] = {"at": _iso(at, calendar), "open": is_open, "why": calendar.why(at)}
        ends = {"until": _iso(until, calendar), "next_opening": _iso(opening, calendar)}
        print(json.dumps(answer | ends, ensure_ascii=False))
        return
    print(f"{calendar.name} at {_words(at, calendar)}: {calendar.why(at)}")
    if is_open:
        print(f"open until {_words(until, calendar)}" if until else "open, without an end within 366 days")
    else:
        print(f"next opening {_words(opening, calendar)}" if opening else "no opening within 366 days")


def _print_year(calendar: Calendar, year: int, *, as_json: bool) -> None:
    if as_json:
        rows = [
            {"start": _iso(span.start, calendar), "end": _iso(span.end, calendar), "why": span.why}
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
    # Loaded for this alone.
    from cli import calendar_feed  # noqa: PLC0415

    notice = calendar_feed.read_feed(feed, year=year)
    news = calendar_feed.what_is_new(notice, calendar)
    print(calendar_feed.to_toml(news, calendar=calendar.name, hours=_usual_hours(calendar, year)), end="")
    told = sum((each.until - each.on).days + 1 for each in notice.exceptions)
    differ = sum((each.until - each.on).days + 1 for each in news)
    print(f"{feed.name} names {told} days of {year}; {calendar.name} says otherwise of {differ}.", file=sys.stderr)
    for title in notice.unclear:
        print(f"not a whole day, so it is yours to judge: {title}", file=sys.stderr)
    if news:
        print("Hold this against the official notice, then put it into your configuration.", file=sys.stderr)


def _usual_hours(calendar: Calendar, year: int) -> list[str]:
    """Return the hours of the first ordinary open day of the year: a make-up day is worked like one."""
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
            yield f"{day} {_WEEKDAYS[day.weekday()]}  {hours:<24}  {rule.why}"
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
