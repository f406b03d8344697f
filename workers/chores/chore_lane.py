"""Threads for chores that may take long: what the sweep does (promises, escalations, releases) never waits for them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import structlog

from connectors.watchdog import Watchdog
from router.errors import TransientError

PERIOD_SECONDS: Final = 5.0
# The limit for one chore; each database call has its own deadline.
STEP_SECONDS: Final = 300.0

_log = structlog.get_logger()


class Chore(Protocol):
    """Work that is due by the clock."""

    def once(self) -> int:
        """Do some of the due work; return how much, 0 if nothing is left."""


def do_safely(step: Callable[[], int], *, name: str, stopped: threading.Event, watchdog: Watchdog) -> int:
    """Do one step of the loop `name`, and return how much it did; a failure is logged and counts as 0."""
    watchdog.expect(name, within=STEP_SECONDS)
    try:
        return 0 if stopped.is_set() else step()
    except TransientError as error:
        _log.warning(f"{name}.postponed", error=str(error))
    except Exception:  # noqa: BLE001  (the outer loop of the last resort: whatever it was, the next pass is due)
        _log.exception(f"{name}.failed")
    return 0


class ChoreLane:
    """Does its chores from `start` to `stop`, one after the other. name: of the thread, and for the watchdog."""

    def __init__(self, name: str, chores: Sequence[Chore], *, watchdog: Watchdog) -> None:
        self._name, self._chores, self._watchdog = name, chores, watchdog
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start to look every `PERIOD_SECONDS`, without a pause while there is more to do."""
        self._thread.start()

    def stop(self, *, seconds: float) -> None:
        """Finish the chore that runs."""
        self._stopped.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stopped.is_set():
            if not sum(self._do(chore) for chore in self._chores):
                self._watchdog.expect(self._name, within=PERIOD_SECONDS + STEP_SECONDS)
                self._stopped.wait(PERIOD_SECONDS)
        self._watchdog.forget(self._name)

    def _do(self, chore: Chore) -> int:
        return do_safely(chore.once, name=self._name, stopped=self._stopped, watchdog=self._watchdog)
