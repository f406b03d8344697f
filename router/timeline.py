"""The open stretches of some whole years as sorted numbers, so that every question is a binary search."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Timeline:
    """From `start` to `end`, seconds since 1970 in UTC.

    edges: opening, closing, opening, closing ..., strictly rising, all within start and end. Floats, because a
        timestamp is one and comparing like with like is twice as fast; whole seconds, so nothing is lost.
    opened: microseconds that were open before each opening, and one more for the whole.
    """

    start: float
    end: float
    edges: list[float]
    opened: list[int]

    @classmethod
    def of(cls, stretches: Iterable[tuple[float, float]], *, start: float, end: float) -> Timeline:
        """Build from stretches sorted by their opening; those that touch or overlap become one."""
        edges: list[float] = []
        for opening, closing in stretches:
            since, until = max(opening, start), min(closing, end)
            if edges and since <= edges[-1]:
                edges[-1] = max(edges[-1], until)
            elif since < until:
                edges += (since, until)
        lengths = (int(until - since) * 1_000_000 for since, until in zip(edges[::2], edges[1::2], strict=True))
        return cls(start, end, edges, list(accumulate(lengths, initial=0)))

    @classmethod
    def joined(cls, parts: Sequence[Timeline]) -> Timeline:
        """Make one of timelines that follow each other without a gap."""
        stretches = (pair for part in parts for pair in zip(part.edges[::2], part.edges[1::2], strict=True))
        return cls.of(stretches, start=parts[0].start, end=parts[-1].end)

    def covers(self, since: float, until: float) -> bool:
        """Say whether both moments lie within."""
        return self.start <= since and until < self.end

    def opened_before(self, moment: datetime) -> int:
        """Return the open microseconds between `start` and the UTC `moment`."""
        passed = bisect_right(self.edges, moment.timestamp())
        if passed % 2 == 0:
            return self.opened[passed // 2]
        return self.opened[passed // 2] + (moment - instant(self.edges[passed - 1])) // MICROSECOND

    def moment_of(self, opened: int) -> datetime | None:
        """Return the first moment when `opened` microseconds were open; None if it lies after `end`."""
        index = bisect_left(self.opened, opened) - 1
        if index < 0 or opened > self.opened[-1]:
            return None
        return instant(self.edges[2 * index]) + (opened - self.opened[index]) * MICROSECOND


def instant(seconds: float) -> datetime:
    """Return the UTC moment of a whole number of seconds since 1970."""
    return EPOCH + timedelta(seconds=seconds)
