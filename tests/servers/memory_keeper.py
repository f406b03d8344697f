"""A `Keeper` in memory, with the contract of the real one: leases with tokens, commits, fencing, repeats absorbed."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from connectors.base import Arrival, Batch, Cursor
from connectors.keeper import Ownership, Report
from router.errors import LeaseLost, TransientError


@dataclass
class MemoryKeeper:
    """Keeps batches for any number of daemons. lasts: seconds that a lease lasts without renewal.

    failing: while it is set, the store is unavailable.
    """

    lasts: float = 15
    batches: list[Batch] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    cursors: dict[str, Cursor] = field(default_factory=dict)
    messages: dict[tuple[str, str], bytes] = field(default_factory=dict)
    failing: threading.Event = field(default_factory=threading.Event)
    _leases: dict[str, tuple[int, float]] = field(default_factory=dict)
    _tokens: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def take_wake(self, topic: str) -> str:
        return ""

    def prepare(self, channel: str) -> None:
        """Load nothing: messages are read in memory."""

    def own(self, channel: str) -> Ownership | None:
        with self._lock:
            self.check()
            if self._leases.get(channel, (0, 0.0))[1] > time.monotonic():
                return None
            self._tokens += 1
            self._leases[channel] = (self._tokens, time.monotonic() + self.lasts)
            return MemoryLease(self, channel, self._tokens, self.cursors.get(channel))

    def take(self, batch: Batch) -> None:
        with self._lock:
            self.check()
            self.batches.append(batch)
            for message in batch.messages:
                self.messages[batch.channel, message.source_key] = message.content
            if batch.cursor:
                self.cursors[batch.channel] = batch.cursor

    def report(self, report: Report) -> None:
        with self._lock:
            self.reports.append(report)

    def renew(self, channel: str, token: int) -> None:
        """Extend a lease, if it is still the current one."""
        with self._lock:
            self.check()
            self.confirm(channel, token)
            self._leases[channel] = (token, time.monotonic() + self.lasts)

    def confirm(self, channel: str, token: int) -> None:
        """Raise LeaseLost unless the lease is still the current one."""
        if self._leases.get(channel, (0, 0.0))[0] != token:
            raise LeaseLost

    def release(self, channel: str, token: int) -> None:
        """End a lease, if it is still the current one."""
        with self._lock:
            if self._leases.get(channel, (0, 0.0))[0] == token:
                self._leases[channel] = (token, 0.0)

    def steal(self, channel: str) -> None:
        """Let another owner take the channel."""
        with self._lock:
            self._tokens += 1
            self._leases[channel] = (self._tokens, time.monotonic() + self.lasts)

    @property
    def owners(self) -> int:
        """How often a channel got an owner."""
        return self._tokens

    def owned(self, channel: str) -> bool:
        """Return whether the channel has an owner."""
        return self._leases.get(channel, (0, 0.0))[1] > time.monotonic()

    def check(self) -> None:
        """Raise TransientError while the store is unavailable."""
        if self.failing.is_set():
            raise TransientError("the store is away")


class MemoryLease:
    def __init__(self, keeper: MemoryKeeper, channel: str, token: int, cursor: Cursor | None) -> None:
        self._keeper, self._channel, self._token = keeper, channel, token
        self.cursor = cursor

    def read(self, batch: Batch) -> Sequence[Arrival]:
        return ()

    def accept(self, batch: Batch, arrivals: Sequence[Arrival]) -> None:
        with self._keeper._lock:
            self._keeper.confirm(self._channel, self._token)
            self._keeper.take(batch)

    def renew(self) -> None:
        self._keeper.renew(self._channel, self._token)

    def release(self) -> None:
        self._keeper.release(self._channel, self._token)
