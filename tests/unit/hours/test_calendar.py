from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from api.text.reasons import in_english
from router.errors import ConfigError
from router.hours.calendar import Calendar, coverage_warning
from router.hours.days import DayKind, DayRules
from router.hours.from_settings import build_calendars
from router.reason import Reason, ReasonKey
from router.settings import read_settings
from router.settings.values import DaySpan

SHANGHAI = ZoneInfo("Asia/Shanghai")

DESK = """
[omniyard]
timezone = "Asia/Shanghai"

[calendars.office]
week = { mon-fri = ["09:00-12:00", "13:00-18:00"] }
holidays = "CN"
[[calendars.office.dates]]
on = "2026-02-13"
open = ["10:00-15:00"]
why = "last working day before Spring Festival"
[[calendars.office.dates]]
on = "2026-07-06"
until = "2026-07-08"
open = []
why = "the office moves house"

[calendars.chat]
extends = "office"
week = { mon-fri = "10:00-22:00", sat-sun = "10:00-16:00" }

[calendars.mail]
extends = "office"
on_holidays = ["10:00-15:00"]

[calendars.night]
week = { mon-fri = ["22:00-06:00"] }

[calendars.berlin]
timezone = "Europe/Berlin"
week = { mon-sun = ["00:00-06:00"] }

[calendars.never]

[[routes]]
name = "all"
team = "front-line"
"""


@pytest.fixture(scope="module")
def calendars():
    return build_calendars(read_settings(DESK))


def calendar_of(lines: str) -> Calendar:
    return build_calendars(read_settings(f'[calendars.it]\n{lines}\n[[routes]]\nname="a"\nteam="a"\n'))["it"]


def shanghai(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("name", "at", "is_open", "why"),
    [
        # The minutes around opening, lunch and closing.
        ("office", "2026-03-02T08:59:59.999999", False, "closed, outside the hours of: weekly hours of Monday"),
        ("office", "2026-03-02T09:00", True, "open, weekly hours of Monday"),
        ("office", "2026-03-02T11:59:59.999999", True, "open, weekly hours of Monday"),
        ("office", "2026-03-02T12:00", False, "closed, outside the hours of: weekly hours of Monday"),
        ("office", "2026-03-02T13:00", True, "open, weekly hours of Monday"),
        ("office", "2026-03-06T17:59", True, "open, weekly hours of Friday"),
        ("office", "2026-03-06T18:00", False, "closed, outside the hours of: weekly hours of Friday"),
        ("office", "2026-03-07T10:00", False, "closed, no weekly hours on Saturday"),
        # A make-up Saturday, a reduced day, a holiday, a range of closed days and the day after it.
        ("office", "2026-02-14T10:00", True, "open, make-up working day for Friday 2026-02-20"),
        ("office", "2026-02-13T09:30", False, "closed, outside the hours of: last working day before Spring Festival"),
        ("office", "2026-02-13T12:30", True, "open, last working day before Spring Festival"),
        ("office", "2026-02-17T10:00", False, "closed, public holiday: Chinese New Year (Spring Festival)"),
        ("office", "2026-02-20T10:00", False, "closed, public holiday: day off in exchange for 2026-02-14"),
        ("office", "2026-07-08T10:00", False, "closed, the office moves house"),
        ("office", "2026-07-09T10:00", True, "open, weekly hours of Thursday"),
        # On holidays mail has shorter hours and chat is closed, also on a weekend within the official days off.
        ("mail", "2026-02-17T10:00", True, "open, public holiday: Chinese New Year (Spring Festival)"),
        (
            "mail",
            "2026-02-17T15:00",
            False,
            "closed, outside the hours of: public holiday: Chinese New Year (Spring Festival)",
        ),
        ("chat", "2026-02-17T10:00", False, "closed, public holiday: Chinese New Year (Spring Festival)"),
        ("chat", "2026-02-21T11:00", False, "closed, public holiday: weekend within the official days off"),
        ("chat", "2026-03-07T11:00", True, "open, weekly hours of Saturday"),
        # A make-up Saturday has the hours of the weekday it stands for, not a Saturday's.
        ("chat", "2026-02-14T21:00", True, "open, make-up working day for Friday 2026-02-20"),
        # Over midnight: Friday night ends on Saturday morning, Sunday night is closed.
        ("night", "2026-03-07T05:59", True, "open, weekly hours of Friday"),
        ("night", "2026-03-07T06:00", False, "closed, no weekly hours on Saturday"),
        ("night", "2026-03-09T01:00", False, "closed, outside the hours of: weekly hours of Monday"),
        ("always", "2026-02-17T03:00", True, "open, day and night"),
        ("never", "2026-03-02T10:00", False, "closed, no weekly hours on Monday"),
    ],
)
def test_open_or_closed_and_why(calendars, name, at, is_open, why):
    assert (calendars[name].is_open(shanghai(at)), in_english(calendars[name].why(shanghai(at)))) == (is_open, why)


