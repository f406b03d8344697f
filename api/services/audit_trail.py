"""Record the requests of the desk's users in the audit trail, without a delay for reads.

Every answered request of a known user adds a row if it names an object or changes one, so a new route is covered
automatically. A thread writes the rows in batches; a killed process loses the rows of half a second. An action has a
second row, copied from its event, which cannot get lost.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Mapping
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Final

import structlog

from router.errors import OmniyardError
from router.masking.mask import mask
from store.db.engine import Database
from store.desk.audit import AuditEntry, append_audit

_PERIOD_SECONDS: Final = 0.5
_PAGE: Final = 500
# While the database refuses writes, users can still read; so many entries wait in memory, an hour of a busy desk.
_MOST_WAITING: Final = 50_000
# A page that polls itself adds no new row within this time.
_SAME_LOOK_SECONDS: Final = 300.0
_MOST_LOOKS: Final = 10_000
_READS: Final = frozenset({"GET", "HEAD"})
# Parts of a page; the page has a row already.
_PARTS: Final = frozenset({"/messages/{message_id}/frame"})

_log = structlog.get_logger()


class Trail:
    """Takes entries from the application's event loop and writes them in a thread of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: deque[AuditEntry] = deque()
        self._looks: OrderedDict[tuple[str, str, str], float] = OrderedDict()
        self._lock, self._writing = threading.Lock(), threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def note(self, scope: Mapping[str, Any], *, route: str, status: int, is_poll: bool) -> None:
        """Add an entry for an answered request, if the request needs one."""
        entry = _entry(scope, route=route, status=status)
        if entry is None or (entry.action == "request.read" and is_poll and self._is_known(entry)):
            return
        with self._lock:
            if len(self._waiting) >= _MOST_WAITING:
                _log.error("audit.lost", action=entry.action, object=entry.object, agent_id=str(entry.actor_id))
                return
            self._waiting.append(entry)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
                self._thread.start()

    def flush(self) -> None:
        """Write the waiting entries. Raises TransientError if that fails; the entries then still wait."""
        with self._writing:
            while self._waiting:
                page = [self._waiting[place] for place in range(min(_PAGE, len(self._waiting)))]
                with self._database.write() as connection:
                    append_audit(connection, page)
                for _ in page:
                    self._waiting.popleft()

    def close(self) -> None:
        """Write the waiting entries and end the thread."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        self._safely()

    def _run(self) -> None:
        while not self._stopped.wait(_PERIOD_SECONDS):
            self._safely()

    def _safely(self) -> None:
        try:
            self.flush()
        except OmniyardError as error:
            _log.warning("audit.postponed", error=str(error), waiting=len(self._waiting))

    def _is_known(self, entry: AuditEntry) -> bool:
        look, now = (entry.actor, entry.object, entry.detail["route"]), monotonic()
        with self._lock:
            known = now - self._looks.get(look, -_SAME_LOOK_SECONDS) < _SAME_LOOK_SECONDS
            if not known:
                self._looks[look] = now
                self._looks.move_to_end(look)
            if len(self._looks) > _MOST_LOOKS:
                self._looks.popitem(last=False)
        return known


def _entry(scope: Mapping[str, Any], *, route: str, status: int) -> AuditEntry | None:
    actor, about = scope.get("actor"), scope.get("path_params") or {}
    is_read = scope["method"] in _READS
    if actor is None or route in _PARTS or status >= 500 or (is_read and not about and status != 403):
        return None
    action = "request.refused" if status >= 400 else "request.read" if is_read else "request.changed"
    detail = {"route": route, "method": scope["method"], "status": str(status), "request_id": scope["request_id"]}
    return AuditEntry(
        at=datetime.now(UTC),
        actor=actor.name,
        actor_id=actor.id,
        action=action,
        object=" ".join(mask(_plain(str(value))).text for value in about.values()),
        detail=detail,
    )


def _plain(value: str) -> str:
    # A URL may contain any character; databases accept neither NUL nor a lone surrogate.
    shown = "".join(letter if letter.isprintable() else "?" for letter in value[:100])
    return shown.encode("utf-8", "replace").decode()
