"""Watch how often people are called wrongly; beyond the operator's bound write an event. A chore of the sweep."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import structlog

from store.db.engine import Database, read_clock
from store.desk.false_alarms import WINDOW, count_false_alarms, is_check_due, note_false_alarms
from workers.routing.brain import Brain

# A rate over days changes slowly.
_EVERY: Final = timedelta(minutes=5)

_log = structlog.get_logger()


class FalseAlarmWatch:
    """Checks the rate every few minutes; of several workers one does it."""

    def __init__(self, database: Database, brain: Brain) -> None:
        self._database = database
        self._bound = brain.settings.emergency.false_pages_per_thousand

    def once(self) -> int:
        """Check if it is time to; return 0, because nothing is left to do then."""
        with self._database.read() as connection:
            if not is_check_due(connection, before=read_clock(connection) - _EVERY):
                return 0
        with self._database.write() as connection:
            now = read_clock(connection)
            found = count_false_alarms(connection, since=now - WINDOW, until=now)
            exceeded = note_false_alarms(connection, found, bound=self._bound, now=now)
        shown = {"per_thousand": round(found.per_thousand, 1), "bound": self._bound, "released": found.released}
        if exceeded:
            _log.error("emergency.false_pages", **shown)
        elif exceeded is False:
            _log.info("emergency.false_pages_kept", **shown)
        return 0
