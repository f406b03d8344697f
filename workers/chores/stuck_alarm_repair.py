"""Mend the alarms that merges of an older version left where they call no one: a chore of the sweep, seldom.

Not a migration: while a fleet is updated, processes of the older version still merge.
"""

from __future__ import annotations

from time import monotonic
from typing import Final
from uuid import UUID

import structlog

from store.conversations.merge import mend_merge
from store.conversations.regroupings.stuck_alarms import find_stuck_alarms
from store.db.engine import Database, read_clock

_LOOK_EVERY_SECONDS: Final = 600.0

_log = structlog.get_logger()


class AlarmRepair:
    """Mends one after the other, each in a transaction of its own; several workers may do it at the same time."""

    def __init__(self, database: Database) -> None:
        self._database, self._next = database, 0.0

    def once(self) -> int:
        """Mend all that are found; return how many."""
        if monotonic() < self._next:
            return 0
        self._next = monotonic() + _LOOK_EVERY_SECONDS
        with self._database.read() as connection:
            merges = find_stuck_alarms(connection)
        return sum(self._mend(each) for each in merges)

    def _mend(self, merge: UUID) -> bool:
        try:
            with self._database.write() as connection:
                mended = mend_merge(connection, merge, now=read_clock(connection))
        except Exception:  # noqa: BLE001  (an unexpected error of one merge must not stop the others)
            _log.warning("emergency.page_not_mended", regrouping_id=str(merge), exc_info=True)
            return False
        if mended:
            _log.warning("emergency.page_mended", regrouping_id=str(merge))
        return mended
