"""The bell: one broker message with a page's ids. It never retries, never holds intake up, and may be lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

import structlog
from dramatiq import Message
from dramatiq.brokers.redis import RedisBroker
from redis import RedisError

from workers.broker import ring_message, ring_to_send, ringing_broker
from workers.runtime.failpoints import reach

# After a failure the bell is left alone this long; the sweep finds the rows meanwhile.
_REST_SECONDS: Final = 5.0

_log = structlog.get_logger()


class Bell:
    """Rings for pages; may be used by several threads.

    find_url: asked for anew after each failure; None while there is no broker.
    """

    def __init__(self, find_url: Callable[[], str | None]) -> None:
        self._find_url = find_url
        self._lock = threading.Lock()
        self._broker: RedisBroker | None = None
        self._rests_until = 0.0

    def ring(self, ids: Sequence[UUID]) -> bool:
        """Ring for a page; return whether anybody can have heard it. Never raises on account of the broker."""
        reach("bell.ring")
        return bool(ids) and self._try(ring_message([str(id_) for id_ in ids]))

    def ring_to_send(self) -> bool:
        """Ring for whoever sends; return whether anybody can have heard it. Never raises on account of the broker."""
        return self._try(ring_to_send())

    def _try(self, message: Message[None]) -> bool:
        if time.monotonic() < self._rests_until:
            return False
        try:
            return self._ring(message)
        except (RedisError, OSError, ValueError) as error:
            # ValueError: the URL is none. Mail is kept already; that must not be taken back by a bell.
            self._rest()
            _log.warning("bell.silent", error=type(error).__name__, rests_for=_REST_SECONDS)
            return False

    def _ring(self, message: Message[None]) -> bool:
        broker = self._connected()
        if broker is None:
            self._rest()
            return False
        broker.enqueue(message)
        return True

    def _connected(self) -> RedisBroker | None:
        with self._lock:
            if self._broker is None:
                url = self._find_url()
                self._broker = ringing_broker(url) if url else None
            return self._broker

    def _rest(self) -> None:
        with self._lock:
            self._broker = None
            self._rests_until = time.monotonic() + _REST_SECONDS
