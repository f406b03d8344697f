"""The sizes of a run, what is still missing, when the disk is too small, and what the measured times say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

SMALLEST: Final = 10_000
_FACTOR: Final = 10
# What stays free for the machine: a full disk stops more than this run.
SPARE_BYTES: Final = 10 * 1000**3
# The goals: a p95 may grow to this factor of the smallest size's, the rate of intake may fall to this share of it.
MOST_SLOWER: Final = 1.5
LEAST_INTAKE: Final = 0.67


@dataclass(frozen=True, slots=True)
class Timing:
    """Of one operation at one size, in milliseconds."""

    calls: int
    p50: float
    p95: float


def sizes_to(messages: int) -> list[int]:
    """Return the sizes at which a run measures: 10,000, ten times as many, and so on, and `messages` at last."""
    sizes = [SMALLEST]
    while sizes[-1] * _FACTOR < messages:
        sizes.append(sizes[-1] * _FACTOR)
    return sizes if messages <= sizes[-1] else [*sizes, messages]


def missing(size: int, *, present: int) -> int:
    """Return how many messages must be loaded so that the database has `size`."""
    return max(0, size - present)


def fitting(*, free: int, bytes_a_message: float) -> int:
    """Return how many more messages the disk takes.

    free: bytes of the disk.  bytes_a_message: with indexes, as measured so far.
    """
    return max(0, int((free - SPARE_BYTES) / bytes_a_message))


def disk_refusal(messages: int, *, free: int, bytes_a_message: float) -> str:
    """Return why not all of the next messages can be loaded, in a sentence; the empty text if they can be."""
    if messages <= fitting(free=free, bytes_a_message=bytes_a_message):
        return ""
    return (
        f"The next {messages:,} messages need {messages * bytes_a_message / 1e9:.1f} GB and the disk has "
        f"{free / 1e9:.1f} GB free, of which {SPARE_BYTES / 1e9:.0f} GB must stay free."
    )


def timing(seconds: Sequence[float]) -> Timing:
    """Return the median and the 95th percentile of the calls."""
    ordered = sorted(seconds)
    return Timing(len(ordered), p50=_at(ordered, 0.5), p95=_at(ordered, 0.95))


def _at(ordered: Sequence[float], share: float) -> float:
    return round(ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000, 3)


def ratio(grown: float, small: float) -> float:
    """Return by which factor the grown database's figure is that of the small one."""
    return round(grown / small, 2) if small else 0.0


def missed_goals(ratios: Mapping[str, float], *, again: Mapping[str, float], intake: float) -> list[str]:
    """Return a sentence for each goal that the largest size misses.

    ratios: of each operation's p95.  again: the same, of calls whose rows a call just before has read from the disk.
    """
    slow = [
        f"{name} takes {factor} times as long as at {SMALLEST:,} messages (at most {MOST_SLOWER})"
        f"{_from_memory(again.get(name))}"
        for name, factor in ratios.items()
        if factor > MOST_SLOWER
    ]
    if intake < LEAST_INTAKE:
        slow.append(f"intake has {intake} of the rate at {SMALLEST:,} messages (at least {LEAST_INTAKE})")
    return slow


def _from_memory(factor: float | None) -> str:
    return "" if factor is None else f"; {factor} times when all is in memory"
