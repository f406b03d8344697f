"""The publisher: numbers events without gaps, and does the other steps that must run once and in order.

One process at a time holds its lease. Every batch renews the lease's row in its own transaction, so a process that was
paused past its lease numbers nothing. A thread of every worker runs it, so another worker takes over if one dies.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.engine import Connection

from router.errors import LeaseLost, TransientError
from store.db import leases
from store.db.engine import Database
from store.desk.audit import copy_actions, seal
from store.events import feed
from workers.runtime.failpoints import reach

LEASE: Final = "publisher"
_BATCH: Final = 500
_QUIET_AFTER_SECONDS: Final = 5.0
# After an error that only the next pass can correct.
_SICK_SECONDS: Final = 2.0

_log = structlog.get_logger()

# A step in the publisher's transaction. Its argument is the number before the first new event; it returns how much it
# did.
Step = Callable[[Connection, int], int]


def seal_step(connection: Connection, after: int) -> int:
    """Copy people's actions into the audit trail, and seal the new entries."""
    copy_actions(connection, after=after)
    return seal(connection)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishingPace:
    """How many seconds are between two looks for events; an idle one reads one index entry.

    busy: while there are events; also how long an announced message may be on its way.  idle: while there are none.
    quiet: when no event and no announcement came for a while.
    """

    busy: float = 0.1
    idle: float = 0.3
    quiet: float = 1.0


USUAL_PACE: Final = PublishingPace()


class Publisher:
    """Numbers events from `start` to `stop`.

    takeover: how long after its death another process may take over.  steps: see `Step`.  is_due: whether the steps
    have work without new events.
    """

    def __init__(
        self,
        database: Database,
        *,
        takeover: timedelta,
        steps: Sequence[Step] = (),
        is_due: Sequence[Callable[[Connection], bool]] = (),
        pace: PublishingPace = USUAL_PACE,
    ) -> None:
        self._database, self._takeover, self._steps, self._pace = database, takeover, steps, pace
        self._is_due = (feed.is_anything_unnumbered, *is_due)
        self._holder = f"{socket.gethostname()}:{os.getpid()}"
        self._token: UUID | None = None
        self._renew_at = self._ask_at = 0.0
        self._stopped, self._nudged, self._written = threading.Event(), threading.Event(), threading.Event()
        self._quiet_at = self._next_at = 0.0
        self._thread = threading.Thread(target=self._run, name="publish", daemon=True)

    def start(self) -> None:
        """Start to publish, as soon as the lease is free."""
        self._thread.start()

    def stop(self, *, seconds: float) -> None:
        """Finish the current batch and release the lease."""
        self._stopped.set()
        self._written.set()
        self._nudged.set()
        self._thread.join(seconds)

    def nudge(self) -> None:
        """Look for events now and often in the next seconds, because something happens; callable from any thread."""
        self._quiet_at = monotonic() + _QUIET_AFTER_SECONDS
        self._nudged.set()

    def written(self) -> None:
        """Publish at once, or as soon as the last batch is long enough ago: events were written; see `nudge`."""
        self._written.set()
        self.nudge()

    def once(self) -> int:
        """Publish one batch; return how much was done, 0 if nothing was due or another process is the publisher."""
        if self._token is None and not self._own():
            return 0
        with self._database.read() as connection:
            is_due = any(due(connection) for due in self._is_due)
        if not is_due and monotonic() < self._renew_at:
            return 0
        try:
            return self._publish()
        except LeaseLost:
            self._token = None
            _log.warning("publisher.lease_lost")
            return 0

    def release(self) -> None:
        """Release the lease, so that another process can take over at once."""
        if self._token is not None:
            with self._database.write() as connection:
                leases.release_lease(connection, name=LEASE, token=self._token)
            self._token = None

    def _own(self) -> bool:
        if monotonic() < self._ask_at:
            return False
        self._ask_at = monotonic() + self._takeover.total_seconds() / 3
        with self._database.write() as connection:
            self._token = leases.take_lease(connection, name=LEASE, holder=self._holder, lasts=self._takeover)
        return self._token is not None

    def _publish(self) -> int:
        token = self._token
        if token is None:
            return 0
        reach("publish.before")
        renewed_at = monotonic()
        with self._database.write() as connection:
            # This transaction locks the renewed row until the commit: no other process can become the publisher.
            leases.renew_lease(connection, name=LEASE, token=token, lasts=self._takeover)
            before = feed.newest_number(connection)
            found = feed.number_events(connection, after=before, limit=_BATCH)
            found += sum(step(connection, before) for step in self._steps)
            reach("publish.written")
        reach("publish.after")
        self._renew_at = renewed_at + self._takeover.total_seconds() / 3
        return found

    def _run(self) -> None:
        while not self._stopped.is_set():
            if self._nudged.wait(self._turn()):
                # What was announced is routed first, here or by another worker.
                self._written.wait(self._pace.busy)
                # Batches that are routed in quick succession are published together.
                self._stopped.wait(max(0.0, self._next_at - monotonic()))
            self._nudged.clear()
            self._written.clear()
        try:
            self.release()
        except TransientError as error:
            _log.warning("publisher.release_lost", error=str(error))

    def _turn(self) -> float:
        """Publish a batch; return how many seconds to wait before the next."""
        try:
            if self.once():
                self._quiet_at = monotonic() + _QUIET_AFTER_SECONDS
                self._next_at = monotonic() + self._pace.busy
                return self._pace.busy
        except TransientError as error:
            _log.warning("publisher.postponed", error=str(error))
        except Exception:  # noqa: BLE001  (the thread's outer loop: whatever it was, the next batch is due)
            _log.exception("publisher.failed")
        else:
            return self._pace.idle if monotonic() < self._quiet_at else self._pace.quiet
        return _SICK_SECONDS
