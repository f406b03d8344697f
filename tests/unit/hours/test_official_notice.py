"""The calendar of a Shanghai office against the official notices, every span of the year to the minute.

Source: the State Council's notices on holiday arrangements, transcribed by hand and not from any library:
2024: Guobanfamingdian (2023) 7. 2025: Guobanfamingdian (2024) 12. 2026: Guobanfamingdian (2025) 7.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from router.hours.from_settings import build_calendars
from router.settings import read_settings

SHANGHAI = ZoneInfo("Asia/Shanghai")

DAYS_OFF = {
    2024: ["01-01", "02-10..02-17", "04-04..04-06", "05-01..05-05", "06-10", "09-15..09-17", "10-01..10-07"],
    2025: ["01-01", "01-28..02-04", "04-04..04-06", "05-01..05-05", "05-31..06-02", "10-01..10-08"],
    2026: [
        "01-01..01-03",
        "02-15..02-23",
        "04-04..04-06",
        "05-01..05-05",
        "06-19..06-21",
        "09-25..09-27",
        "10-01..10-07",
    ],
}

WORKED_WEEKENDS = {
    2024: ["02-04", "02-18", "04-07", "04-28", "05-11", "09-14", "09-29", "10-12"],
    2025: ["01-26", "02-08", "04-27", "09-28", "10-11"],
    2026: ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"],
}

DESK = """
[omniyard]
timezone = "Asia/Shanghai"
[calendars.office]
week = { mon-fri = ["09:00-12:00", "13:00-18:00"] }
holidays = "CN"
[calendars.shop]
week = { mon-sun = ["10:00-22:00"] }
holidays = "CN"
[[routes]]
name = "all"
team = "all"
"""


def days_off(year):
    for block in DAYS_OFF[year]:
        first, _, last = block.partition("..")
        day, end = date.fromisoformat(f"{year}-{first}"), date.fromisoformat(f"{year}-{last or first}")
        while day <= end:
            yield day
            day += timedelta(days=1)


def whole_year(year):
    return [
        date(year, 1, 1) + timedelta(days=number) for number in range((date(year + 1, 1, 1) - date(year, 1, 1)).days)
    ]


def works(day):
    return f"{day:%m-%d}" in WORKED_WEEKENDS[day.year] or (day.weekday() < 5 and day not in days_off(day.year))


def spans_of(name, year):
    calendar = build_calendars(read_settings(DESK))[name]
    local = [(span.start.astimezone(SHANGHAI), span.end.astimezone(SHANGHAI)) for span in calendar.spans(year)]
    return [(f"{start:%Y-%m-%d %H:%M}", f"{end:%Y-%m-%d %H:%M}") for start, end in local]


@pytest.mark.parametrize("year", [2024, 2025, 2026])
def test_an_office_works_as_the_notice_says(year):
    expected = [
        (f"{day} {start}", f"{day} {end}")
        for day in whole_year(year)
        if works(day)
        for start, end in (("09:00", "12:00"), ("13:00", "18:00"))
    ]
    assert spans_of("office", year) == expected


def test_2026_has_248_working_days():
    assert len(spans_of("office", 2026)) == 2 * 248


# Monday 10 June 2024 "is off, together with the weekend": the notice does not name that weekend's dates.
JOINED = {date(2024, 6, 8), date(2024, 6, 9)}


@pytest.mark.parametrize("year", [2024, 2025, 2026])
def test_a_shop_that_opens_on_weekends_closes_for_the_whole_block(year):
    expected = [day for day in whole_year(year) if day not in days_off(year) and day not in JOINED]
    assert spans_of("shop", year) == [(f"{day} 10:00", f"{day} 22:00") for day in expected]


def test_every_minute_of_spring_festival_2026_is_closed():
    office = build_calendars(read_settings(DESK))["office"]
    closing = datetime(2026, 2, 14, 18, tzinfo=SHANGHAI)
    assert not any(office.is_open(closing + timedelta(minutes=minute)) for minute in range((9 * 24 + 15) * 60))
    assert office.is_open(datetime(2026, 2, 24, 9, tzinfo=SHANGHAI))
