"""The sweep: finds every row that is due and that nobody works on, so that no bell or broker needs to be trusted.

It runs in every worker and routes what it finds itself: with no broker at all the house still works. Other rows with
a time, such as promises, have their chore here.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Final, Protocol

import structlog

from router.errors import TransientError
from workers.failpoints import reach
from workers.route import Router

PERIOD_SECONDS: Final = 5.0
# Messages that were in a page that died are many after a kill: they go one by one, but all in this pass.
_MOST_ALONE: Final = 500

_log = structlog.get_logger()


class Chore(Protocol):
    """Something that is due by the clock."""

    def once(self) -> int:
        """Do some of what is due; return how much, 0 when nothing is left."""


class Sweep:
    """Routes due rows, and then does the chores, until `stopped` is set."""

    def __init__(self, router: Router, *, stopped: threading.Event, chores: Sequence[Chore] = ()) -> None:
        self._router, self._stopped, self._chores = router, stopped, chores

    def run(self) -> None:
        """Sweep each `PERIOD_SECONDS`, at once while there is more, until stopped."""
        while not self._stopped.is_set():
            if not self.once():
                self._stopped.wait(PERIOD_SECONDS)

    def once(self) -> int:
        """Route what is due; return how many messages were found."""
        try:
            reach("sweep.before")
            return self._pages() + self._single()
        except TransientError as error:
            _log.warning("sweep.postponed", error=str(error))
        except Exception:  # noqa: BLE001  (the outer loop of the last resort: whatever it was, the next pass is due)
            _log.exception("sweep.failed")
        return 0

    def _pages(self) -> int:
        found = 0
        while not self._stopped.is_set() and (claimed := self._router.route_oldest()):
            found += claimed
        return found

    def _single(self) -> int:
        for found in range(_MOST_ALONE):
            if self._stopped.is_set() or not self._router.route_alone():
                return found
        return _MOST_ALONE
