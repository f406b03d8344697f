"""The publisher: numbers events without gaps, and whatever else has to be done once and in order.

One process at a time owns it, by a lease whose row every page renews in its own transaction: one that froze and woke
numbers nothing. It runs as a thread of every worker, so that another takes over when its process dies.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Sequence
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
_PAGE: Final = 500
# While events come, and while none do: one look is one index entry.
_BUSY_SECONDS: Final = 0.1
_IDLE_SECONDS: Final = 0.3
# After what only the next pass can mend.
_SICK_SECONDS: Final = 2.0

_log = structlog.get_logger()

# What else is done in order, in the publisher's transaction: told after which number the new events begin, returns how
# much it did.
Step = Callable[[Connection, int], int]


def seal_step(connection: Connection, after: int) -> int:
    """Copy what people did into the audit trail, and seal what is new there."""
    copy_actions(connection, after=after)
    return seal(connection)


class Publisher:
    """Numbers from `start` to `stop`.

    takeover: how long after its death another may go on.  steps: see `Step`.  is_due: whether they have something to do
    when there are no new events.
    """

    def __init__(
        self,
        database: Database,
        *,
        takeover: timedelta,
        steps: Sequence[Step] = (),
        is_due: Sequence[Callable[[Connection], bool]] = (),
    ) -> None:
        self._database, self._takeover, self._steps = database, takeover, steps
        self._is_due = (feed.is_anything_unnumbered, *is_due)
        self._holder = f"{socket.gethostname()}:{os.getpid()}"
        self._token: UUID | None = None
        self._renew_at = self._ask_at = 0.0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="publish", daemon=True)

    def start(self) -> None:
        """Begin to publish, once the lease can be had."""
        self._thread.start()

    def stop(self, *, seconds: float) -> None:
        """Finish the page in hand and let another go on at once."""
        self._stopped.set()
        self._thread.join(seconds)

    def once(self) -> int:
        """Publish one page; return how much there was to do, 0 when nothing or when another is the publisher."""
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
        """Let another go on at once."""
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
            # The renewed row is ours until the commit: nobody else can become the publisher meanwhile.
            leases.renew_lease(connection, name=LEASE, token=token, lasts=self._takeover)
            before = feed.newest_number(connection)
            found = feed.number_events(connection, after=before, limit=_PAGE)
            found += sum(step(connection, before) for step in self._steps)
            reach("publish.written")
        reach("publish.after")
        self._renew_at = renewed_at + self._takeover.total_seconds() / 3
        return found

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._stopped.wait(self._turn())
        try:
            self.release()
        except TransientError as error:
            _log.warning("publisher.release_lost", error=str(error))

    def _turn(self) -> float:
        """Publish a page; return how long to wait for the next."""
        try:
            return _BUSY_SECONDS if self.once() else _IDLE_SECONDS
        except TransientError as error:
            _log.warning("publisher.postponed", error=str(error))
        except Exception:  # noqa: BLE001  (the thread's outer loop: whatever it was, the next page is due)
            _log.exception("publisher.failed")
        return _SICK_SECONDS
