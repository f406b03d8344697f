"""The page of service hours: whether each calendar is open, its week, and the holidays and make-up days ahead."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from api.desk import Desk, DeskPart
from api.http.authentication import Requires
from api.http.permissions import Actor, Verb
from api.pages.render import moments_of
from api.pages.settings.frame import show_room
from api.text.reasons import ReasonReader, say
from api.text.terms.config_names import ConfigNames
from api.text.times import Moments
from router.hours.calendar import Calendar
from router.hours.from_settings import build_calendars
from router.hours.outlook import UnusualDays, WeekdayHours, unusual_days, usual_week
from router.settings.values import MINUTES_A_DAY, DaySpan

# A lead plans the shifts of the next holiday, and of the one after it.
_AHEAD: Final = timedelta(days=120)

routes: Final = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarCard:
    """A calendar in the reader's words. week, ahead: days and their hours, ahead with the reason.

    known_until: the last day whose holidays are announced, if it comes before the end of `ahead`; else empty.
    """

    title: str
    channels: tuple[str, ...]
    zone: str
    is_open: bool
    state: str
    week: tuple[tuple[str, str], ...]
    ahead: tuple[tuple[str, str, str], ...]
    ahead_until: str
    known_until: str


@routes.get("/settings/hours")
def service_hours(
    request: Request, desk: DeskPart, actor: Annotated[Actor, Depends(Requires(Verb.READ_INBOX))]
) -> Response:
    """Show the calendars that a channel uses, in the order of the file."""
    moments = moments_of(request, desk)
    cards = [_card(desk, name, calendar, moments) for name, calendar in _used(desk).items()]
    return show_room(request, desk, actor, template="hours", context={"cards": cards})


def _used(desk: Desk) -> dict[str, Calendar]:
    used = {channel.calendar for channel in desk.settings.channels.values() if channel.enabled}
    return {name: calendar for name, calendar in build_calendars(desk.settings).items() if name in used}


def _card(desk: Desk, name: str, calendar: Calendar, moments: Moments) -> CalendarCard:
    names = ConfigNames(desk.settings, moments.words)
    # The days and hours are those of the place where the colleagues are.
    local = replace(moments, zone=calendar.zone)
    today = moments.now.astimezone(calendar.zone).date()
    until = today + _AHEAD
    ahead = unusual_days(calendar, first=today, days=_AHEAD.days)
    channels = desk.settings.channels.items()
    return CalendarCard(
        title=names("calendar", name),
        channels=tuple(names("channel", key) for key, channel in channels if channel.calendar == name),
        zone=calendar.zone.key,
        is_open=calendar.is_open(moments.now),
        state=_state(calendar, local),
        week=tuple((_weekdays(hours, local), _hours(hours.spans, local)) for hours in usual_week(calendar)),
        ahead=tuple(_unusual(each, calendar, local, names) for each in ahead),
        ahead_until=local.day(_noon(until, calendar)),
        known_until=local.day(_noon(calendar.known_until, calendar)) if calendar.known_until < until else "",
    )


def _state(calendar: Calendar, moments: Moments) -> str:
    is_open, words = calendar.is_open(moments.now), moments.words
    at = calendar.closes(moments.now) if is_open else calendar.next_opening(moments.now)
    if at is None:
        return words("hours_open" if is_open else "hours_closed")
    return words("hours_open_until" if is_open else "hours_closed_until", at=moments.short(at))


def _weekdays(hours: WeekdayHours, moments: Moments) -> str:
    first, last = (moments.words(f"day_{day}") for day in (hours.first, hours.last))
    return first if first == last else moments.words("hours_range", first=first, last=last)


def _unusual(days: UnusualDays, calendar: Calendar, moments: Moments, names: ConfigNames) -> tuple[str, str, str]:
    first, last = _noon(days.first, calendar), _noon(days.last, calendar)
    said = moments.day(first)
    if last > first:
        # The year is said once.
        said = moments.words("hours_range", first=said, last=replace(moments, now=first).day(last))
    reader = ReasonReader(words=moments.words, title=names, moment=moments.short)
    why = moments.words("comma").join(say(reason, reader=reader) for reason in days.reasons)
    return said, _hours(days.spans, moments), why


def _hours(spans: tuple[DaySpan, ...], moments: Moments) -> str:
    said = [_span(span, moments=moments) for span in sorted(spans)]
    return moments.words("comma").join(said) or moments.words("hours_closed")


def _span(span: DaySpan, *, moments: Moments) -> str:
    if (span.start, span.end) == (0, MINUTES_A_DAY):
        return moments.words("hours_day")
    return moments.words("hours_next_day", span=span) if span.end > MINUTES_A_DAY else str(span)


def _noon(day: date, calendar: Calendar) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=calendar.zone)
