"""Count the pushed messages that the desk could not store: a provider without a message list gives them up."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

import structlog

from router.errors import OmniyardError
from store.db.engine import Database
from store.desk.held_back import note_refusals

# By then a provider has tried for the last time; a message that is stored before is not lost.
_GIVEN_UP_AFTER: Final = timedelta(seconds=60)
_MOST: Final = 10_000
_BOUND: Final = "not_stored"

_log = structlog.get_logger()


class UnstoredMessages:
    """The messages of this process that wait for another attempt of their provider; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, str], datetime] = {}

    def note(self, channel: str, keys: Collection[str], *, now: datetime) -> None:
        """Remember messages that could not be stored now."""
        with self._lock:
            for key in keys:
                if len(self._waiting) < _MOST:
                    self._waiting.setdefault((channel, key), now)
        _log.error("webhook.not_stored", channel=channel, messages=len(keys))

    def stored(self, channel: str, keys: Collection[str]) -> None:
        """Forget messages that are stored after all."""
        with self._lock:
            for key in keys if self._waiting else ():
                self._waiting.pop((channel, key), None)

    def count_lost(self, database: Database, *, now: datetime) -> None:
        """Add those that did not come again to what `omniyard status` shows as refused."""
        with self._lock:
            lost = [each for each, since in self._waiting.items() if since < now - _GIVEN_UP_AFTER]
            for each in lost:
                del self._waiting[each]
        if not lost:
            return
        try:
            with database.write() as connection:
                for channel, number in Counter(channel for channel, _ in lost).items():
                    note_refusals(connection, channel=channel, refused={_BOUND: number})
        except OmniyardError:
            with self._lock:
                self._waiting |= dict.fromkeys(lost, now - _GIVEN_UP_AFTER - timedelta(seconds=1))
