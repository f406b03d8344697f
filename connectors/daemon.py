"""The daemon of the gates: one thread per channel, lease renewal, a watchdog, and a clean stop.

It has no database: a `Keeper` stores the mail. `python -m connectors` connects the two.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Final

import structlog

from connectors.base import Polled, PushGate
from connectors.channel_loops import ASK_AGAIN, GateLane, PollLane
from connectors.keeper import Keeper
from connectors.lease_renewal import RENEW_EVERY, Renewal
from connectors.watchdog import Watchdog

# Service managers kill after thirty seconds; the current batch gets most of that.
_STOP_WITHIN: Final = 18.0
_LOOK_SECONDS: Final = 10.0

_log: Final = structlog.get_logger()


def _nowhere(_: str) -> None:
    """Stand in for the failpoints where there are none."""


class Daemon:
    """Runs all channels of this process until `stop` or a signal."""

    def __init__(
        self,
        keeper: Keeper,
        *,
        polled: Sequence[Polled] = (),
        gates: Sequence[PushGate] = (),
        reach: Callable[[str], None] = _nowhere,
        renew_every: float = RENEW_EVERY,
        ask_again: float = ASK_AGAIN,
        watchdog: Watchdog | None = None,
    ) -> None:
        self._stopping = threading.Event()
        self._watchdog = watchdog or Watchdog()
        self._renewal = Renewal(self._watchdog, every=renew_every)
        self._lanes: list[PollLane | GateLane] = [
            PollLane(
                channel.connector,
                poll=channel.poll,
                keeper=keeper,
                renewal=self._renewal,
                watchdog=self._watchdog,
                reach=reach,
                ask_again=ask_again,
                topic=channel.topic,
            )
            for channel in polled
        ]
        self._lanes += [GateLane(gate, keeper=keeper, watchdog=self._watchdog) for gate in gates]

    def run(self) -> bool:
        """Run until SIGTERM or SIGINT, then finish the current batches; a second signal ends the process at once.

        Returns True if all threads ended in time. Call it in the main thread.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        return self.run_until_stopped()

    def run_until_stopped(self) -> bool:
        """Run until `stop` is called. Returns True if all threads ended in time."""
        self._watchdog.start()
        self._renewal.start()
        threads = [threading.Thread(target=lane.run, name=lane.channel, daemon=True) for lane in self._lanes]
        for thread in threads:
            thread.start()
        # A wait without a timeout would not notice a signal where Python waits in C; one with a timeout does at once.
        while not self._stopping.wait(_LOOK_SECONDS):
            pass
        return self._come_to_rest(threads)

    def stop(self) -> None:
        """Tell all channels to finish; callable from any thread, and from a signal handler."""
        self._stopping.set()

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        if self._stopping.is_set():
            os._exit(128 + number)
        self.stop()

    def _come_to_rest(self, threads: Sequence[threading.Thread]) -> bool:
        deadline = time.monotonic() + _STOP_WITHIN
        for lane in self._lanes:
            lane.stop()
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        busy = [thread.name for thread in threads if thread.is_alive()]
        if busy:
            # Nothing is lost: uncommitted messages are fetched again, and the leases expire.
            _log.warning("daemon.unfinished", channels=busy)
        self._renewal.stop()
        self._watchdog.stop()
        return not busy
