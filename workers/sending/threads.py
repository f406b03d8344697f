"""The sending threads: one per kind of channel, woken by a bell, or by a timer if no bell rings.

A slow provider delays its own kind only. A message in flight keeps its lease as long as this process runs.
"""

from __future__ import annotations

import threading
from typing import Final

import structlog

from connectors.registry import Lanes
from router.errors import TransientError
from store.db.engine import Database
from workers.routing.brain import Brain
from workers.sending.deliver import USUAL_PACE, Deliverer, InFlight, SendingPace

PERIOD_SECONDS: Final = 5.0

_log = structlog.get_logger()


class Dispatch:
    """Sends messages from `start` to `stop`. lanes: see `connectors.registry`."""

    def __init__(
        self,
        database: Database,
        brain: Brain,
        *,
        lanes: Lanes,
        pace: SendingPace = USUAL_PACE,
        period: float = PERIOD_SECONDS,
    ) -> None:
        self._database, self._period = database, period
        self._lease = 2 * brain.settings.omniyard.takeover
        self._stopped, self._in_flight = threading.Event(), InFlight()
        self._senders = [sender for senders in lanes.values() for sender in senders.values()]
        self._bells = {lane: threading.Event() for lane in lanes}
        self._deliverers = [
            Deliverer(
                database,
                brain,
                lane=lane,
                senders=senders,
                in_flight=self._in_flight,
                stopped=self._stopped,
                pace=pace,
            )
            for lane, senders in lanes.items()
        ]
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start to send."""
        # Daemon threads: a server may take ten minutes to answer the final dot, and a stop does not wait that long.
        # The message in flight then counts as unknown.
        for deliverer in self._deliverers:
            name = f"send-{deliverer.lane}"
            self._threads.append(threading.Thread(target=self._run, args=(deliverer,), name=name, daemon=True))
        if self._deliverers:
            self._threads.append(threading.Thread(target=self._renew, name="send-leases", daemon=True))
        for thread in self._threads:
            thread.start()

    def nudge(self) -> None:
        """Wake the threads because a message may be due; callable from any thread."""
        for bell in self._bells.values():
            bell.set()

    def stop(self, *, seconds: float) -> None:
        """Start no new message, and wait until those in flight are settled, or `seconds` have passed."""
        self._stopped.set()
        self.nudge()
        for thread in self._threads:
            thread.join(seconds)
        if not any(thread.is_alive() for thread in self._threads):
            for sender in self._senders:
                sender.close()

    def _run(self, deliverer: Deliverer) -> None:
        bell = self._bells[deliverer.lane]
        while not self._stopped.is_set():
            bell.clear()
            try:
                deliverer.once()
            except TransientError as error:
                _log.warning("sending.postponed", lane=deliverer.lane, error=str(error))
            except Exception:  # noqa: BLE001  (the lane's outer loop: whatever it was, the next pass is due)
                _log.exception("sending.failed", lane=deliverer.lane)
            bell.wait(self._period)

    def _renew(self) -> None:
        # Every third of the lease: the lease survives one lost renewal.
        while not self._stopped.wait(self._lease.total_seconds() / 3):
            try:
                self._in_flight.renew(self._database, lease=self._lease)
            except TransientError as error:
                _log.warning("sending.lease_not_renewed", error=str(error))
