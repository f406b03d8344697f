"""The watchdog: ends the process when one of its loops has stood still, so that another process may take over.

A thread that hangs for ever (a lock, a library, a kernel) cannot be ended from within Python. A process can,
and it loses nothing: what was not committed is fetched again.
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
    """Leave the stacks of all threads on standard error and end at once."""
    faulthandler.dump_traceback()
    os._exit(STOOD_STILL)


class Watchdog:
    """Holds a deadline a loop; each loop says in advance how long its next step may take."""

    def __init__(self, *, bite: Callable[[], None] = end_process) -> None:
        self._bite = bite
        self._lock = threading.Lock()
        self._deadlines: dict[str, float] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no longer."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(_LOOK_EVERY * 2)

    def expect(self, loop: str, *, within: float) -> None:
        """Bite unless the loop is heard of again within so many seconds."""
        with self._lock:
            self._deadlines[loop] = time.monotonic() + within

    def forget(self, loop: str) -> None:
        """Expect nothing more of a loop that has ended."""
        with self._lock:
            self._deadlines.pop(loop, None)

    def _watch(self) -> None:
        looked = time.monotonic()
        while not self._stopped.wait(_LOOK_EVERY):
            now = time.monotonic()
            # A process that was frozen as a whole (SIGSTOP, a starved machine) owes its loops that time.
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
