"""Record the requests of the desk's users in the audit trail, without a delay for reads.

Every answered request of a known user adds a row, so a new route is covered automatically. A list or a search has the
number of its rows and a keyed hash of what was asked for; sign-ins, sign-outs and refused strangers have rows too.
A thread writes the rows in batches; a killed process loses the rows of half a second. An action has a second row,
copied from its event, which cannot get lost.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Mapping, MutableMapping, Sized
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Final
from uuid import UUID

import structlog

from api.paths import DESK_STREAM
from api.services.rate_limits import TokenBuckets
from router.errors import OmniyardError
from router.masking.mask import mask
from store.db.engine import Database
from store.desk.agents import AgentRecord
from store.desk.audit import AuditAction, AuditEntry, append_audit, hash_query

_PERIOD_SECONDS: Final = 0.5
_BATCH: Final = 500
# While the database refuses writes, users can still read; so many entries wait in memory, an hour of a busy desk.
_MOST_WAITING: Final = 50_000
# Within this time a page that polls itself adds no new row, nor does the same list with as many rows, nor a stranger.
_SAME_LOOK_SECONDS: Final = 300.0
# The stream is opened again with each page and after each lost connection: once in a day says who watched the desk.
_SAME_STREAM_SECONDS: Final = 86_400.0
_MOST_LOOKS: Final = 10_000
# Rows about strangers, who could otherwise fill the trail: per second, and at once.
_STRANGERS: Final = (10.0, 500.0)
_UNKNOWN: Final = "unknown"
_READS: Final = frozenset({"GET", "HEAD"})
# The key of the number of rows, in a request's scope and in an entry's detail.
_ROWS: Final = "rows"
# Parts of a page; the page has a row already.
_PARTS: Final = frozenset({"/messages/{message_id}/frame", "/conversations/{key}/draft"})

_log = structlog.get_logger()


class Trail:
    """Takes entries from the application's event loop and writes them in a thread of its own. key: for `hash_query`."""

    def __init__(self, database: Database, *, key: bytes) -> None:
        self._database, self._key = database, key
        rate, burst = _STRANGERS
        self._strangers = TokenBuckets(rate, burst=burst)
        self._waiting: deque[AuditEntry] = deque()
        self._looks: OrderedDict[tuple[str, ...], float] = OrderedDict()
        self._lock, self._writing = threading.Lock(), threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def note(self, scope: Mapping[str, Any], *, route: str, status: int, is_poll: bool) -> None:
        """Add an entry for an answered request, if the request needs one."""
        entry = _entry(scope, route=route, status=status, key=self._key)
        if entry is None:
            return
        if route == DESK_STREAM and entry.action is AuditAction.REQUEST_LISTED:
            known = self._is_known(entry.actor, route, seconds=_SAME_STREAM_SECONDS)
        else:
            known = _is_look(entry, is_poll=is_poll) and self._is_known(*_look(entry, scope, is_poll=is_poll))
        if not known:
            self._add(entry)

    def session(self, agent: AgentRecord, action: AuditAction, *, address: str) -> None:
        """Add an entry for a session that begins or ends."""
        detail = {"address": address}
        self._add(AuditEntry(at=datetime.now(UTC), actor=agent.name, actor_id=agent.id, action=action, detail=detail))

    def stranger(self, action: AuditAction, *, claimed: UUID | None, address: str, why: str) -> None:
        """Add an entry for a refused token, once in some minutes. claimed: the agent whom it names, unproven."""
        about = str(claimed or "")
        if self._is_known(action, about, address, why):
            return
        if self._strangers.wait(_UNKNOWN):
            _log.warning("audit.left_out", action=action, object=about)
            return
        detail = {"address": _plain(address), "why": why}
        self._add(AuditEntry(at=datetime.now(UTC), actor=_UNKNOWN, action=action, object=about, detail=detail))

    def _add(self, entry: AuditEntry) -> None:
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
                batch = [self._waiting[place] for place in range(min(_BATCH, len(self._waiting)))]
                with self._database.write() as connection:
                    append_audit(connection, batch)
                for _ in batch:
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

    def _is_known(self, *look: str, seconds: float = _SAME_LOOK_SECONDS) -> bool:
        now = monotonic()
        with self._lock:
            known = now - self._looks.get(look, -seconds) < seconds
            if not known:
                self._looks[look] = now
                self._looks.move_to_end(look)
            if len(self._looks) > _MOST_LOOKS:
                self._looks.popitem(last=False)
        return known


def note_rows(scope: MutableMapping[str, Any], rows: Sized) -> None:
    """Write down how many rows the answer shows."""
    scope[_ROWS] = str(len(rows))


def _is_look(entry: AuditEntry, *, is_poll: bool) -> bool:
    """Return whether the same look within some minutes adds nothing: a list, or a page that polls itself."""
    return entry.action is AuditAction.REQUEST_LISTED or (entry.action is AuditAction.REQUEST_READ and is_poll)


def _look(entry: AuditEntry, scope: Mapping[str, Any], *, is_poll: bool) -> tuple[str, ...]:
    # A later page of a list, or one with other rows, is another look.
    seen = () if is_poll else (scope["query_string"].decode("latin-1"), entry.detail.get(_ROWS, ""))
    return (entry.actor, entry.object, entry.detail["route"], *seen)


def _entry(scope: Mapping[str, Any], *, route: str, status: int, key: bytes) -> AuditEntry | None:
    actor, about = scope.get("actor"), scope.get("path_params") or {}
    is_read = scope["method"] in _READS
    if actor is None or route in _PARTS or status >= 500:
        return None
    seen = AuditAction.REQUEST_READ if about else AuditAction.REQUEST_LISTED
    done = seen if is_read else AuditAction.REQUEST_CHANGED
    action = AuditAction.REQUEST_REFUSED if status >= 400 else done
    detail = {"route": route, "method": scope["method"], "status": str(status), "request_id": scope["request_id"]}
    asked = hash_query(key, scope["query_string"].decode("latin-1")) if is_read else ""
    detail |= {name: value for name, value in ((_ROWS, scope.get(_ROWS)), ("query", asked)) if value}
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