@pytest.mark.parametrize(
    ("name", "at", "opening", "closing"),
    [
        ("office", "2026-03-02T10:00", "2026-03-02T10:00", "2026-03-02T12:00"),
        ("office", "2026-03-02T12:00", "2026-03-02T13:00", None),
        ("office", "2026-03-06T18:00", "2026-03-09T09:00", None),
        # The eve of Spring Festival: Saturday the 14th is a working day, then closed until the 24th.
        ("office", "2026-02-14T18:00", "2026-02-24T09:00", None),
        ("office", "2026-12-31T18:00", "2027-01-04T09:00", None),
        ("never", "2026-03-02T10:00", None, None),
        # A calendar that never closes has no closing.
        ("always", "2026-03-02T10:00", "2026-03-02T10:00", None),
    ],
)
def test_next_opening_and_closing(calendars, name, at, opening, closing):
    assert calendars[name].next_opening(shanghai(at)) == (shanghai(opening) if opening else None)
    assert calendars[name].closes(shanghai(at)) == (shanghai(closing) if closing else None)


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        # Within a span, across lunch, exactly to the closing minute, and over the night.
        ("2026-03-02T09:00", 2, "2026-03-02T11:00"),
        ("2026-03-02T11:00", 2, "2026-03-02T14:00"),
        ("2026-03-02T09:00", 3, "2026-03-02T12:00"),
        ("2026-03-02T09:00", 8, "2026-03-02T18:00"),
        ("2026-03-02T17:00", 2, "2026-03-03T10:00"),
        # From a Sunday, the clock starts on Monday; zero returns the opening itself.
        ("2026-03-08T12:00", 1, "2026-03-09T10:00"),
        ("2026-03-08T12:00", 0, "2026-03-09T09:00"),
        ("2026-03-02T09:30", 0, "2026-03-02T09:30"),
        # Friday 13 February is reduced, Saturday is worked, then comes Spring Festival.
        ("2026-02-13T14:00", 4, "2026-02-14T12:00"),
        ("2026-02-14T17:00", 2, "2026-02-24T10:00"),
        # The whole year: 248 working days, three of them closed for the move and one three hours short.
        ("2026-01-01T00:00", 245 * 8 - 3, "2026-12-31T18:00"),
    ],
)
def test_open_time_is_added_to_a_moment(calendars, start, hours, due):
    office = calendars["office"]
    moment = office.add(shanghai(start), timedelta(hours=hours))
    assert moment == shanghai(due)
    assert moment.tzinfo is UTC
    assert office.elapsed(shanghai(start), moment) == timedelta(hours=hours)


def test_elapsed_runs_backwards_too(calendars):
    office = calendars["office"]
    assert office.elapsed(shanghai("2026-03-02T18:00"), shanghai("2026-03-02T09:00")) == timedelta(hours=-8)


def test_microseconds_survive(calendars):
    start = shanghai("2026-03-02T09:00:00.000001")
    due = calendars["office"].add(start, timedelta(hours=3, microseconds=-2))
    assert due == shanghai("2026-03-02T11:59:59.999999")
    assert calendars["office"].elapsed(start, due) == timedelta(hours=3, microseconds=-2)


