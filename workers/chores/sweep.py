"""The sweep: finds every row that is due and that nobody works on, so that no bell or broker needs to be trusted.

It runs in every worker and routes what it finds itself: with no broker at all the house still works. Other rows with
a time, such as promises, have their chore here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import structlog

from connectors.watchdog import Watchdog
from router.errors import TransientError
from workers.routing.route import Router
from workers.runtime.failpoints import reach

PERIOD_SECONDS: Final = 5.0
# Messages that were in a page that died go one by one between the pages, so that neither waits for the other's end.
_ALONE_BETWEEN_PAGES: Final = 50
# What one page, fifty lone messages or one chore may take, each call to the database having a deadline of its own.
_STEP_SECONDS: Final = 300.0
_NAME: Final = "sweep"

_log = structlog.get_logger()


class Chore(Protocol):
    """Something that is due by the clock."""

    def once(self) -> int:
        """Do some of what is due; return how much, 0 when nothing is left."""


class Sweep:
    """Routes due rows, and then does the chores, until `stopped` is set."""

    def __init__(
        self, router: Router, *, stopped: threading.Event, watchdog: Watchdog, chores: Sequence[Chore] = ()
    ) -> None:
        self._router, self._stopped, self._watchdog, self._chores = router, stopped, watchdog, chores

    def run(self) -> None:
        """Sweep each `PERIOD_SECONDS`, at once while there is more, until stopped."""
        while not self._stopped.is_set():
            if not self.once():
                self._watchdog.expect(_NAME, within=PERIOD_SECONDS + _STEP_SECONDS)
                self._stopped.wait(PERIOD_SECONDS)
        self._watchdog.forget(_NAME)

    def once(self) -> int:
        """Route what is due and do the chores; return how much was found. One that fails keeps none from its turn."""
        return sum(self._safely(step) for step in (self._route, *(chore.once for chore in self._chores)))

    def _safely(self, step: Callable[[], int]) -> int:
        self._watchdog.expect(_NAME, within=_STEP_SECONDS)
        try:
            return 0 if self._stopped.is_set() else step()
        except TransientError as error:
            _log.warning("sweep.postponed", error=str(error))
        except Exception:  # noqa: BLE001  (the outer loop of the last resort: whatever it was, the next pass is due)
            _log.exception("sweep.failed")
        return 0

    def _route(self) -> int:
        reach("sweep.before")
        found = 0
        while not self._stopped.is_set() and (claimed := self._router.route_oldest() + self._alone()):
            self._watchdog.expect(_NAME, within=_STEP_SECONDS)
            found += claimed
        return found

    def _alone(self) -> int:
        for found in range(_ALONE_BETWEEN_PAGES):
            if self._stopped.is_set() or not self._router.route_alone():
                return found
        return _ALONE_BETWEEN_PAGES
