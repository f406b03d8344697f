"""Waiting streams by key: a change wakes the streams of its key, and no other.

One task of the process asks what changed; what this process itself changes wakes its streams at once. A stream takes a
ticket before it reads, so what changes while it reads wakes it too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import structlog
from starlette.concurrency import run_in_threadpool

from router.errors import OmniyardError

_PERIOD_SECONDS: Final = 0.25

Key = TypeVar("Key", bound=Hashable)

_log = structlog.get_logger()


@dataclass(slots=True, eq=False)
class OpenStream:
    """An open stream. shown: the version that it has sent."""

    shown: int = 0


class KeyedWaker(Generic[Key]):
    """The streams of this process, by key.

    look: gets the keys with open streams and returns those that changed since it was asked last; others do no harm.
    """

    def __init__(self, look: Callable[[Collection[Key]], Collection[Key]], *, period: float = _PERIOD_SECONDS) -> None:
        self._look, self._period = look, period
        self._streams: dict[Key, set[OpenStream]] = {}
        self._tickets: dict[Key, int] = {}
        self._waiting: dict[Key, set[asyncio.Event]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._looking: asyncio.Task[None] | None = None
        self.stopped = False
        # How many streams were woken, for benchmarks and tests.
        self.woken = 0

    @property
    def keys(self) -> Collection[Key]:
        """The keys with open streams."""
        return list(self._streams)

    @property
    def total(self) -> int:
        """How many streams are open."""
        return sum(map(len, self._streams.values()))

    def streams_of(self, key: Key) -> int:
        """Return how many streams of one key are open."""
        return len(self._streams.get(key, ()))

    def is_behind(self, key: Key, version: int) -> bool:
        """Return whether a stream of the key has not sent that version yet."""
        return any(stream.shown < version for stream in tuple(self._streams.get(key, ())))

    @contextmanager
    def entered(self, key: Key) -> Iterator[OpenStream]:
        """Count a stream as open."""
        self._loop, stream = asyncio.get_running_loop(), OpenStream()
        self._streams.setdefault(key, set()).add(stream)
        self._tickets.setdefault(key, 0)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._watch())
        try:
            yield stream
        finally:
            self._streams[key].discard(stream)
            if not self._streams[key]:
                # Without empty entries, so that it does not grow with each visitor.
                del self._streams[key], self._tickets[key]

    def ticket(self, key: Key) -> int:
        """Return a number to take before reading; `wait` returns at once if something changed since."""
        return self._tickets.get(key, 0)

    async def wait(self, key: Key, ticket: int, *, seconds: float) -> bool:
        """Wait until the key is woken, `stop` was called, or `seconds` have passed; return whether it was woken."""
        if self.stopped or self._tickets.get(key, 0) != ticket:
            return True
        event = asyncio.Event()
        self._waiting.setdefault(key, set()).add(event)
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return False
        finally:
            others = self._waiting.get(key, set())
            others.discard(event)
            if not others:
                self._waiting.pop(key, None)
        return True

    def wake(self, *keys: Key) -> None:
        """Wake the streams of these keys; any thread may call this."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake, keys)

    def stop(self) -> None:
        """End all streams soon; a signal handler may call this."""
        self.stopped = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake_all)

    def _wake(self, keys: Collection[Key]) -> None:
        for key in keys:
            if key in self._tickets:
                self._tickets[key] += 1
            for event in self._waiting.get(key, ()):
                self.woken += not event.is_set()
                event.set()

    def _wake_all(self) -> None:
        for events in self._waiting.values():
            for event in events:
                event.set()

    async def _watch(self) -> None:
        while self._streams and not self.stopped:
            try:
                self._wake(await run_in_threadpool(self._look, self.keys))
            except OmniyardError as error:
                _log.warning("waking.postponed", error=str(error))
            await asyncio.sleep(self._period)
