"""The sweep: finds every due row that no process works on, so that a lost bell or a dead broker does no harm.

It runs in every worker and routes these rows itself, so Omniyard works without a broker. Other rows with a due time,
such as SLA times, have a chore here; what may take long (a model, the deletion of what is old) has a lane of its own
(`chore_lane`). On a desk where messages are always due, the chores have their turn every second.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from connectors.watchdog import Watchdog
from workers.chores.chore_lane import PERIOD_SECONDS, STEP_SECONDS, Chore, do_safely
from workers.routing.route import MessageRouter
from workers.runtime.failpoints import reach

# Messages of a batch that died go one by one between the batches, so that neither kind blocks the other.
_ALONE_BETWEEN_BATCHES: Final = 50
# On a busy desk messages are always due. After this time of routing the chores have their turn: they take about 10 ms
# when nothing is due, and an SLA alarm must not wait until the desk is quiet.
_ROUTE_SECONDS: Final = 1.0
_NAME: Final = "sweep"


class Sweep:
    """Routes due rows and then does the chores, until `stopped` is set. clock: seconds that never go back."""

    def __init__(
        self,
        router: MessageRouter,
        *,
        stopped: threading.Event,
        watchdog: Watchdog,
        chores: Sequence[Chore] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._router, self._stopped, self._watchdog, self._chores = router, stopped, watchdog, chores
        self._clock = clock
        self._steps = deque[Callable[[float], int]](
            (lambda _: router.route_ordinary(), self._alone, lambda _: router.route_heavy())
        )

    def run(self) -> None:
        """Sweep every `PERIOD_SECONDS`, without a pause while there is more to do, until stopped."""
        while not self._stopped.is_set():
            if not self.once():
                self._watchdog.expect(_NAME, within=PERIOD_SECONDS + STEP_SECONDS)
                self._stopped.wait(PERIOD_SECONDS)
        self._watchdog.forget(_NAME)

    def once(self) -> int:
        """Route due rows and do the chores; return how much was found. A failed step does not stop the others."""
        return sum(self._safely(step) for step in (self._route, *(chore.once for chore in self._chores)))

    def _safely(self, step: Callable[[], int]) -> int:
        return do_safely(step, name=_NAME, stopped=self._stopped, watchdog=self._watchdog)

    def _route(self) -> int:
        """Route until nothing is due or the chores have waited long enough; return how much was found."""
        reach("sweep.before")
        found, until = 0, self._clock() + _ROUTE_SECONDS
        while not self._stopped.is_set() and (claimed := self._round(until, found=found)):
            found += claimed
            if self._clock() >= until:
                break
        return found

    def _round(self, until: float, *, found: int) -> int:
        """Route urgent messages, then the others; return how much was found. found: before, since the last chores.

        Urgent ones, and a batch of ordinary ones whatever urgent ones are due; and one heavy message: on a busy desk,
        where light ones are always due, the heavy ones get their turn. A round that takes too long ends after a step,
        and the next one continues with the step after it.
        """
        claimed = self._router.route_urgent()
        for _ in range(len(self._steps)):
            if self._stopped.is_set():
                break
            step = self._steps[0]
            self._steps.rotate(-1)
            self._watchdog.expect(_NAME, within=STEP_SECONDS)
            claimed += step(until)
            if found + claimed and self._clock() >= until:
                break
        return claimed

    def _alone(self, until: float) -> int:
        for found in range(_ALONE_BETWEEN_BATCHES):
            if self._stopped.is_set() or (found and self._clock() >= until) or not self._router.route_alone():
                return found
        return _ALONE_BETWEEN_BATCHES
