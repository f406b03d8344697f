"""Delete originals that are older than the operator keeps them, a few at a time: a chore of the sweep."""

from __future__ import annotations

from datetime import timedelta
from time import monotonic
from typing import Final

import structlog

from store.db.engine import Database, read_clock
from store.inbound.retention import forget_originals

# A small number keeps the transaction short, so that no mail waits for it.
_AT_ONCE: Final = 100
# The limit is in days, so minutes do not matter.
_LOOK_EVERY_SECONDS: Final = 600.0

_log = structlog.get_logger()


class Forgetter:
    """Deletes old originals; several workers may do it at the same time. keep: None means for ever."""

    def __init__(self, database: Database, *, keep: timedelta | None) -> None:
        self._database, self._keep = database, keep
        self._next = 0.0

    def once(self) -> int:
        """Delete some old originals; return how many messages lost their bytes."""
        if self._keep is None or monotonic() < self._next:
            return 0
        with self._database.write() as connection:
            gone = forget_originals(connection, before=read_clock(connection) - self._keep, limit=_AT_ONCE)
        if gone:
            _log.info("originals.forgotten", messages=gone)
        else:
            self._next = monotonic() + _LOOK_EVERY_SECONDS
        return gone