@pytest.mark.parametrize(
    ("zone", "night", "hours"),
    [
        # Clocks go forward: a night of eight hours local time lasts seven; back: nine.
        ("Europe/Berlin", "2026-03-28", 7),
        ("Europe/Berlin", "2026-10-24", 9),
        ("America/New_York", "2026-03-07", 7),
        ("America/New_York", "2026-10-31", 9),
        ("Europe/London", "2026-03-28", 7),
        ("Europe/London", "2026-10-24", 9),
        # Lord Howe changes by half an hour; Kathmandu (+05:45) and Shanghai never change.
        ("Australia/Lord_Howe", "2026-04-04", 8.5),
        ("Asia/Kathmandu", "2026-03-28", 8),
        ("Asia/Shanghai", "2026-10-24", 8),
    ],
)
def test_a_night_has_its_real_length(zone, night, hours):
    calendar = calendar_of(f'timezone = "{zone}"\nweek = {{ mon-sun = ["22:00-06:00"] }}')
    start = datetime.fromisoformat(f"{night}T21:00").replace(tzinfo=ZoneInfo(zone))
    opening = calendar.next_opening(start)
    assert opening is not None
    assert opening.astimezone(ZoneInfo(zone)).hour == 22
    assert calendar.closes(opening) == opening + timedelta(hours=hours)
    assert calendar.elapsed(start, start.astimezone(UTC) + timedelta(hours=12)) == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("span", "on", "start", "end"),
    [
        # 29 March 2026, Berlin: 02:00 becomes 03:00 at 01:00 UTC. Edges in the skipped hour move to the change.
        ("02:30-05:00", "2026-03-29", "01:00", "03:00"),
        ("00:00-02:30", "2026-03-29", "23:00", "01:00"),
        ("00:00-03:00", "2026-03-29", "23:00", "01:00"),
        ("02:10-02:50", "2026-03-29", None, None),
        # 25 October 2026: 03:00 becomes 02:00 at 01:00 UTC. From the first such minute to the last.
        ("02:30-05:00", "2026-10-25", "00:30", "04:00"),
        ("00:00-02:30", "2026-10-25", "22:00", "01:30"),
        ("00:00-02:00", "2026-10-25", "22:00", "00:00"),
        ("03:00-05:00", "2026-10-25", "02:00", "04:00"),
    ],
)
def test_edges_on_the_night_of_the_change(span, on, start, end):
    calendar = calendar_of(
        f'timezone = "Europe/Berlin"\n[[calendars.it.dates]]\non = "{on}"\nopen = ["{span}"]\nwhy = "night"'
    )
    spans = [(f"{span.start:%H:%M}", f"{span.end:%H:%M}") for span in calendar.spans(2026)]
    assert spans == ([(start, end)] if start else [])


def test_a_leap_day_is_a_day(calendars):
    start, end = shanghai("2028-02-28T00:00"), shanghai("2028-03-02T00:00")
    assert calendars["office"].elapsed(start, end) == timedelta(hours=24)  # Monday, Tuesday the 29th, Wednesday


def test_the_end_of_a_year_has_no_gap(calendars):
    night = calendar_of('timezone = "Asia/Shanghai"\nweek = { mon-sun = ["22:00-06:00"] }')
    first, last = shanghai("2026-12-31T22:00"), shanghai("2027-01-01T06:00")
    assert night.closes(first) == last
    assert night.elapsed(first, last) == timedelta(hours=8)
    assert night.spans(2026)[-1].end == last
    assert night.spans(2027)[0].start == shanghai("2027-01-01T22:00")
    assert calendars["always"].elapsed(shanghai("1999-01-01T00:00"), shanghai("2031-01-01T00:00")) == timedelta(
        days=11688
    )


