"""Whether an endpoint is asked at all: after failures in a row it rests, then one call tries it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

FAILURES: Final = 5
"""So many in a row silence it."""
REST_SECONDS: Final = 60.0
# A provider may ask for a longer rest; a fault of its clock must not stop the calls for a day.
_LONGEST_REST: Final = 600.0


class Breaker:
    """Counts the failures in a row of one endpoint in one process; may be used by several threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._failures, self._rests_until, self._is_trying = 0, 0.0, False

    def admits(self) -> bool:
        """Return whether a call may be made now; after a rest it is one at a time until one succeeds."""
        with self._lock:
            if self._clock() < self._rests_until:
                return False
            if self._failures < FAILURES:
                return True
            if self._is_trying:
                return False
            self._is_trying = True
            return True

    def succeeded(self) -> None:
        """Note that the endpoint answered."""
        with self._lock:
            self._failures, self._is_trying = 0, False

    def failed(self, *, rest: float = 0.0) -> None:
        """Note a failure. rest: how many seconds the endpoint asks us to wait."""
        with self._lock:
            self._failures, self._is_trying = self._failures + 1, False
            rest = max(min(rest, _LONGEST_REST), REST_SECONDS if self._failures >= FAILURES else 0.0)
            self._rests_until = max(self._rests_until, self._clock() + rest) if rest else self._rests_until

    def gave_up(self) -> None:
        """Note that an admitted call was not made, which says nothing of the endpoint."""
        with self._lock:
            self._is_trying = False
