"""Close cases whose customer says nothing more: a chore of the sweep. A message of theirs opens them again."""

from __future__ import annotations

from time import monotonic
from typing import Final

import structlog

from router.settings import Settings
from store.db.engine import Database, read_clock
from store.outbound.silent_cases import SilenceKind, close_silent, is_any_silent, take_silent
from workers.runtime.failpoints import reach

# SQLite's only writer is locked while a batch is written.
_BATCH: Final = 50
# The times are in hours and days.
_LOOK_EVERY_SECONDS: Final = 60.0

_log = structlog.get_logger()


class SilentCaseCloser:
    """Closes a few cases at a time; several workers may do it at the same time."""

    def __init__(self, database: Database, settings: Settings, *, look_every: float = _LOOK_EVERY_SECONDS) -> None:
        desk = settings.omniyard
        self._database, self._look_every = database, look_every
        after = {SilenceKind.NO_QUESTION: desk.greeting_closes_after if desk.greeting else None}
        after[SilenceKind.NO_ANSWER] = desk.pending_closes_after
        self._after = {kind: wait for kind, wait in after.items() if wait}
        self._next = 0.0

    def once(self) -> int:
        """Close the cases that have waited too long; return how many."""
        if not self._after or monotonic() < self._next:
            return 0
        closed = sum(self._close(kind) for kind in self._after)
        if not closed:
            self._next = monotonic() + self._look_every
        return closed

    def _close(self, kind: SilenceKind) -> int:
        with self._database.read() as connection:
            before = read_clock(connection) - self._after[kind]
            if not is_any_silent(connection, kind, before=before):
                return 0
        reach("close.before")
        with self._database.write() as connection:
            now = read_clock(connection)
            found = take_silent(connection, kind, before=now - self._after[kind], limit=_BATCH)
            close_silent(connection, found, kind=kind, at=now)
            reach("close.written")
        reach("close.after")
        if found:
            _log.info("cases.closed", cases=len(found), why=kind.value)
        return len(found)