def test_spans_never_overlap(calendars):
    calendar = calendar_of('week = { mon-sun = ["22:00-06:00", "05:00-09:00", "08:00-08:30"] }')
    spans = calendar.spans(2026)
    assert all(before.end <= after.start for before, after in pairwise(spans))
    assert calendar.closes(datetime(2026, 3, 2, 23, tzinfo=UTC)) == datetime(2026, 3, 3, 9, tzinfo=UTC)


def test_a_closed_day_keeps_the_night_that_began_before_it():
    calendar = calendar_of(
        'week = { mon-sun = "22:00-06:00" }\n[[calendars.it.dates]]\non = "2026-03-03"\nopen = []\nwhy = "closed"'
    )
    assert calendar.is_open(datetime(2026, 3, 3, 5, tzinfo=UTC))
    assert not calendar.is_open(datetime(2026, 3, 3, 23, tzinfo=UTC))


def test_the_day_says_whether_it_is_a_holiday(calendars):
    assert calendars["mail"].day(shanghai("2026-02-17T10:00")).holiday == Reason(
        ReasonKey.HOLIDAY_NAME, {"holiday_name": "Chinese New Year (Spring Festival)"}
    )
    assert calendars["office"].day(shanghai("2026-02-14T10:00")).kind is DayKind.MAKE_UP
    assert calendars["office"].day(shanghai("2026-02-13T10:00")).kind is DayKind.DATED
    # Half past five in the afternoon of the 16th in UTC is already the 17th in Shanghai.
    assert calendars["office"].day(datetime(2026, 2, 16, 17, 30, tzinfo=UTC)).holiday


def test_the_later_of_two_dates_wins_and_a_child_adds_to_its_parent():
    lines = """
week = { mon-fri = "09:00-17:00" }
[[calendars.it.dates]]
on = "2026-08-01"
until = "2026-08-31"
open = []
why = "summer"
[calendars.child]
extends = "it"
[[calendars.child.dates]]
on = "2026-08-12"
open = ["10:00-11:00"]
why = "stocktaking"
"""
    calendars = build_calendars(read_settings(f'[calendars.it]\n{lines}\n[[routes]]\nname="a"\nteam="a"\n'))
    at = datetime(2026, 8, 12, 10, 30, tzinfo=UTC)
    said = [in_english(calendars[name].why(at)) for name in ("it", "child")]
    assert said == ["closed, summer", "open, stocktaking"]
    assert in_english(calendars["child"].why(at - timedelta(days=1))) == "closed, summer"
    assert calendars["child"].is_open(datetime(2026, 7, 1, 10, tzinfo=UTC))


def test_a_child_can_drop_its_parents_holidays():
    lines = 'holidays = "DE-BE"\nweek = { mon-fri = "24h" }\n[calendars.child]\nextends = "it"\nholidays = "none"'
    calendars = build_calendars(read_settings(f'[calendars.it]\n{lines}\n[[routes]]\nname="a"\nteam="a"\n'))
    at = datetime(2027, 3, 8, 10, tzinfo=UTC)  # Women's Day, a holiday in Berlin alone
    assert (calendars["it"].is_open(at), calendars["child"].is_open(at)) == (False, True)


@pytest.mark.parametrize("method", ["is_open", "next_opening", "closes", "why", "day"])
def test_a_naive_moment_is_refused(calendars, method):
    with pytest.raises(ValueError, match="has no time zone"):
        getattr(calendars["office"], method)(datetime(2026, 3, 2, 10))  # noqa: DTZ001  (naive is the point)


def test_arithmetic_refuses_naive_moments_and_negative_durations(calendars):
    naive, aware = datetime(2026, 3, 2, 10), shanghai("2026-03-02T10:00")  # noqa: DTZ001
    office = calendars["office"]
    for call in (
        lambda: office.add(naive, timedelta(1)),
        lambda: office.elapsed(naive, aware),
        lambda: office.elapsed(aware, naive),
    ):
        with pytest.raises(ValueError, match="has no time zone"):
            call()
    with pytest.raises(ValueError, match="zero or more"):
        office.add(aware, timedelta(seconds=-1))


