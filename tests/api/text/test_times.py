"""A moment is written so that it is read as one day only, in either language."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from api.text.phrases import Language, Words
from api.text.times import Moments

NOW = datetime(2026, 11, 29, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "english", "chinese"),
    [
        # Noon in Shanghai is 4 o'clock in UTC.
        (datetime(2026, 11, 29, 1, 31, tzinfo=UTC), "09:31", "09:31"),
        # Yesterday in UTC is today there.
        (datetime(2026, 11, 28, 23, 0, tzinfo=UTC), "07:00", "07:00"),
        (datetime(2026, 11, 3, 10, 42, tzinfo=UTC), "Tue 3 Nov, 18:42", "11月3日 周二 18:42"),
        (datetime(2027, 1, 1, 1, 0, tzinfo=UTC), "Fri 1 Jan 2027, 09:00", "2027年1月1日 周五 09:00"),
    ],
)
def test_a_day_is_named_unless_it_is_today(at: datetime, english: str, chinese: str) -> None:
    said: dict[Language, str] = {"en": english, "zh": chinese}
    for language, expected in said.items():
        moments = Moments(now=NOW, zone=ZoneInfo("Asia/Shanghai"), words=Words(language))
        assert moments.short(at) == expected


@pytest.mark.parametrize(
    ("left", "english", "chinese", "level"),
    [
        (timedelta(minutes=90), "due in 1 h 30 min", "剩余 1 小时 30 分", "later"),
        # What is far away has one unit: it stands next to a subject.
        (timedelta(hours=18, minutes=43), "due in 18 h", "剩余 18 小时", "later"),
        (timedelta(hours=-25), "overdue by 1 d 1 h", "已超时 1 天 1 小时", "overdue"),
        (timedelta(days=-40, hours=-5), "overdue by 40 d", "已超时 40 天", "overdue"),
        (timedelta(seconds=59), "due within a minute", "不足 1 分钟", "soon"),
        (timedelta(seconds=-59), "just overdue", "刚刚超时", "overdue"),
        (timedelta(seconds=-60), "overdue by 1 min", "已超时 1 分钟", "overdue"),
    ],
)
def test_no_due_time_is_said_in_no_minutes(left: timedelta, english: str, chinese: str, level: str) -> None:
    said: dict[Language, str] = {"en": english, "zh": chinese}
    for language, expected in said.items():
        clock = Moments(now=NOW, zone=ZoneInfo("Asia/Shanghai"), words=Words(language)).due(NOW + left)
        assert clock is not None
        assert (clock.text, clock.level) == (expected, level)


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (0.2, "0 s", "0 秒"),
        (41.0, "41 s", "41 秒"),
        (60.0, "60 s", "60 秒"),
        (119.0, "119 s", "119 秒"),
        (120.0, "2 min", "2 分钟"),
        (179.0, "3 min", "3 分钟"),
        (19 * 60.0, "19 min", "19 分钟"),
        (3599.0, "1 h 0 min", "1 小时 0 分"),
    ],
)
def test_a_measured_time_is_rounded_and_a_short_one_is_said_in_seconds(
    seconds: float, english: str, chinese: str
) -> None:
    said: dict[Language, str] = {"en": english, "zh": chinese}
    for language, expected in said.items():
        assert Moments(now=NOW, zone=ZoneInfo("UTC"), words=Words(language)).length(seconds) == expected
