"""The request limit of each token: a token bucket that fills at a steady rate and holds two seconds' requests."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final
from uuid import UUID

# One page of a client sends a dozen requests at once.
_BURST_SECONDS: Final = 2.0
_MOST_KNOWN: Final = 10_000
# A sum of fractions may be slightly less than one.
_WHOLE: Final = 1 - 1e-9


class TokenBuckets:
    """The buckets of this process, one per agent. rate: requests per second, 0 for no limit."""

    def __init__(self, rate: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._clock = rate, clock
        self._lock = threading.Lock()
        self._levels: OrderedDict[UUID, tuple[float, float]] = OrderedDict()

    def wait(self, agent_id: UUID) -> float:
        """Count a request; return 0 if it is allowed, else the seconds until it will be."""
        if not self._rate:
            return 0.0
        full, now = self._rate * _BURST_SECONDS, self._clock()
        with self._lock:
            level, seen = self._levels.pop(agent_id, (full, now))
            level = min(full, level + (now - seen) * self._rate)
            waits = (1 - level) / self._rate if level < _WHOLE else 0.0
            self._levels[agent_id] = (level if waits else level - 1, now)
            if len(self._levels) > _MOST_KNOWN:
                self._levels.popitem(last=False)
        return waits
