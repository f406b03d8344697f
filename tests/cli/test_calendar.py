from __future__ import annotations

import json
import sys
import tomllib
from datetime import datetime

import pytest

from cli.main import main

DESK = """
[omniyard]
timezone = "Asia/Shanghai"
[channels.desk-mail]
kind = "smtp"
calendar = "office"
[calendars.office]
week = { mon-fri = ["09:00-12:00", "13:00-18:00"] }
holidays = "CN"
[[calendars.office.dates]]
on = 2026-02-13
open = ["10:00-15:00"]
why = "last working day before Spring Festival"
[calendars.berlin]
timezone = "Europe/Berlin"
week = { sat = "22:00-06:00", wed = "24h" }
[teams.front-line]
[[routes]]
name = "all"
team = "front-line"
"""


@pytest.fixture
def omniyard(tmp_path, monkeypatch, capsys):
    file = tmp_path / "channels.toml"
    file.write_text(DESK, encoding="utf-8")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["omniyard", "calendar", *arguments, "--config", str(file)])
        with pytest.raises(SystemExit) as ended:
            main()
        output = capsys.readouterr()
        return ended.value.code, output.out, output.err

    return run


def test_the_json_year_is_a_list_of_local_spans_with_their_why(omniyard):
    code, out, _ = omniyard("office", "--year", "2026", "--json")
    spans = json.loads(out)
    assert code == 0
    assert spans[0] == {
        "start": "2026-01-04T09:00:00+08:00",
        "end": "2026-01-04T12:00:00+08:00",
        "why": "make-up working day for Friday 2026-01-02",
    }
    assert len(spans) == 248 * 2 - 1  # 13 February has one span instead of two
    assert all(datetime.fromisoformat(span["start"]) < datetime.fromisoformat(span["end"]) for span in spans)


def test_the_printed_year_shows_closed_holidays_between_open_days(omniyard):
    code, out, err = omniyard("office", "--year", "2026")
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert "2026-02-13 Fri  10:00-15:00               last working day before Spring Festival" in lines
    assert "2026-02-14 Sat  09:00-12:00, 13:00-18:00  make-up working day for Friday 2026-02-20" in lines
    assert "2026-02-17 Tue  closed                    public holiday: Chinese New Year (Spring Festival)" in lines
    assert "2026-02-24 Tue  09:00-12:00, 13:00-18:00  weekly hours of Tuesday" in lines
    assert not any(line.startswith("2026-03-07") for line in lines)  # an ordinary Saturday


def test_a_span_over_midnight_and_a_whole_day_are_distinguished(omniyard):
    _, out, _ = omniyard("berlin", "--year", "2026")
    assert "2026-03-28 Sat  22:00-06:00 (+1d)" in out
    assert "2026-04-01 Wed  00:00-24:00 " in out


def test_a_span_over_the_change_of_the_clocks_shows_both_offsets(omniyard):
    _, out, _ = omniyard("berlin", "--year", "2026", "--json")
    night = next(span for span in json.loads(out) if span["start"].startswith("2026-03-28"))
    assert (night["start"], night["end"]) == ("2026-03-28T22:00:00+01:00", "2026-03-29T06:00:00+02:00")


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("2026-02-14T17:00", ["open, make-up working day", "open until Sat 2026-02-14 18:00"]),
        ("2026-02-14T18:00", ["closed, outside the hours of", "next opening Tue 2026-02-24 09:00"]),
        # A time with an offset: 10:30 UTC is 18:30 in Shanghai.
        ("2026-02-13T10:30+00:00", ["closed, outside the hours of", "next opening Sat 2026-02-14 09:00"]),
    ],
)
def test_at_says_open_until_when_and_when_next(omniyard, at, said):
    code, out, _ = omniyard("office", "--at", at)
    assert code == 0
    assert all(words in out for words in said)


def test_at_answers_programs_too(omniyard):
    _, out, _ = omniyard("office", "--at", "2026-02-14T18:00", "--json")
    assert json.loads(out) == {
        "at": "2026-02-14T18:00:00+08:00",
        "open": False,
        "why": "closed, outside the hours of: make-up working day for Friday 2026-02-20",
        "until": None,
        "next_opening": "2026-02-24T09:00:00+08:00",
    }


