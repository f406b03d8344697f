"""From what a clock on the wall reads to moments in time, through the nights when clocks are changed.

A span of the day is one unbroken stretch, from the first minute whose wall clock reads within it to the last.
So a span that starts in the skipped hour starts when the clocks jump, one that ends there ends then, and a repeated
hour inside a span counts twice. This is the only module that turns local time into UTC.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from router.settings.values import DaySpan

_MINUTE: Final = timedelta(minutes=1)


def stretch(day: date, span: DaySpan, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
    """Return when `span` of the local `day` starts and ends, in UTC; None if the clocks skip all of it."""
    midnight = datetime.combine(day, time())
    start = _first(midnight + span.start * _MINUTE, zone)
    # The last minute inside decides, not the closing time itself: 02:00 comes twice when 03:00 becomes 02:00,
    # but whoever closes at 02:00 has gone home the first time.
    end = _after_last(midnight + (span.end - 1) * _MINUTE, zone)
    return (start, end) if start < end else None


def _first(reading: datetime, zone: ZoneInfo) -> datetime:
    earlier, later = _occurrences(reading, zone)
    return earlier if earlier <= later else _jump(later, earlier, zone)


def _after_last(reading: datetime, zone: ZoneInfo) -> datetime:
    earlier, later = _occurrences(reading, zone)
    return later + _MINUTE if earlier <= later else _jump(later, earlier, zone)


def _occurrences(reading: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the moments of a reading: two if it comes twice, in reverse order if it is skipped (PEP 495)."""
    first = reading.replace(tzinfo=zone, fold=0).astimezone(UTC)
    second = reading.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return first, second


def _jump(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment between `low` and `high` when the clocks of `zone` are put forward, to the second."""
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high
