"""Renew the leases of this process while its channels are busy or waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import structlog

from connectors.keeper import Ownership
from connectors.watchdog import Watchdog
from router.errors import LeaseLost, TransientError

# A third of the lease: one renewal may be lost, and still no other process takes over.
RENEW_EVERY: Final = 5.0

# Renewals have deadlines of their own; an unavailable database makes each of them slow.
_SLOW: Final = 120.0

_log: Final = structlog.get_logger()


class RenewedLease:
    """One lease under renewal. `lost` once another process has it."""

    def __init__(self, channel: str, ownership: Ownership, *, on_lost: Callable[[], None]) -> None:
        self.channel, self.lost = channel, False
        self._ownership, self._on_lost = ownership, on_lost

    def renew(self) -> None:
        """Renew once; if the store is unavailable, the next renewal tries again, and the commit itself is fenced."""
        try:
            self._ownership.renew()
        except LeaseLost:
            self.lost = True
            _log.warning("channel.lease_lost", channel=self.channel)
            self._on_lost()
        except TransientError as error:
            _log.warning("channel.renewal_failed", channel=self.channel, error=str(error))


class Renewal:
    """A thread that renews all leases of the process."""

    def __init__(self, watchdog: Watchdog, *, every: float = RENEW_EVERY) -> None:
        self._watchdog, self._every = watchdog, every
        self._lock = threading.Lock()
        self._holdings: list[RenewedLease] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="renewal", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(self._every)

    @contextmanager
    def holding(self, channel: str, ownership: Ownership, *, on_lost: Callable[[], None]) -> Iterator[RenewedLease]:
        """Renew the lease inside the block, and release it at the end. on_lost: called from another thread."""
        holding = RenewedLease(channel, ownership, on_lost=on_lost)
        with self._lock:
            self._holdings.append(holding)
        try:
            yield holding
        finally:
            with self._lock:
                self._holdings.remove(holding)
            ownership.release()

    def _run(self) -> None:
        while not self._stopped.wait(self._every):
            self._watchdog.expect("renewal", within=_SLOW)
            with self._lock:
                holdings = [holding for holding in self._holdings if not holding.lost]
            for holding in holdings:
                self._watchdog.expect("renewal", within=_SLOW)
                try:
                    holding.renew()
                except Exception:  # noqa: BLE001  (this thread serves all channels and must outlive any of them)
                    _log.exception("channel.renewal_failed", channel=holding.channel)
        self._watchdog.forget("renewal")
