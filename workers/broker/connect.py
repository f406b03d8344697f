"""Connect to the broker, at a fixed address or through Sentinels."""

from __future__ import annotations

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from workers.broker.sentinel import SentinelAddress, is_sentinel, read_sentinel


def connect_broker(url: str, *, seconds: float, retry: Retry) -> redis.Redis:
    """Return a client whose every wait ends after `seconds`; behind Sentinels, each of them is one more wait.

    A client of Sentinels asks them again whenever it connects, so it follows a failover.
    Raises ValueError when the address cannot be read.
    """
    errors: list[type[Exception]] = [redis.ConnectionError, redis.TimeoutError]
    if not is_sentinel(url):
        return redis.Redis.from_url(
            url, socket_connect_timeout=seconds, socket_timeout=seconds, retry=retry, retry_on_error=errors
        )
    address = read_sentinel(url)
    client: redis.Redis = _sentinel(address, seconds=seconds).master_for(  # type: ignore[no-untyped-call]
        address.master,
        db=address.db,
        username=address.user,
        password=address.password,
        socket_connect_timeout=seconds,
        socket_timeout=seconds,
        retry=retry,
        retry_on_error=errors,
    )
    return client


def silent_sentinels(url: str, *, seconds: float) -> list[str]:
    """Return the Sentinels of an address that do not answer, or do not know the master; empty for a fixed address."""
    if not is_sentinel(url):
        return []
    address = read_sentinel(url)
    silent = []
    for (host, port), client in zip(address.hosts, _sentinel(address, seconds=seconds).sentinels, strict=True):
        try:
            known = {str(name) for name in client.sentinel_masters()}
        except redis.RedisError:
            known = set()
        if address.master not in known:
            silent.append(f"{host}:{port}")
    return silent


def _sentinel(address: SentinelAddress, *, seconds: float) -> Sentinel:
    # The next Sentinel is asked instead of the same one again.
    waits = {"socket_connect_timeout": seconds, "socket_timeout": seconds, "retry": Retry(NoBackoff(), 0)}
    return Sentinel(  # type: ignore[no-untyped-call]
        list(address.hosts), sentinel_kwargs={**waits, "password": address.sentinel_password}
    )