def test_what_never_closes_says_so(omniyard):
    _, out, _ = omniyard("always", "--at", "now")
    assert "open, without an end within 366 days" in out


def test_a_year_that_is_not_announced_says_so_on_stderr(omniyard):
    code, out, err = omniyard("office", "--year", "2150", "--json")
    assert (code, bool(json.loads(out))) == (0, True)
    assert "the public holidays of 2150 are not announced yet" in err


def test_an_unknown_calendar_names_those_that_exist(omniyard):
    code, _, err = omniyard("offfice")
    assert code == 5
    assert 'there is no calendar "offfice"; there is always, berlin, office' in err


def test_an_unreadable_moment_is_wrong_usage(omniyard):
    code, _, err = omniyard("office", "--at", "tomorrow")
    assert code == 2
    assert "expected a moment such as" in err


FEED = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//desk//tests//EN
X-WR-TIMEZONE:Asia/Shanghai
{events}END:VCALENDAR
"""
EVENTS = [
    # From Apple's calendar of mainland China: a holiday and a make-up day that our calendar has too.
    ("20260215", "20260224", "春节（休）", "X-APPLE-SPECIAL-DAY:WORK-HOLIDAY"),
    ("20260214", "20260215", "春节（班）", "X-APPLE-SPECIAL-DAY:ALTERNATE-WORKDAY"),
    # Days that only this company has.
    ("20260803", "20260806", 'The "big" move', ""),
    ("20260809", "20260810", "Make-up working day for the move", ""),
    ("20200901", "20200902", "Founders' day", "RRULE:FREQ=YEARLY"),
    ("20260910T140000", "20260910T160000", "All hands", ""),
    ("20261012", "20261013", "Called off", "STATUS:CANCELLED"),
]


def feed(tmp_path, events=EVENTS):
    file = tmp_path / "holidays.ics"
    lines = [
        f"BEGIN:VEVENT\nUID:{start}@desk\nDTSTAMP:20260101T000000Z\nDTSTART{_kind(start)}:{start}\n"
        f"DTEND{_kind(end)}:{end}\nSUMMARY:{title}\n{more + chr(10) if more else ''}END:VEVENT\n"
        for start, end, title, more in events
    ]
    file.write_text(FEED.format(events="".join(lines)).replace("\n", "\r\n"), encoding="utf-8")
    return file


def _kind(moment):
    return ";TZID=Asia/Shanghai" if "T" in moment else ";VALUE=DATE"


def test_a_feed_is_shown_as_the_exceptions_that_the_calendar_lacks(omniyard, tmp_path):
    code, out, err = omniyard("office", "--year", "2026", "--import", str(feed(tmp_path)))

    assert code == 0
    assert tomllib.loads(out)["calendars"]["office"]["dates"] == [
        {"on": "2026-08-03", "until": "2026-08-05", "open": [], "why": 'The "big" move'},
        {
            "on": "2026-08-09",
            "open": ["09:00-12:00", "13:00-18:00"],
            "why": "Make-up working day for the move",
        },
        {"on": "2026-09-01", "open": [], "why": "Founders' day"},
    ]
    assert "names 15 days of 2026; office differs on 5" in err
    assert "2026-09-10 14:00 All hands" in err
    assert "Called off" not in out + err


def test_what_was_imported_is_a_configuration_that_then_agrees(omniyard, tmp_path):
    _, out, _ = omniyard("office", "--year", "2026", "--import", str(feed(tmp_path)))
    file = tmp_path / "channels.toml"
    file.write_text(DESK.replace("[calendars.berlin]", f"{out}[calendars.berlin]"), encoding="utf-8")

    code, out, err = omniyard("office", "--year", "2026", "--import", str(feed(tmp_path)))
    assert (code, out) == (0, "")
    assert "differs on 0" in err
    assert "Hold this" not in err


def test_a_file_that_is_no_feed_is_named(omniyard, tmp_path):
    file = tmp_path / "holidays.ics"
    file.write_text("<html>Sign in</html>")
    code, out, err = omniyard("office", "--import", str(file))
    assert (code, out) == (1, "")
    assert "holidays.ics is not an iCalendar file (RFC 5545)" in err
