"""The open stretches of whole years in sorted lists for binary search, and the conversion of local time to UTC."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate, starmap
from operator import sub
from typing import Final
from zoneinfo import ZoneInfo

from router.settings.values import DaySpan

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Timeline:
    """From `start` to `end`, in seconds since 1970.

    edges: opening, closing, opening, closing ..., strictly rising, all between start and end; for the search. Floats,
        because a timestamp is a float and a comparison of equal types is twice as fast; whole seconds, so it is exact.
    moments: the same as UTC datetimes; for arithmetic, because they are exact to the microsecond.
    opened: the total open time before each opening, and as the last entry before `end`.
    """

    start: float
    end: float
    edges: list[float]
    moments: list[datetime]
    opened: list[timedelta]

    @classmethod
    def of(cls, stretches: Iterable[tuple[float, float]], *, start: float, end: float) -> Timeline:
        """Build from stretches sorted by opening; adjacent and overlapping stretches become one."""
        edges: list[float] = []
        for opening, closing in stretches:
            since, until = max(opening, start), min(closing, end)
            if edges and since <= edges[-1]:
                edges[-1] = max(edges[-1], until)
            elif since < until:
                edges += (since, until)
        moments = [instant(edge) for edge in edges]
        lengths = starmap(sub, zip(moments[1::2], moments[::2], strict=True))
        return cls(start, end, edges, moments, list(accumulate(lengths, initial=timedelta(0))))

    @classmethod
    def joined(cls, parts: Sequence[Timeline]) -> Timeline:
        """Join timelines that follow each other without a gap."""
        stretches = (pair for part in parts for pair in zip(part.edges[::2], part.edges[1::2], strict=True))
        return cls.of(stretches, start=parts[0].start, end=parts[-1].end)

    def opened_before(self, moment: datetime, seconds: float) -> timedelta:
        """Return the open time between `start` and `moment`; `seconds` is the timestamp of `moment`."""
        passed = bisect_right(self.edges, seconds)
        if passed & 1:
            return self.opened[passed >> 1] + (moment - self.moments[passed - 1])
        return self.opened[passed >> 1]

    def moment_of(self, opened: timedelta) -> datetime | None:
        """Return the first moment at which the open time reaches `opened` (above zero); None if it is after `end`."""
        index = bisect_left(self.opened, opened)
        if index == len(self.opened):
            return None
        return self.moments[2 * index - 2] + (opened - self.opened[index - 1])


def instant(seconds: float) -> datetime:
    """Return the UTC moment of a whole number of seconds since 1970."""
    return _EPOCH + timedelta(seconds=seconds)


# Convert local time to moments, also in the nights when the clocks change.
# A span of the day is one continuous stretch, from the first minute whose local time lies within it to the last. So a
# span that starts or ends in the skipped hour starts or ends when the clocks go forward, and a repeated hour inside a
# span counts twice. This is the only module that converts local time to UTC.

_MINUTE: Final = timedelta(minutes=1)


def stretch(day: date, span: DaySpan, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
    """Return when `span` of the local `day` starts and ends, in UTC; None if the clocks skip all of it."""
    midnight = datetime.combine(day, time())
    start = _first(midnight + span.start * _MINUTE, zone)
    # The last open minute decides, not the closing time itself: 02:00 occurs twice when 03:00 becomes 02:00,
    # but a desk that closes at 02:00 closes the first time.
    end = _after_last(midnight + (span.end - 1) * _MINUTE, zone)
    return (start, end) if start < end else None


def _first(local: datetime, zone: ZoneInfo) -> datetime:
    earlier, later = _occurrences(local, zone)
    return earlier if earlier <= later else _jump(later, earlier, zone)


def _after_last(local: datetime, zone: ZoneInfo) -> datetime:
    earlier, later = _occurrences(local, zone)
    return later + _MINUTE if earlier <= later else _jump(later, earlier, zone)


def _occurrences(local: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the moments of a local time: two if it occurs twice, in reverse order if it is skipped (PEP 495)."""
    first = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    second = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return first, second


def _jump(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment between `low` and `high` when the clocks of `zone` go forward, to the second."""
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high
