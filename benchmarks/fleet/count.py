"""Count what a fleet's run shows: how long each path stood still during each event, by the database's own times."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

MOST_SECONDS: Final = 30.0
"""The longest that work may stand still when a part fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One event, by the clock of the database. name: as the table says it.  start, end: of its effect, in seconds."""

    name: str
    start: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Takeover:
    """How long work stood still in a window. path: where the longest.  waited: the longest wait of one message."""

    name: str
    seconds: float
    path: str
    waited: float

    @property
    def is_in_time(self) -> bool:
        """Return whether another part took over soon enough."""
        return self.seconds < MOST_SECONDS


def longest_gap(times: Sequence[float], *, start: float, end: float) -> float:
    """Return the longest time between two of the sorted `times` that touches the window.

    The last one before the window and the first one after it bound the gaps at its edges.
    """
    first, last = bisect_left(times, start), bisect_left(times, end)
    inside = [times[first - 1] if first else start, *times[first:last], times[last] if last < len(times) else end]
    return max(later - earlier for earlier, later in itertools.pairwise(inside))


def takeovers(
    windows: Iterable[Window], *, paths: Mapping[str, Sequence[float]], waits: Sequence[tuple[float, float]]
) -> list[Takeover]:
    """Return one takeover a window.

    paths: by name, when work was done on it, sorted.  waits: of each message, when it was accepted and how long it
    waited for its conversation.
    """
    found = []
    for window in windows:
        gaps = {name: longest_gap(times, start=window.start, end=window.end) for name, times in paths.items()}
        path = max(gaps, key=lambda name: gaps[name])
        waited = max((wait for at, wait in waits if window.start <= at <= window.end), default=0.0)
        found.append(Takeover(name=window.name, seconds=gaps[path], path=path, waited=waited))
    return found


def grouped(found: Sequence[Takeover]) -> list[tuple[str, int, float, float, float]]:
    """Return one line a kind of event: its name, how many, the median, the longest, and the longest wait."""
    kinds: dict[str, list[Takeover]] = {}
    for each in found:
        kinds.setdefault(each.name, []).append(each)
    return [
        (
            name,
            len(group),
            sorted(each.seconds for each in group)[len(group) // 2],
            max(each.seconds for each in group),
            max(each.waited for each in group),
        )
        for name, group in kinds.items()
    ]