def test_a_calendar_without_an_opening_raises(calendars):
    with pytest.raises(ConfigError, match='"never" has no opening within 366 days of 2026'):
        calendars["never"].add(shanghai("2026-03-02T10:00"), timedelta(hours=1))


def test_time_runs_out_with_the_last_opening():
    calendar = calendar_of('[[calendars.it.dates]]\non = "2026-03-02"\nopen = ["09:00-10:00"]\nwhy = "once"')
    start = datetime(2026, 3, 1, tzinfo=UTC)
    assert calendar.add(start, timedelta(hours=1)) == datetime(2026, 3, 2, 10, tzinfo=UTC)
    with pytest.raises(ConfigError, match=r"has less than 1:00:00\.000001 of open time after 2026-03-02"):
        calendar.add(start, timedelta(hours=1, microseconds=1))


def test_a_moment_of_a_wrong_clock_is_refused(calendars):
    with pytest.raises(ValueError, match="expected a moment from 1970 to 2199"):
        calendars["office"].is_open(datetime(9999, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('extends = "missing"', 'calendars.it.extends = "missing": no calendar has this name'),
        ('extends = "it"', "calendars.it.extends: it extends itself through it -> it"),
        ('week = { monday = "24h" }', "calendars.it.week.monday: expected a weekday or a range of them"),
        ('week = { mon-fri = "24h", fri = "09:00-12:00" }', 'calendars.it.week.fri: fri is named by "mon-fri" too'),
        ('holidays = "XX"', 'calendars.it.holidays: no public holidays are known for "XX"'),
        ('holidays = "DE-XX"', 'calendars.it.holidays: no public holidays are known for "DE-XX"'),
        ('[calendars.always]\nweek = { mon = "24h" }', "calendars.always: this calendar is built in"),
    ],
)
def test_a_mistake_in_the_file_is_named(lines, message):
    with pytest.raises(ConfigError) as caught:
        calendar_of(lines)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("lines", "today", "warned"),
    [
        # China announces a year in November of the year before; the last one in the library is 2026's.
        ('holidays = "CN"', date(2026, 11, 1), False),
        ('holidays = "CN"', date(2026, 11, 2), True),
        ('holidays = "CN"', date(2027, 6, 1), True),
        # Entered by hand up to the end of 2027.
        ('holidays = "CN"\nholidays_until = "2027-12-31"', date(2026, 11, 2), False),
        # Fixed by law, so known as far as the library computes; and without holidays nothing ends.
        ('holidays = "DE-BE"', date(2026, 11, 2), False),
        ('holidays = "US"', date(2026, 11, 2), False),
        ("", date(2199, 1, 1), False),
    ],
)
def test_ops_are_warned_before_the_known_holidays_end(lines, today, warned):
    calendar = calendar_of(lines)
    # A newer library may know 2027: shift the date by the same amount.
    moved = calendar.known_until.year - 2026 if calendar.known_until.year < 2100 and "until" not in lines else 0
    assert (coverage_warning(calendar, today=today.replace(year=today.year + moved)) is not None) is warned


def test_the_same_settings_give_the_same_calendar_and_others_another():
    lines = 'timezone = "Asia/Shanghai"\nweek = { mon-fri = ["09:00-18:00"] }'
    first = calendar_of(lines)
    assert calendar_of(lines) is first
    assert calendar_of(lines.replace("mon-fri", "mon-thu")) is not first
    assert calendar_of(lines.replace("Shanghai", "Tokyo")) is not first
    assert calendar_of(lines + '\nholidays = "CN"') is not first


def test_many_threads_get_one_answer():
    week = {day: (DaySpan(9 * 60, 18 * 60),) for day in range(5)}
    asked, alone = (Calendar("office", zone=SHANGHAI, rules=DayRules(week)) for _ in range(2))
    moments = [shanghai("1990-01-01T10:00") + timedelta(days=97 * step) for step in range(40)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(asked.is_open, moments))
    assert together == [alone.is_open(moment) for moment in moments]
