"""Forget chats whose secrets have expired, and rows of agents who left a page: a chore of the sweep."""

from __future__ import annotations

from time import monotonic
from typing import Final

import structlog

from store.chat.forgotten import forget_chats
from store.chat.visitor_sessions import LASTS
from store.conversations.readers import forget_present
from store.db.engine import Database, read_clock

# A small number keeps the transaction short, so that no visitor waits for it.
_AT_ONCE: Final = 100
_LOOK_EVERY_SECONDS: Final = 600.0

_log = structlog.get_logger()


class ChatForgetter:
    """Deletes a few at a time; several workers may do it at the same time."""

    def __init__(self, database: Database) -> None:
        self._database, self._next = database, 0.0

    def once(self) -> int:
        """Delete some expired chats; return how many."""
        if monotonic() < self._next:
            return 0
        with self._database.write() as connection:
            now = read_clock(connection)
            gone = forget_chats(connection, before=now - LASTS, limit=_AT_ONCE)
            forget_present(connection, now=now)
        if gone:
            _log.info("chats.forgotten", chats=gone)
        if gone < _AT_ONCE:
            self._next = monotonic() + _LOOK_EVERY_SECONDS
        return gone
