"""Business hours of one calendar, for the hours gate, automatic replies, the SLA clock and notices to operators.

Arguments are aware moments in any zone, results are UTC. This module never reads a clock.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from router.errors import ConfigError
from router.hours.days import Day, DayKind, DayRules
from router.hours.timeline import Timeline, instant, stretch
from router.reason import Reason, ReasonKey
from router.settings.values import DaySpan

_ONE_DAY: Final = timedelta(days=1)
_NOTHING: Final = timedelta(0)
# 366 days, in seconds. A desk that is closed for longer has a mistake in its file.
_LOOK_AHEAD: Final = 366 * 86_400
# The years 1970 to 2199, as timestamps: a moment outside this range comes from a wrong clock.
_START: Final = 0
_END: Final = datetime(2200, 1, 1, tzinfo=UTC).timestamp()


@dataclass(frozen=True, slots=True)
class OpenSpan:
    """Open from `start` until before `end`, both UTC.  why: which rule of the calendar opened it."""

    start: datetime
    end: datetime
    why: Reason


class Calendar:
    """The hours in which a named group of people works.

    Immutable for its users; it computes each year on first use and keeps it, and threads may share it.
    zone: the zone of the rules' local days and hours.  known_until: see `coverage_warning`.
    """

    __slots__ = ("_known", "_rules", "known_until", "name", "zone")

    def __init__(self, name: str, *, zone: ZoneInfo, rules: DayRules, known_until: date = date.max) -> None:
        self.name = name
        self.zone = zone
        self.known_until = known_until
        self._rules = rules
        self._known = Timeline(0, 0, [], [], [timedelta(0)])

    def __repr__(self) -> str:
        return f"Calendar({self.name!r}, zone={self.zone.key!r})"

    def is_open(self, at: datetime) -> bool:
        """Return whether the calendar is open; the closing minute itself is closed.

        Raises ValueError if `at` is naive or its year is outside 1970 to 2199; so does every method here.
        """
        # Called for every message, and a million times by a simulation: avoid every unnecessary call here.
        if at.tzinfo is None:
            raise ValueError(_naive(at))
        seconds = at.timestamp()
        known = self._known
        if not known.start <= seconds < known.end:
            known = self._reach(seconds, seconds)
        return bisect_right(known.edges, seconds) & 1 == 1

    def next_opening(self, at: datetime) -> datetime | None:
        """Return `at` itself in UTC if open, else the next opening; None if there is none within 366 days."""
        seconds = _timestamp(at)
        return _next_opening(self._reach(seconds, seconds + _LOOK_AHEAD), at, seconds)

    def closes(self, at: datetime) -> datetime | None:
        """Return the end of the open stretch that contains `at`; None if closed, or if no end is within 366 days."""
        seconds = _timestamp(at)
        known = self._reach(seconds, seconds + _LOOK_AHEAD)
        index = bisect_right(known.edges, seconds)
        return _edge(known, index, seconds) if index & 1 else None

    def add(self, start: datetime, duration: timedelta) -> datetime:
        """Return the moment when `duration` of open time has passed since `start`.

        start: aware, any zone.  duration: business time, not wall time; zero returns the next open moment.
        Returns an aware UTC datetime; if an open stretch ends exactly then, its end and not the next opening.
        Raises ConfigError if the calendar has no opening within 366 days of `start`, or too few until 2199;
        ValueError if `duration` is negative.
        Source: business-hours SLA as in Zammad's manual, "SLA Times"; daylight saving measured in UTC.
        """
        seconds = _timestamp(start)
        known = self._reach(seconds, seconds + _LOOK_AHEAD)
        opening = _next_opening(known, start, seconds)
        if opening is None:
            raise ConfigError(f'calendar "{self.name}" has no opening within 366 days of {start.isoformat()}')
        if duration <= _NOTHING:
            if duration < _NOTHING:
                raise ValueError(f"expected a duration of zero or more, not {duration}")
            return opening
        due = known.moment_of(known.opened_before(opening, opening.timestamp()) + duration)
        return due or self._far_moment(opening, duration)

    def _far_moment(self, opening: datetime, duration: timedelta) -> datetime:
        """Search further and further ahead."""
        seconds, until = opening.timestamp(), opening.timestamp() + duration.total_seconds()
        while until < _END:
            known = self._reach(seconds, until)
            due = known.moment_of(known.opened_before(opening, seconds) + duration)
            if due:
                return due
            until = known.end + _LOOK_AHEAD
        raise ConfigError(f'calendar "{self.name}" has less than {duration} of open time after {opening.isoformat()}')

    def elapsed(self, start: datetime, end: datetime) -> timedelta:
        """Return the open time between two moments; negative when `end` comes before `start`."""
        since, until = _timestamp(start), _timestamp(end)
        known = self._known
        if not (known.start <= since < known.end and known.start <= until < known.end):
            known = self._reach(min(since, until), max(since, until))
        return known.opened_before(end, until) - known.opened_before(start, since)

    def spans(self, year: int) -> Sequence[OpenSpan]:
        """Return every open span that begins in the local `year`, in order and without overlap.

        A span over midnight belongs to the day on which it begins. Adjacent days stay separate: each has its own why.
        """
        spans: list[OpenSpan] = []
        for day in _days(date(year, 1, 1) - _ONE_DAY, date(year, 12, 31)):
            for span in self._spans_of(day):
                start = max(span.start, spans[-1].end) if spans else span.start
                if start < span.end:
                    spans.append(OpenSpan(start, span.end, span.why))
        return [span for span in spans if span.start.astimezone(self.zone).year == year]

    def day(self, at: datetime) -> Day:
        """Return the hours of the local day of `at`, and whether it is a public holiday."""
        return self.on(_utc(at).astimezone(self.zone).date())

    def on(self, day: date) -> Day:
        """Return the hours of a local day in local time; `spans` returns moments."""
        return self._rules.on(day)

    def week(self) -> tuple[tuple[DaySpan, ...], ...]:
        """Return the hours of Monday to Sunday in local time, as they are without holidays and exceptions."""
        return tuple(self._rules.never_closes or self._rules.week.get(weekday, ()) for weekday in range(7))

    def why(self, at: datetime) -> Reason:
        """Return which rule makes the desk open or closed at `at`."""
        moment = _utc(at)
        today = moment.astimezone(self.zone).date()
        for span in (*self._spans_of(today - _ONE_DAY), *self._spans_of(today)):
            if span.start <= moment < span.end:
                return Reason(ReasonKey.OPEN_BY_RULE, {"rule": span.why})
        day = self._rules.on(today)
        if not day.spans and day.kind is DayKind.WEEK:
            return Reason(ReasonKey.CLOSED_WEEKDAY, {"weekday": today.isoweekday()})
        key = ReasonKey.CLOSED_OUTSIDE_HOURS if day.spans else ReasonKey.CLOSED_BY_RULE
        return Reason(key, {"rule": day.why})

    def _spans_of(self, day: date) -> Iterator[OpenSpan]:
        rule = self._rules.on(day)
        for span in sorted(rule.spans):
            moments = stretch(day, span, self.zone)
            if moments:
                yield OpenSpan(*moments, rule.why)

    def _reach(self, since: float, until: float) -> Timeline:
        """Return a timeline that covers both timestamps, and keep it if it is wider than the kept one."""
        known = self._known
        if known.start <= since and until < known.end:
            return known
        if since < _START or until >= _END:
            raise ValueError(f"expected a moment from 1970 to 2199, not {since:.0f} to {until:.0f} seconds after 1970")
        first, last = instant(since).year, instant(until).year
        # One assignment replaces the timeline: at worst, a second thread computes an equal timeline again.
        self._known = known = self._widened(known, first, last) if known.end else self._years(first, last)
        return known

    def _widened(self, known: Timeline, first: int, last: int) -> Timeline:
        since, until = instant(known.start).year, instant(known.end).year
        before = [self._years(first, since - 1)] if first < since else []
        after = [self._years(until, last)] if last >= until else []
        return Timeline.joined([*before, known, *after])

    def _years(self, first: int, last: int) -> Timeline:
        # A zone differs from UTC by at most a day, and a span runs at most a day past midnight.
        days = _days(date(first, 1, 1) - 2 * _ONE_DAY, date(last, 12, 31) + 2 * _ONE_DAY)
        start = datetime(first, 1, 1, tzinfo=UTC).timestamp()
        end = datetime(last + 1, 1, 1, tzinfo=UTC).timestamp()
        if self._rules.never_closes:
            # The days would join to the same one stretch.
            return Timeline.of([(start, end)], start=start, end=end)
        spans = sorted((span.start.timestamp(), span.end.timestamp()) for day in days for span in self._spans_of(day))
        return Timeline.of(spans, start=start, end=end)


def _next_opening(known: Timeline, at: datetime, seconds: float) -> datetime | None:
    index = bisect_right(known.edges, seconds)
    return at.astimezone(UTC) if index & 1 else _edge(known, index, seconds)


def _edge(known: Timeline, index: int, seconds: float) -> datetime | None:
    found = index < len(known.edges) and known.edges[index] - seconds <= _LOOK_AHEAD
    return known.moments[index] if found else None


def coverage_warning(calendar: Calendar, *, today: date) -> str | None:
    """Return a warning for operators if the known holidays end within 60 days of `today`; None otherwise."""
    if calendar.known_until - today >= timedelta(days=60):
        return None
    return (
        f'calendar "{calendar.name}": public holidays are announced until {calendar.known_until} only. After that '
        "the weekly hours and the holidays fixed by law are assumed, without make-up working days. Upgrade the "
        '"holidays" package, or enter the dates from the official notice and set holidays_until.'
    )


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(_naive(at))
    return at.astimezone(UTC)


def _timestamp(at: datetime) -> float:
    if at.tzinfo is None:
        raise ValueError(_naive(at))
    return at.timestamp()


def _naive(at: datetime) -> str:
    return f"expected an aware moment, {at.isoformat()} has no time zone"
