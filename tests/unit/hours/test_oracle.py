"""Compare the calendar with an oracle that only checks the local time of every minute."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.hours.calendar import Calendar
from router.hours.days import DayRules
from router.settings.model import DateRule
from router.settings.values import DaySpan

MINUTE = timedelta(minutes=1)
# Each window holds this many minutes; the oracle checks each of them.
WINDOW = 3 * 1440

# A zone and a day on which its clocks or its calendar change.
ODD_DAYS = [
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Europe/London", date(2026, 3, 29)),
    ("Europe/London", date(2026, 10, 25)),
    ("Asia/Kathmandu", date(2026, 1, 1)),  # +05:45
    ("Asia/Kathmandu", date(1986, 1, 1)),  # +05:30 became +05:45
    ("Asia/Shanghai", date(2028, 2, 29)),
    ("Asia/Shanghai", date(1991, 9, 15)),  # its last summer time
    ("Australia/Lord_Howe", date(2026, 4, 5)),  # half an hour
    ("America/Havana", date(2026, 11, 1)),  # 01:00 becomes 00:00
    ("America/Sao_Paulo", date(2018, 11, 4)),  # 00:00 becomes 01:00
    ("Pacific/Apia", date(2011, 12, 30)),  # a day that was not
    ("Pacific/Kiritimati", date(2027, 1, 1)),  # +14:00
    ("UTC", date(2026, 12, 31)),
]


@dataclass(frozen=True)
class Case:
    calendar: Calendar
    start: datetime
    minutes: list[bool]

    def utc(self, minute: int) -> datetime:
        # Compare results in UTC: in a repeated hour, moments of two zones are never equal (PEP 495).
        return self.start + minute * MINUTE

    def at(self, minute: int) -> datetime:
        return self.utc(minute).astimezone(self.calendar.zone)


def minutes_by_the_wall(week, closed, *, zone, start, count):
    """Return whether each minute lies between the first and the last minute whose local time is within a span."""
    stretches: dict[tuple[date, int, int], list[int]] = {}
    for minute in range(-2 * 1440, count + 1440):
        local = (start + minute * MINUTE).astimezone(zone)
        reading = local.hour * 60 + local.minute
        for day, since_midnight in ((local.date(), reading), (local.date() - timedelta(days=1), reading + 1440)):
            spans = closed.get(day, week[day.weekday()])
            for opening, closing in spans:
                if opening <= since_midnight < closing:
                    stretches.setdefault((day, opening, closing), []).append(minute)
    is_open = [False] * count
    for seen in stretches.values():
        for minute in range(max(min(seen), 0), min(max(seen) + 1, count)):
            is_open[minute] = True
    return is_open


# Clocks change at night, so half of the edges are at night.
openings = st.one_of(st.integers(0, 1439), st.sampled_from(range(0, 240, 15)))
closings = st.one_of(st.integers(1, 1440), st.sampled_from(range(15, 240, 15)))
spans_of_a_day = st.lists(
    st.tuples(openings, closings).map(lambda pair: (pair[0], pair[1] if pair[1] > pair[0] else pair[1] + 1440)),
    max_size=3,
)


@st.composite
def cases(draw):
    name, day = draw(st.sampled_from(ODD_DAYS))
    zone = ZoneInfo(name)
    week = draw(st.lists(spans_of_a_day, min_size=7, max_size=7))
    offsets = draw(st.dictionaries(st.integers(-2, 2), spans_of_a_day, max_size=2))
    dated = {day + timedelta(days=offset): spans for offset, spans in offsets.items()}
    start = datetime.combine(day, time(), UTC) - WINDOW // 2 * MINUTE
    rules = DayRules(
        {number: tuple(DaySpan(*span) for span in spans) for number, spans in enumerate(week)},
        dates=tuple(
            DateRule(on=on, open=tuple(DaySpan(*s) for s in spans), why="drawn") for on, spans in dated.items()
        ),
    )
    minutes = minutes_by_the_wall(week, dated, zone=zone, start=start, count=WINDOW)
    return Case(Calendar("drawn", zone=zone, rules=rules), start, minutes)


minute_of = st.integers(0, WINDOW - 1)
quickly = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
durations = st.timedeltas(timedelta(0), timedelta(days=3))
moments = st.datetimes(datetime(2025, 6, 1), datetime(2027, 6, 1), timezones=st.just(UTC))  # noqa: DTZ001


@quickly
@given(cases())
def test_every_minute_agrees_with_the_local_time(case):
    assert [case.calendar.is_open(case.at(minute)) for minute in range(WINDOW)] == case.minutes


@quickly
@given(cases(), minute_of, minute_of)
def test_elapsed_counts_the_open_minutes(case, first, second):
    since, until = sorted((first, second))
    assert case.calendar.elapsed(case.at(since), case.at(until)) == sum(case.minutes[since:until]) * MINUTE
    assert case.calendar.elapsed(case.at(until), case.at(since)) == -sum(case.minutes[since:until]) * MINUTE


@quickly
@given(cases(), minute_of)
def test_the_next_opening_is_the_first_open_minute(case, minute):
    rest = case.minutes[minute:]
    opening = case.calendar.next_opening(case.at(minute))
    if True in rest:
        assert opening == case.utc(minute + rest.index(True))
    else:
        assert opening is None or opening >= case.at(WINDOW)


@quickly
@given(cases(), minute_of)
def test_a_stretch_closes_at_its_first_closed_minute(case, minute):
    rest = case.minutes[minute:]
    closing = case.calendar.closes(case.at(minute))
    if not rest[0]:
        assert closing is None
    elif False in rest:
        assert closing == case.utc(minute + rest.index(False))
    else:
        assert closing is None or closing >= case.at(WINDOW)


@quickly
@given(cases(), minute_of, st.integers(1, 2000))
def test_add_ends_with_the_last_minute_it_counts(case, minute, wanted):
    counted = list(accumulate(case.minutes[minute:]))
    if counted[-1] >= wanted:
        due = case.calendar.add(case.at(minute), wanted * MINUTE)
        assert due == case.utc(minute + bisect_left(counted, wanted) + 1)


@quickly
@given(cases())
def test_the_printed_spans_are_the_open_minutes(case):
    years = {case.at(0).year, case.at(WINDOW).year, case.at(0).year - 1}
    printed = [False] * WINDOW
    for span in (span for year in sorted(years) for span in case.calendar.spans(year)):
        first, last = (span.start - case.start) // MINUTE, (span.end - case.start) // MINUTE
        for minute in range(max(first, 0), min(last, WINDOW)):
            assert not printed[minute], "spans overlap"
            printed[minute] = True
    assert printed == case.minutes


@quickly
@given(cases(), minute_of)
def test_why_agrees_with_is_open(case, minute):
    at = case.at(minute)
    assert case.calendar.why(at).key.startswith("open" if case.calendar.is_open(at) else "closed")


def office(zone: str = "Europe/Berlin") -> Calendar:
    week = {day: (DaySpan(540, 720), DaySpan(780, 1080)) for day in range(5)} | {6: (DaySpan(1320, 1800),)}
    return Calendar("office", zone=ZoneInfo(zone), rules=DayRules(week))


@quickly
@given(moments, durations)
def test_what_was_added_has_elapsed(start, duration):
    calendar = office()
    assert calendar.elapsed(start, calendar.add(start, duration)) == duration


@quickly
@given(moments, durations, durations)
def test_adding_twice_is_adding_once(start, first, second):
    calendar = office()
    # Zero returns the next opening, so a sum that ends at a closing may differ in the moment, not in open time.
    twice, once = calendar.add(calendar.add(start, first), second), calendar.add(start, first + second)
    assert calendar.elapsed(once, twice) == timedelta(0)
    assert twice == once or not second


@quickly
@given(moments, moments, moments)
def test_elapsed_is_additive(a, b, c):
    calendar = office()
    assert calendar.elapsed(a, b) + calendar.elapsed(b, c) == calendar.elapsed(a, c)


@quickly
@given(moments, moments, durations, durations)
def test_later_or_longer_is_never_due_earlier(one, other, short, long):
    calendar = office()
    (early, late), (short, long) = sorted((one, other)), sorted((short, long))
    assert calendar.add(early, long) <= calendar.add(late, long)
    assert calendar.add(early, short) <= calendar.add(early, long)
    assert calendar.elapsed(early, late) >= timedelta(0)


@quickly
@given(moments)
def test_the_next_opening_is_open(at):
    calendar = office()
    opening = calendar.next_opening(at)
    assert opening is not None
    assert opening >= at
    assert calendar.is_open(opening)
    assert calendar.next_opening(opening) == opening


@quickly
@given(moments, st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"]), durations)
def test_the_zone_of_the_question_does_not_matter(at, asked_in, duration):
    calendar, local = office(), at.astimezone(ZoneInfo(asked_in))
    assert calendar.is_open(local) == calendar.is_open(at)
    assert calendar.next_opening(local) == calendar.next_opening(at)
    assert calendar.add(local, duration) == calendar.add(at, duration)
    assert calendar.elapsed(local, at + duration) == calendar.elapsed(at, at + duration)
