"""Write the messages of calls that are due: call-back requests at once, missed calls after a minute. A chore.

A process that dies after the commit writes the same bytes again, which intake knows.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby
from typing import Final

import structlog

from router.errors import OmniyardError
from store.calls.phone_calls import DueCall, claim_due_calls, forget_calls, is_call_due, note_written
from store.db.engine import Database, read_clock
from workers.calls.hotline import Hotline
from workers.intake.intake import Intake
from workers.runtime.failpoints import reach

_AT_ONCE: Final = 50
_LEASE: Final = timedelta(seconds=60)
# Twilio lists calls of two days; a transcript comes within hours.
_KEPT: Final = timedelta(days=90)

_log = structlog.get_logger()


class CallWriter:
    """Turns calls into messages, and completes these when more is known."""

    def __init__(self, database: Database, hotline: Hotline, intake: Intake) -> None:
        self._database, self._hotline, self._intake = database, hotline, intake

    def once(self) -> int:
        """Write some messages; return how many."""
        with self._database.read() as connection:
            # A look every few seconds must not take SQLite's only lock.
            if not is_call_due(connection):
                return 0
        with self._database.write() as connection:
            due = claim_due_calls(connection, limit=_AT_ONCE, lease=_LEASE)
        reach("call.claimed")
        for (channel, backfill), calls in groupby(sorted(due, key=_lane), key=_lane):
            self._write(channel, list(calls), backfill=backfill)
        return len(due)

    def _write(self, channel: str, calls: list[DueCall], *, backfill: bool) -> None:
        try:
            machine = self._hotline.machine(channel)
        except OmniyardError as error:
            # They wait until the channel is configured again.
            _log.warning("call.no_channel", channel=channel, calls=len(calls), error=str(error))
            return
        self._intake.take(machine.batch([each.call for each in calls], backfill=backfill))
        reach("call.accepted")
        with self._database.write() as connection:
            note_written(connection, calls)
            forget_calls(connection, before=read_clock(connection) - _KEPT, limit=_AT_ONCE)


def _lane(due: DueCall) -> tuple[str, bool]:
    return due.channel, due.call.backfill
