"""Server-sent events: one poll of the newest event number for all open streams, and the stream of one reader.

No state is kept per reader: each reads the events after its own number from the database when it is ready for more.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Final
from uuid import UUID

import structlog
from starlette.concurrency import run_in_threadpool

from api.services.refusals import Refused
from router.errors import TransientError
from router.settings.limits import LimitSettings
from store.db.engine import Database
from store.events.feed import newest_number

_PERIOD_SECONDS: Final = 0.25
# The stream of a revoked token ends within this time.
_RECHECK_SECONDS: Final = 5.0
# Proxies close a connection that is silent for half a minute.
_HEARTBEAT_SECONDS: Final = 15.0
# Readers that are up to date share one page for this time.
_SAME_PAGE_SECONDS: Final = 2.0
_MOST_PAGES: Final = 64

# Records, and the number up to which they are complete.
Page = tuple[Sequence[str], int]

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class StreamReader:
    """Who reads a stream. is_admin: may use the places that are kept for administrators."""

    agent_id: UUID
    is_admin: bool


class Tail:
    """The newest event number, polled while a stream waits."""

    def __init__(self, database: Database, *, limits: LimitSettings | None = None) -> None:
        self._database, self._limits = database, limits or LimitSettings()
        self._newest = self._waiting = 0
        self._streams: Counter[UUID] = Counter()
        self._changed: asyncio.Event | None = None
        self._looking: asyncio.Task[None] | None = None
        self.stopped = False
        self._lock = threading.Lock()
        self._pages: OrderedDict[Hashable, tuple[float, Page]] = OrderedDict()

    @property
    def newest(self) -> int:
        """The newest number that this process has read."""
        return self._newest

    def wanting(self, reader: StreamReader) -> Refused | None:
        """Return which places are missing for one more stream of this reader; None if there is one."""
        if self._streams[reader.agent_id] >= self._limits.streams_per_token:
            return Refused.STREAMS_OF_TOKEN
        kept = 0 if reader.is_admin else self._limits.streams_for_admins
        return Refused.STREAMS if self._streams.total() >= self._limits.streams - kept else None

    @contextmanager
    def entered(self, reader: StreamReader) -> Iterator[bool]:
        """Count a stream as open, and return whether it may be: others may have begun since `wanting` was asked."""
        may_enter = self.wanting(reader) is None
        self._streams[reader.agent_id] += may_enter
        try:
            yield may_enter
        finally:
            self._streams[reader.agent_id] -= may_enter
            # Without entries of 0, so that it does not grow with each agent.
            self._streams = +self._streams

    def stop(self) -> None:
        """End all streams soon; a signal handler may call this."""
        self.stopped = True

    def page(self, key: Hashable, read: Callable[[], Page]) -> Page:
        """Return the page for `key`; readers who ask at the same time share one read, and empty pages are not kept.

        A shared page may lack the newest events; the reader's next page has them.
        """
        now = monotonic()
        with self._lock:
            known = self._pages.get(key)
        if known and now - known[0] < _SAME_PAGE_SECONDS:
            return known[1]
        page = read()
        if page[0]:
            with self._lock:
                self._pages[key] = (now, page)
                while len(self._pages) > _MOST_PAGES:
                    self._pages.popitem(last=False)
        return page

    async def wait_beyond(self, number: int, *, seconds: float) -> None:
        """Wait until there are events after `number`, `stop` was called, or `seconds` have passed."""
        self._waiting += 1
        if self._looking is None or self._looking.done():
            self._changed = asyncio.Event()
            self._looking = asyncio.create_task(self._look())
        try:
            async with asyncio.timeout(seconds):
                while self._newest <= number and not self.stopped and self._changed is not None:
                    await self._changed.wait()
        except TimeoutError:
            pass
        finally:
            self._waiting -= 1

    async def _look(self) -> None:
        while self._waiting:
            known = self._newest
            try:
                self._newest = await run_in_threadpool(self._read)
            except TransientError as error:
                _log.warning("feed.postponed", error=str(error))
            if (self._newest != known or self.stopped) and self._changed is not None:
                changed, self._changed = self._changed, asyncio.Event()
                changed.set()
            await asyncio.sleep(_PERIOD_SECONDS)

    def _read(self) -> int:
        with self._database.read() as connection:
            return newest_number(connection)


async def stream(
    tail: Tail,
    read: Callable[[int], Page],
    *,
    reader: StreamReader,
    after: int,
    is_welcome: Callable[[], bool],
) -> AsyncIterator[str]:
    """Yield the lines for a browser's EventSource, until the client disconnects, its token ends or the process stops.

    read: returns a page of records after a number, and the number up to which they are complete.
    Source: HTML Living Standard, section 9.2 "Server-sent events".
    """
    spoke_at = checked_at = monotonic()
    with tail.entered(reader) as may_enter:
        yield "retry: 2000\n\n"
        if not may_enter:
            return
        while not tail.stopped:
            if monotonic() - checked_at >= _RECHECK_SECONDS:
                if not await run_in_threadpool(is_welcome):
                    return
                checked_at = monotonic()
            records, reached = await run_in_threadpool(read, after)
            if not records and monotonic() - spoke_at >= _HEARTBEAT_SECONDS:
                records = [": still here\n\n"]
            if records:
                spoke_at = monotonic()
                yield "".join(records)
            after = reached
            if after >= tail.newest:
                await tail.wait_beyond(after, seconds=_RECHECK_SECONDS)
