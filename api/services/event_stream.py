"""What each open stream of events waits on: one look at the newest number, however many wait; and the stream itself.

Nothing is kept per reader: each asks the database for what comes after its own number, when it can take more.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Final

import structlog
from starlette.concurrency import run_in_threadpool

from router.errors import TransientError
from store.db.engine import Database
from store.events.feed import newest_number

_PERIOD_SECONDS: Final = 0.25
# A revoked token's stream ends within this.
_RECHECK_SECONDS: Final = 5.0
# Proxies close what is silent for half a minute.
_HEARTBEAT_SECONDS: Final = 15.0
# A stream costs a connection and a look now and then; beyond this something opens them and forgets them.
_MOST_STREAMS: Final = 500

# Readers that are up to date want the same page within this.
_SAME_PAGE_SECONDS: Final = 2.0
_MOST_PAGES: Final = 64

# Records, and the number up to which nothing is missing then.
Page = tuple[Sequence[str], int]

_log = structlog.get_logger()


class Tail:
    """The newest number, looked for while anybody waits."""

    def __init__(self, database: Database, *, most: int = _MOST_STREAMS) -> None:
        self._database, self._most = database, most
        self._newest = self._waiting = self._streams = 0
        self._changed: asyncio.Event | None = None
        self._looking: asyncio.Task[None] | None = None
        self.stopped = False
        self._lock = threading.Lock()
        self._pages: OrderedDict[Hashable, tuple[float, Page]] = OrderedDict()

    @property
    def newest(self) -> int:
        """The newest number that is known here."""
        return self._newest

    @property
    def is_full(self) -> bool:
        """Whether another stream would be one too many."""
        return self._streams >= self._most

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Count a stream while it is open."""
        self._streams += 1
        try:
            yield
        finally:
            self._streams -= 1

    def stop(self) -> None:
        """End all streams soon; may be called by a signal's handler."""
        self.stopped = True

    def page(self, key: Hashable, read: Callable[[], Page]) -> Page:
        """Return the page for `key`, which many readers want at one moment: read once, and only if it has something.

        A page that was read a moment ago may have less than there is by now; the reader's next page has the rest.
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
        """Wait until there are newer events than `number`, all streams are to end, or `seconds` have passed."""
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
    after: int,
    is_welcome: Callable[[], bool],
) -> AsyncIterator[str]:
    """Yield what a browser's EventSource reads, until it goes, its token does, or the process stops.

    read: returns a page of records after a number, and the number up to which nothing is missing then.
    Source: HTML Living Standard, section 9.2 "Server-sent events".
    """
    spoke_at = checked_at = monotonic()
    with tail.entered():
        yield "retry: 2000\n\n"
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
