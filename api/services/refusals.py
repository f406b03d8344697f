"""Count what is refused for want of places, and log each kind once a minute: an attack must not fill the log."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from typing import Final

import structlog

from api.services.request_metrics import Meter

_AGAIN_SECONDS: Final = 60.0

_log = structlog.get_logger()


class Refused(StrEnum):
    """What there was no place or no time for; the names are labels of a metric."""

    CONNECTIONS = "connections"
    CONNECTIONS_OF_ADDRESS = "connections_of_address"
    SLOW_HEADER = "slow_header"
    SLOW_BODY = "slow_body"
    UNREAD_ANSWER = "unread_answer"
    UPLOADS = "uploads"
    UPLOADS_OF_ADDRESS = "uploads_of_address"
    UPLOAD_MEMORY = "upload_memory"
    STREAMS = "streams"
    STREAMS_OF_TOKEN = "streams_of_token"  # noqa: S105  (a name, and no secret)
    CHAT_STREAMS = "chat_streams"
    CHAT_STREAMS_OF_ADDRESS = "chat_streams_of_address"
    PAGES = "pages"
    SEARCHES = "searches"
    QUESTIONS = "questions"
    AGENT_READS = "agent_reads"
    TOKENS = "tokens"


class Refusals:
    """The refusals of this process; may be used by several threads."""

    def __init__(self, meter: Meter, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._meter, self._clock = meter, clock
        self._lock = threading.Lock()
        self._since: Counter[Refused] = Counter()
        self._logged: dict[Refused, float] = {}

    def note(self, what: Refused) -> None:
        """Count one refusal; the first one of a minute is logged, with how many there were since the last line."""
        self._meter.refused(what)
        with self._lock:
            self._since[what] += 1
            now = self._clock()
            if now - self._logged.get(what, -_AGAIN_SECONDS) < _AGAIN_SECONDS:
                return
            self._logged[what], number = now, self._since.pop(what)
        _log.warning("request.no_place", limit=what.value, refused=number)
