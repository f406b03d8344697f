"""The broker as a doorbell: it carries ids, may be emptied or away at any time, and holds nothing that is not in a row.

Why these settings: `maintenance_chance` is the highest, because the default leaves a killed worker's ids lying for a
quarter of an hour; consumers' clients retry, because a stalled broker otherwise ends their threads for good; the bell's
client never does, because intake waits for it (docs/decisions.md, "Dramatiq is a doorbell").
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import Middleware, ShutdownNotifications
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.retry import Retry

from router.settings import Settings
from workers.broker.embedded import url_file

QUEUE: Final = "pages"
ACTOR: Final = "route_page"
SENDING_QUEUE: Final = "sending"
SENDING_ACTOR: Final = "send_due"

_BELL_SECONDS: Final = 0.2
_CONSUMER_SECONDS: Final = 5.0
_HEARTBEAT_MILLISECONDS: Final = 30_000
_ALWAYS_MAINTAIN: Final = 1_000_000


def broker_url(settings: Settings) -> str | None:
    """Return the URL of the broker: the configured one, else the embedded one's if it was ever started, else None."""
    if settings.omniyard.broker is not None:
        return settings.omniyard.broker.reveal()
    try:
        return url_file(Path(settings.omniyard.data)).read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None


def ringing_broker(url: str) -> RedisBroker:
    """Return a broker for those who ring: it answers within a moment or fails."""
    client = redis.Redis.from_url(
        url,
        socket_connect_timeout=_BELL_SECONDS,
        socket_timeout=_BELL_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    return _broker(client)


def answers(url: str) -> bool:
    """Tell whether the broker is there, within a moment."""
    try:
        return bool(ringing_broker(url).client.ping())
    except redis.RedisError:
        return False


def listening_broker(url: str) -> RedisBroker:
    """Return a broker for those who listen: it outlasts a stall of the server."""
    client = redis.Redis.from_url(
        url,
        socket_connect_timeout=_CONSUMER_SECONDS,
        socket_timeout=_CONSUMER_SECONDS,
        retry=Retry(ExponentialWithJitterBackoff(base=0.1, cap=2.0), 20),
        retry_on_error=[redis.ConnectionError, redis.TimeoutError],
    )
    return _broker(client)


def _broker(client: redis.Redis) -> RedisBroker:
    broker = RedisBroker(  # type: ignore[no-untyped-call]
        client=client,
        # Of Dramatiq's own set only what a doorbell needs: no retries, no time limits, no results.
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
    """Return the message that rings for a page of inbound ids."""
    return dramatiq.Message(queue_name=QUEUE, actor_name=ACTOR, args=(ids,), kwargs={}, options={})


def ring_to_send() -> dramatiq.Message[None]:
    """Return the message that says that something is to leave; which rows are due, senders see for themselves."""
    return dramatiq.Message(queue_name=SENDING_QUEUE, actor_name=SENDING_ACTOR, args=(), kwargs={}, options={})
