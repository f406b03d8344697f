"""A Redis broker whose consumers wait for an announcement; Dramatiq's own poll several times a second.

Each message is announced on a channel of its queue (PUBLISH). An announcement may be lost: a consumer also looks every
few seconds, and the sweep finds the rows in any case.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

import redis
import structlog
from dramatiq import Message, MessageProxy
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from redis import RedisError

# How long a consumer waits at most: it also sends the heartbeat by which others know that this worker is alive.
_LONGEST_SECONDS: Final = 5.0
# The same while the worker stops: Dramatiq waits for its consumers.
_STOPPING_SECONDS: Final = 0.05
_PAUSE_SECONDS: Final = 1.0
_URGENT: Final = "omniyard:announced-urgent"

_log = structlog.get_logger()


class AnnouncingBroker(RedisBroker):
    """Announces what it enqueues. It has no delay queues: nothing here is ever delayed by the broker.

    longest: how many seconds a consumer waits without an announcement.
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401  (RedisBroker's own)
        super().__init__(**options)  # type: ignore[no-untyped-call]
        self._announced: dict[str, threading.Event] = {}
        self.longest = _LONGEST_SECONDS

    @property
    def announced(self) -> Mapping[str, threading.Event]:
        """The events that wake the consumers, by queue."""
        return self._announced

    @property
    def consumer_class(self) -> type[_RedisConsumer]:
        """The class that Dramatiq's worker reads a queue with."""
        return _WaitingConsumer

    def declare_queue(self, queue_name: str) -> None:
        """Declare a queue; once is enough."""
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self._announced[queue_name] = threading.Event()
            self.emit_after("declare_queue", queue_name)

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        """Enqueue a message and announce it. delay: refused, see above."""
        if delay is not None:
            raise ValueError(f"a message for {message.queue_name} cannot be delayed")
        sent: Message[Any] = super().enqueue(message)
        self.client.publish(_channel(message.queue_name), "")
        return sent

    def announce_urgent(self) -> None:
        """Announce that urgent messages are due; no queue has them, because the rows themselves are enough."""
        self.client.publish(_URGENT, "")

    def wake(self) -> None:
        """Let every consumer look at its queue now."""
        for event in self._announced.values():
            event.set()


class _WaitingConsumer(_RedisConsumer):
    def __init__(self, broker: AnnouncingBroker, queue_name: str, prefetch: int, timeout: int) -> None:
        del timeout
        # Zero: Dramatiq's own pause after an empty answer, which grows up to this.
        super().__init__(broker, queue_name, prefetch, 0)  # type: ignore[no-untyped-call]
        self._waits, self._announced = broker, broker.announced[queue_name]

    def __next__(self) -> MessageProxy | None:
        # Cleared before the look: what is announced during it is seen by the next one.
        self._announced.clear()
        found: MessageProxy | None = super().__next__()  # type: ignore[no-untyped-call]
        if found is None:
            self._announced.wait(self._waits.longest)
        return found

    def ack(self, message: MessageProxy) -> None:
        super().ack(message)  # type: ignore[no-untyped-call]
        # A slot is free for the next message, which may have been announced long ago.
        self._announced.set()

    def nack(self, message: MessageProxy) -> None:
        super().nack(message)  # type: ignore[no-untyped-call]
        self._announced.set()


class Announcements:
    """A thread that hears the announcements and wakes the consumers of one broker.

    heard: called after each announcement, in this thread.  urgent: called when urgent messages are due.
    """

    def __init__(
        self, broker: AnnouncingBroker, *, heard: Callable[[], None], urgent: Callable[[], None] = lambda: None
    ) -> None:
        self._broker, self._heard, self._urgent = broker, heard, urgent
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="announcements", daemon=True)

    def start(self) -> None:
        """Listen until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, and wake the consumers so that they stop; the thread ends within seconds."""
        self._stopped.set()
        self._broker.longest = _STOPPING_SECONDS
        self._broker.wake()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._listen()
            except (RedisError, OSError, ValueError) as error:
                # ValueError: redis-py's word for a connection that was closed under it.
                _log.warning("broker.unheard", error=type(error).__name__)
                self._stopped.wait(_PAUSE_SECONDS)

    def _listen(self) -> None:
        client: redis.Redis = self._broker.client
        channels = {_channel(queue).encode(): event for queue, event in self._broker.announced.items()}
        with client.pubsub(ignore_subscribe_messages=True) as subscription:  # type: ignore[no-untyped-call]
            subscription.subscribe(_URGENT, *channels)
            # What was announced while no consumer listened.
            self._broker.wake()
            while not self._stopped.is_set():
                message = subscription.get_message(timeout=_LONGEST_SECONDS)
                if message is None:
                    continue
                if message["channel"] == _URGENT.encode():
                    self._urgent()
                    continue
                channels[message["channel"]].set()
                self._heard()


def _channel(queue: str) -> str:
    return f"omniyard:announced:{queue}"
