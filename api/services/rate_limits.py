"""Limits in this process: the requests of each token, and the failed sign-ins of each address and of each agent.

Both are token buckets, which fill at a steady rate and hold a burst.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from ipaddress import IPv6Address, ip_address
from typing import Final
from uuid import UUID

# One page of a client sends a dozen requests at once.
_BURST_SECONDS: Final = 2.0
_MOST_KNOWN: Final = 10_000
# Failed sign-ins: an office behind one address may mistype; no agent's prefix is exhausted from a single address.
_BY_ADDRESS, _BY_AGENT = (1 / 6, 10), (1 / 2, 30)
# A sum of fractions may be slightly less than one.
_WHOLE: Final = 1 - 1e-9


class TokenBuckets:
    """The buckets of this process, one per key. rate: per second, 0 for no limit.  burst: None for two seconds'."""

    def __init__(self, rate: float, *, burst: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._clock = rate, clock
        self._full = rate * _BURST_SECONDS if burst is None else burst
        self._lock = threading.Lock()
        self._levels: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def wait(self, key: Hashable) -> float:
        """Count a request; return 0 if it is allowed, else the seconds until it will be."""
        if not self._rate:
            return 0.0
        now = self._clock()
        with self._lock:
            level, seen = self._levels.pop(key, (self._full, now))
            level = min(self._full, level + max(0.0, now - seen) * self._rate)
            waits = (1 - level) / self._rate if level < _WHOLE else 0.0
            self._levels[key] = (level if waits else level - 1, now)
            if len(self._levels) > _MOST_KNOWN:
                self._levels.popitem(last=False)
        return waits

    def give_back(self, key: Hashable) -> None:
        """Take back the count of an allowed request."""
        with self._lock:
            if key in self._levels:
                level, seen = self._levels[key]
                self._levels[key] = (min(self._full, level + 1), seen)


class SignInLimits:
    """How often a sign-in may fail: by network address, and by the agent that the token's prefix names."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._addresses, self._agents = (
            TokenBuckets(rate, burst=burst, clock=clock) for rate, burst in (_BY_ADDRESS, _BY_AGENT)
        )

    def wait(self, address: str, *, agent_id: UUID | None) -> float:
        """Count an attempt before its token is checked; return 0 if it is allowed, else the seconds to wait.

        agent_id: what the token names; None for a text that is no token.
        """
        return self._addresses.wait(_network(address)) or (self._agents.wait(agent_id) if agent_id else 0.0)

    def succeeded(self, address: str, *, agent_id: UUID | None) -> None:
        """Take back the count of an attempt that did not fail."""
        self._addresses.give_back(_network(address))
        self._agents.give_back(agent_id)


def _network(address: str) -> str:
    """Return what one subscriber has: an IPv4 address, or the /64 of an IPv6 address (RFC 6177 section 2)."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if not isinstance(known, IPv6Address):
        return address
    return str(known.ipv4_mapped or IPv6Address(int(known) >> 64 << 64))
