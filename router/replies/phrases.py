"""The promise of an opening in words, for the text of an automatic reply: "we open {next_opening}"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from router.hours.days import WEEKDAYS

_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_ZH_WEEKDAYS: Final = "一二三四五六日"


@dataclass(frozen=True, slots=True)
class _Words:
    """How a language says an opening. `on` takes the moment and whether its year needs saying."""

    now: str
    today: str
    tomorrow: str
    on: Callable[[datetime, bool], str]
    at: str


def _english_day(day: datetime, with_year: bool) -> str:
    # Not strftime: its names follow the machine's locale.
    said = f"{WEEKDAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]}"
    return f"{said} {day.year}" if with_year else said


def _chinese_day(day: datetime, with_year: bool) -> str:
    year = f"{day.year}年" if with_year else ""
    return f"{year}{day.month}月{day.day}日（星期{_ZH_WEEKDAYS[day.weekday()]}）"


_ENGLISH: Final = _Words("now", "today", "tomorrow, {day},", _english_day, "{day} at {time}")
_HANS: Final = _Words("现在", "今天", "明天，{day}", _chinese_day, "{day}{time}")
_HANT: Final = _Words("現在", "今天", "明天，{day}", _chinese_day, "{day}{time}")
_BY_TAG: Final[Mapping[str, _Words]] = {
    "zh": _HANS,
    "zh-hans": _HANS,
    "zh-cn": _HANS,
    "zh-sg": _HANS,
    "zh-hant": _HANT,
    "zh-tw": _HANT,
    "zh-hk": _HANT,
    "zh-mo": _HANT,
}


# A page of mail that came while the desk was closed is told one opening.
@lru_cache(maxsize=64)
def opening_words(opening: datetime, *, now: datetime, zone: ZoneInfo, language: str) -> str:
    """Return `opening` as a phrase for a sentence: "Tuesday 24 February at 09:00", "2月24日（星期二）09:00".

    Today and tomorrow are called so; the year is said only when it is another one than today's.
    opening, now: aware.  zone: whose clock and days are meant, the reader's.
    language: BCP 47; what is neither simplified nor traditional Chinese gets English.
    """
    if opening.tzinfo is None or now.tzinfo is None:
        raise ValueError("expected aware moments")
    words = _of(language)
    # In UTC, for two moments of one zone are compared by what the clock on the wall reads.
    if opening.astimezone(UTC) <= now.astimezone(UTC):
        return words.now
    local, today = opening.astimezone(zone), now.astimezone(zone).date()
    day = words.on(local, local.year != today.year)
    if local.date() == today:
        day = words.today
    elif local.date() == today + timedelta(days=1):
        day = words.tomorrow.format(day=day)
    return words.at.format(day=day, time=f"{local:%H:%M}")


def _of(language: str) -> _Words:
    tag = language.lower().replace("_", "-")
    while tag and tag not in _BY_TAG:
        tag = tag.rpartition("-")[0]
    return _BY_TAG.get(tag, _ENGLISH)
