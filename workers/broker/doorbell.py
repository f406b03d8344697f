"""The bell: one broker message with a batch's ids. It never retries, never delays intake, and may be lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

import dramatiq
import redis
import structlog
from dramatiq import Message
from dramatiq.middleware import Middleware, ShutdownNotifications
from redis import RedisError
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.retry import Retry

from router.errors import ConfigError
from router.settings import Settings
from workers.broker.announcements import AnnouncingBroker
from workers.broker.connect import connect_broker
from workers.broker.embedded import url_file
from workers.runtime.failpoints import reach

# The broker is a doorbell: it carries ids, may be emptied or unreachable at any time, and holds nothing that is not
# also in a row.
# The reasons for these settings: `maintenance_chance` is the highest, because with the default a killed worker's ids
# stay in the queue for a quarter of an hour; consumers' clients retry, because a stalled broker would otherwise end
# their threads permanently; the bell's client never retries, because intake waits for it (docs/decisions.md, "Dramatiq
# is a doorbell").

# Names in the broker, which daemons of another release read and write too: they stay, though a batch is meant.
QUEUE: Final = "pages"
ACTOR: Final = "route_page"
SENDING_QUEUE: Final = "sending"
SENDING_ACTOR: Final = "send_due"

_BELL_SECONDS: Final = 0.2
_CONSUMER_SECONDS: Final = 5.0
_HEARTBEAT_MILLISECONDS: Final = 30_000
_ALWAYS_MAINTAIN: Final = 1_000_000


def broker_url(settings: Settings) -> str | None:
    """Return the URL of the configured broker, else that of the embedded one if it ever started, else None.

    Raises ConfigError if the file with the embedded one's URL cannot be read.
    """
    if settings.omniyard.broker is not None:
        return settings.omniyard.broker.reveal()
    try:
        return url_file(Path(settings.omniyard.data)).read_text(encoding="utf-8").strip() or None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{url_file(Path(settings.omniyard.data))} cannot be read: {error}") from error


def ringing_broker(url: str) -> AnnouncingBroker:
    """Return a broker for enqueuing: it answers within 0.2 seconds or fails."""
    return _broker(connect_broker(url, seconds=_BELL_SECONDS, retry=Retry(NoBackoff(), 0)))


def answers(url: str) -> bool:
    """Return whether the broker answers within 0.2 seconds."""
    try:
        return bool(ringing_broker(url).client.ping())
    except redis.RedisError:
        return False


def listening_broker(url: str) -> AnnouncingBroker:
    """Return a broker for consuming: it survives a stall of the server."""
    retry = Retry(ExponentialWithJitterBackoff(base=0.1, cap=2.0), 20)
    return _broker(connect_broker(url, seconds=_CONSUMER_SECONDS, retry=retry))


def _broker(client: redis.Redis) -> AnnouncingBroker:
    broker = AnnouncingBroker(
        client=client,
        # Only the middleware that a doorbell needs: no retries, no time limits, no results.
        middleware=_middleware(),
        maintenance_chance=_ALWAYS_MAINTAIN,
        heartbeat_timeout=_HEARTBEAT_MILLISECONDS,
    )
    broker.declare_queue(QUEUE)
    broker.declare_queue(SENDING_QUEUE)
    return broker


def _middleware() -> list[Middleware]:
    return [ShutdownNotifications()]


def ring_message(ids: list[str]) -> dramatiq.Message[None]:
    """Return the message that rings for a batch of inbound ids."""
    return dramatiq.Message(queue_name=QUEUE, actor_name=ACTOR, args=(ids,), kwargs={}, options={})


def ring_to_send() -> dramatiq.Message[None]:
    """Return the message that wakes the sending threads; they find the due rows themselves."""
    return dramatiq.Message(queue_name=SENDING_QUEUE, actor_name=SENDING_ACTOR, args=(), kwargs={}, options={})


# After a failure the bell pauses for this long; the sweep finds the rows in the meantime.
_REST_SECONDS: Final = 5.0

_log = structlog.get_logger()


class Bell:
    """Rings for batches; may be used by several threads.

    find_url: called again after each failure; returns None while there is no broker.
    """

    def __init__(self, find_url: Callable[[], str | None]) -> None:
        self._find_url = find_url
        self._lock = threading.Lock()
        self._broker: AnnouncingBroker | None = None
        self._rests_until = 0.0

    def ring(self, ids: Sequence[UUID], *, urgent: bool = False) -> bool:
        """Ring for a batch; return whether the broker took the message. A broker's failure never raises.

        urgent: some of its messages must not wait until a worker has finished its batch.
        """
        reach("bell.ring")
        return bool(ids) and self._try(ring_message([str(id_) for id_ in ids]), urgent=urgent)

    def ring_to_send(self) -> bool:
        """Wake the sending threads; return whether the broker took the message. A broker's failure never raises."""
        return self._try(ring_to_send())

    def _try(self, message: Message[None], *, urgent: bool = False) -> bool:
        if time.monotonic() < self._rests_until:
            return False
        try:
            return self._ring(message, urgent=urgent)
        except (RedisError, OSError, ValueError) as error:
            # ValueError: the URL is malformed. The mail is stored already, and a failed bell must not undo that.
            self._rest()
            _log.warning("bell.silent", error=type(error).__name__, rests_for=_REST_SECONDS)
            return False

    def _ring(self, message: Message[None], *, urgent: bool) -> bool:
        broker = self._connected()
        if broker is None:
            self._rest()
            return False
        if urgent:
            broker.announce_urgent()
        broker.enqueue(message)
        return True

    def _connected(self) -> AnnouncingBroker | None:
        with self._lock:
            if self._broker is None:
                url = self._find_url()
                self._broker = ringing_broker(url) if url else None
            return self._broker

    def _rest(self) -> None:
        with self._lock:
            self._broker = None
            self._rests_until = time.monotonic() + _REST_SECONDS
