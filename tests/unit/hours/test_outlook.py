"""The usual week of a calendar, and the holidays, make-up days and exceptions ahead of a day."""

from __future__ import annotations

from datetime import date

from api.text.reasons import in_english
from router.hours.from_settings import build_calendars
from router.hours.outlook import UnusualDays, unusual_days, usual_week
from router.settings import read_settings

DESK = """
[omniyard]
timezone = "Asia/Shanghai"
[calendars.office]
week = { mon-fri = ["09:00-12:00", "13:00-18:00"], sat = "10:00-16:00" }
holidays = "CN"
[[calendars.office.dates]]
on = "2026-09-21"
until = "2026-09-22"
open = []
why = "the office moves house"
[[routes]]
name = "all"
team = "front-line"
"""
OFFICE = build_calendars(read_settings(DESK))["office"]
ALWAYS = build_calendars(read_settings(DESK))["always"]


def test_days_with_equal_hours_are_one_range_of_the_week() -> None:
    said = [(each.first, each.last, list(map(str, each.spans))) for each in usual_week(OFFICE)]
    assert said == [(1, 5, ["09:00-12:00", "13:00-18:00"]), (6, 6, ["10:00-16:00"]), (7, 7, [])]
    assert [(each.first, each.last) for each in usual_week(ALWAYS)] == [(1, 7)]


def test_holidays_make_up_days_and_exceptions_ahead_are_named_once_a_stretch() -> None:
    ahead = unusual_days(OFFICE, first=date(2026, 9, 15), days=30)
    said = [(each.first.isoformat(), each.last.day, len(each.spans), _words(each)) for each in ahead]
    assert said == [
        ("2026-09-20", 20, 2, "make-up working day for Tuesday 2026-10-06"),
        ("2026-09-21", 22, 0, "the office moves house"),
        ("2026-09-25", 27, 0, "public holiday: Mid-Autumn Festival"),
        ("2026-10-01", 7, 0, "public holiday: National Day"),
        ("2026-10-10", 10, 2, "make-up working day for Wednesday 2026-10-07"),
    ]
    assert unusual_days(ALWAYS, first=date(2026, 9, 15), days=30) == []


def test_two_festivals_in_one_stretch_are_both_named() -> None:
    (eve,) = unusual_days(OFFICE, first=date(2026, 2, 16), days=5)
    assert _words(eve) == "public holiday: Chinese New Year's Eve, public holiday: Chinese New Year (Spring Festival)"
    # What is left of a holiday may have no name of its own.
    (rest,) = unusual_days(OFFICE, first=date(2026, 10, 4), days=1)
    assert rest.reasons


def _words(days: UnusualDays) -> str:
    return ", ".join(map(in_english, days.reasons))
