"""Consumers are woken by announcements, on a real Valkey; each wait of theirs is far longer than the test."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from queue import Queue
from typing import Self
from uuid import uuid4

import dramatiq
import pytest

from workers.broker.announcements import Announcements, AnnouncingBroker
from workers.broker.doorbell import (
    ACTOR,
    QUEUE,
    SENDING_ACTOR,
    SENDING_QUEUE,
    Bell,
    listening_broker,
    ring_message,
    ring_to_send,
    ringing_broker,
)
from workers.broker.embedded import EmbeddedBroker

_SOON = 90.0


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    embedded = EmbeddedBroker(tmp_path_factory.mktemp("desk"))
    server = subprocess.Popen(embedded.prepare())
    try:
        embedded.wait_until_ready(_SOON)
        yield embedded.url
    finally:
        server.terminate()
        server.wait()


class _Consumed:
    """A worker of Dramatiq's on the queues, whose consumers wait an hour for an announcement."""

    def __init__(self, url: str, *, work: Callable[[list[str]], None]) -> None:
        self.broker: AnnouncingBroker = listening_broker(url)
        self.broker.longest = 3600.0
        self.heard = threading.Event()
        dramatiq.actor(actor_name=ACTOR, queue_name=QUEUE, broker=self.broker)(work)
        dramatiq.actor(actor_name=SENDING_ACTOR, queue_name=SENDING_QUEUE, broker=self.broker)(lambda: None)
        self.urgent = threading.Event()
        self.listener = Announcements(self.broker, heard=self.heard.set, urgent=self.urgent.set)
        self.worker = dramatiq.Worker(self.broker, worker_threads=1, worker_timeout=100)

    def __enter__(self) -> Self:
        self.listener.start()
        self.worker.start()
        # An announcement before that is heard by no one.
        self._wait_for_listeners(1)
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.stop()
        self.worker.stop(timeout=20_000)
        # The thread looks whether it is stopped after each announcement.
        self.broker.announce_urgent()
        self._wait_for_listeners(0)

    def _wait_for_listeners(self, number: int) -> None:
        channel = f"omniyard:announced:{QUEUE}"
        while self.broker.client.pubsub_numsub(channel) != [(channel.encode(), number)]:
            time.sleep(0.01)


def test_a_ring_wakes_the_consumers_and_all_other_listeners(url: str):
    done: Queue[list[str]] = Queue()
    with _Consumed(url, work=done.put) as consumed:
        for number in range(3):
            ringing_broker(url).enqueue(ring_message([str(number)]))
            assert done.get(timeout=_SOON) == [str(number)]
        assert consumed.heard.wait(_SOON)


def test_what_was_announced_while_all_places_were_taken_is_fetched_afterwards(url: str):
    done: Queue[list[str]] = Queue()
    may_go = threading.Event()

    def work(ids: list[str]) -> None:
        may_go.wait(_SOON)
        done.put(ids)

    with _Consumed(url, work=work):
        # A worker of one thread fetches two: the rest stays in the queue until one is done.
        for number in range(6):
            ringing_broker(url).enqueue(ring_message([str(number)]))
        may_go.set()
        assert sorted(done.get(timeout=_SOON)[0] for _ in range(6)) == list("012345")


def test_what_was_rung_before_a_worker_listened_is_found_at_its_start(url: str):
    done: Queue[list[str]] = Queue()
    ringing_broker(url).enqueue(ring_message(["early"]))
    with _Consumed(url, work=done.put):
        assert done.get(timeout=_SOON) == ["early"]


def test_urgent_messages_are_announced_by_themselves(url: str):
    with _Consumed(url, work=lambda _: None) as consumed:
        ringing_broker(url).enqueue(ring_to_send())
        assert consumed.heard.wait(_SOON)
        assert not consumed.urgent.is_set()
        assert Bell(lambda: url).ring([uuid4()], urgent=True)
        assert consumed.urgent.wait(_SOON)


def test_a_stop_does_not_wait_for_an_announcement(url: str):
    # The consumers of this worker would wait an hour; the test's own limit is minutes.
    with _Consumed(url, work=lambda _: None) as consumed:
        ringing_broker(url).enqueue(ring_to_send())
        assert consumed.heard.wait(_SOON)


def test_the_broker_delays_nothing(url: str):
    broker = ringing_broker(url)
    assert broker.delay_queues == set()
    with pytest.raises(ValueError, match="cannot be delayed"):
        broker.enqueue(ring_to_send(), delay=1000)
