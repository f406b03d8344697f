"""The watchdog: ends the process when one of its loops hangs, so that another process may take over.

A thread that hangs for ever (a lock, a library, a kernel) cannot be ended from within Python. A process can,
and it loses nothing: uncommitted messages are fetched again.
"""

from __future__ import annotations

import faulthandler
import os
import threading
import time
from collections.abc import Callable
from typing import Final

import structlog

# EX_SOFTWARE of sysexits.h.
STOOD_STILL: Final = 70
_LOOK_EVERY: Final = 1.0

_log: Final = structlog.get_logger()


def end_process() -> None:
    """Write the stacks of all threads to standard error and end the process at once."""
    faulthandler.dump_traceback()
    os._exit(STOOD_STILL)


class Watchdog:
    """Has a deadline per loop; each loop says in advance how long its next step may take."""

    def __init__(self, *, bite: Callable[[], None] = end_process) -> None:
        self._bite = bite
        self._lock = threading.Lock()
        self._deadlines: dict[str, float] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        """Start the watch."""
        self._thread.start()

    def stop(self) -> None:
        """End the watch."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(_LOOK_EVERY * 2)

    def expect(self, loop: str, *, within: float) -> None:
        """Expect the next call for this loop within so many seconds, or end the process."""
        with self._lock:
            self._deadlines[loop] = time.monotonic() + within

    def forget(self, loop: str) -> None:
        """Expect nothing more from a loop that has ended."""
        with self._lock:
            self._deadlines.pop(loop, None)

    def _watch(self) -> None:
        looked = time.monotonic()
        while not self._stopped.wait(_LOOK_EVERY):
            now = time.monotonic()
            # A process that was suspended as a whole (SIGSTOP, an overloaded machine) gives its loops that time back.
            self._grant(max(0.0, now - looked - 2 * _LOOK_EVERY))
            looked = now
            if late := self._late(now):
                _log.critical("watchdog.stood_still", loops=late)
                self._bite()
                return

    def _grant(self, seconds: float) -> None:
        if seconds:
            with self._lock:
                self._deadlines = {loop: deadline + seconds for loop, deadline in self._deadlines.items()}

    def _late(self, now: float) -> list[str]:
        with self._lock:
            return [loop for loop, deadline in self._deadlines.items() if deadline < now]
