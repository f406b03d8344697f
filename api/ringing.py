"""The bell for senders, whose libraries are loaded when it rings first: most requests only read."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from router.settings import Settings

if TYPE_CHECKING:
    from workers.broker.doorbell import Bell


class Ringer:
    """Rings for what is to leave; may be used by several threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._lock = settings, threading.Lock()
        self._bell: Bell | None = None

    def ring_to_send(self) -> None:
        """Ring. Never raises on account of the broker: senders look for themselves every few seconds."""
        self._opened().ring_to_send()

    def _opened(self) -> Bell:
        with self._lock:
            if self._bell is None:
                from workers.broker import broker_url  # noqa: PLC0415
                from workers.broker.doorbell import Bell  # noqa: PLC0415

                self._bell = Bell(lambda: broker_url(self._settings))
            return self._bell
