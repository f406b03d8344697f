"""News for the open pages of the desk: one look at the database for all of them, and a stream for each browser.

A source turns new events into notices, once for all agents; a notice says which agents it is for.
`api/pages/live/stream.py` has the sources of the pages; another part of the desk adds one with `DeskStream.add`.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Final, Protocol
from uuid import UUID

import structlog
from sqlalchemy.engine import Connection
from starlette.concurrency import run_in_threadpool

from api.services.event_stream import StreamReader, Tail
from api.text.phrases import Language
from router.errors import TransientError
from store.db.engine import Database
from store.events.feed import FeedEvent, events_after, newest_number

# Who writes an answer and the counts have no events; they are looked for this often while a page is open.
_PERIOD_SECONDS: Final = 0.5
# The stream of an ended session ends within this time.
_RECHECK_SECONDS: Final = 5.0
# Proxies close a connection that is silent for half a minute.
_HEARTBEAT_SECONDS: Final = 15.0
_MOST_EVENTS: Final = 500
# A browser that was away for longer than these notices loads its parts again.
_MOST_KEPT: Final = 2_000
# As many different things may wait for a slow browser; then it loads its parts again instead.
_MOST_WAITING: Final = 500
# After a failed look.
_SICK_SECONDS: Final = 2.0
# For a browser whose page may be out of date.
RESET: Final = "reset"

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskReader:
    """The agent of an open stream. sees_only: their teams; None means all.  language: of their pages."""

    agent_id: UUID
    name: str
    sees_only: frozenset[str] | None
    language: Language
    is_admin: bool = False

    def sees(self, team: str | None) -> bool:
        """Return whether the agent may see what belongs to this team."""
        return self.sees_only is None or team in self.sees_only


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskNotice:
    """One piece of news for browsers. kind: scripts hear of it as the event `desk:KIND` on the document.

    key: of several notices of a kind with one key, a slow browser gets only the newest.
    data: by language, JSON in one line.  is_for: which agents get it.
    number: of the event that it is about, from which a stream resumes; 0 for a state without an event.
    """

    kind: str
    key: str
    data: Mapping[Language, str]
    is_for: Callable[[DeskReader], bool]
    number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskLook:
    """One look for all open streams. events: the new ones, perhaps none.  readers: of the open streams.

    fresh: the readers among them whose stream was not open at the last look, and who know no state yet.
    """

    events: Sequence[FeedEvent]
    readers: Sequence[DeskReader]
    now: datetime
    fresh: Sequence[DeskReader] = ()

    @property
    def languages(self) -> frozenset[Language]:
        """The languages in which something must be rendered."""
        return frozenset(reader.language for reader in self.readers)


class DeskSource(Protocol):
    """Finds the news for the open pages; called about twice a second, by one thread at a time."""

    def __call__(self, connection: Connection, look: DeskLook) -> Sequence[DeskNotice]:
        """Return the notices; read only what `look` is about."""


@dataclass(eq=False, slots=True)
class _Listener:
    """An open stream, with what waits for it."""

    reader: DeskReader
    waiting: OrderedDict[tuple[str, str], str] = field(default_factory=OrderedDict)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    is_fresh: bool = True

    def tell(self, notice: DeskNotice) -> None:
        if not notice.is_for(self.reader):
            return
        said = notice.data.get(self.reader.language)
        if said is None:
            # The look began before this stream.
            self.reset(notice.number)
            return
        # To the end: a browser resumes from the last number that it has read.
        self.waiting.pop((notice.kind, notice.key), None)
        self.waiting[notice.kind, notice.key] = record(notice.kind, said, number=notice.number)
        if len(self.waiting) > _MOST_WAITING:
            self.reset(notice.number)
        self.wake.set()

    def reset(self, number: int) -> None:
        self.waiting.clear()
        self.waiting[RESET, ""] = record(RESET, "{}", number=number)
        self.wake.set()

    def take(self) -> str:
        taken = "".join(self.waiting.values())
        self.waiting.clear()
        self.wake.clear()
        return taken


class DeskStream:
    """The open streams of this process, and the one look for all of them."""

    def __init__(self, tail: Tail, database: Database, *, now: Callable[[], datetime]) -> None:
        self._tail, self._database, self._now = tail, database, now
        self._sources: list[DeskSource] = []
        self._listeners: set[_Listener] = set()
        self._kept: deque[DeskNotice] = deque(maxlen=_MOST_KEPT)
        # Everything after `_since` and up to `_reached` is in `_kept`.
        self._since = self._reached = 0
        self._looking: asyncio.Task[None] | None = None
        # Many browsers come at once after a restart; one of them starts the look.
        self._starting = asyncio.Lock()

    def add(self, source: DeskSource) -> None:
        """Ask this source too, from now on."""
        self._sources.append(source)

    async def records(
        self, reader: DeskReader, *, after: int | None, is_welcome: Callable[[], bool]
    ) -> AsyncIterator[str]:
        """Yield the lines for a browser's EventSource, until it disconnects, its session ends or the process stops.

        after: the number up to which the browser knows everything; None for a page that knows nothing.
        """
        place = StreamReader(reader.agent_id, is_admin=reader.is_admin)
        with self._tail.entered(place) as may_enter:
            yield "retry: 2000\n\n"
            if not may_enter:
                return
            with self._listening(reader) as listener:
                await self._catch_up(listener, after)
                async for lines in self._lines(listener, is_welcome=is_welcome):
                    yield lines

    @contextmanager
    def _listening(self, reader: DeskReader) -> Iterator[_Listener]:
        listener = _Listener(reader)
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    async def _catch_up(self, listener: _Listener, after: int | None) -> None:
        """Tell what happened after the number, if that is still known; else that the page may be out of date."""
        async with self._starting:
            if self._looking is None or self._looking.done():
                self._kept.clear()
                self._since = self._reached = await run_in_threadpool(self._first, after)
                self._looking = asyncio.create_task(self._look())
        if after is None or after < self._since:
            listener.reset(self._reached)
            return
        for notice in self._kept:
            if notice.number > after:
                listener.tell(notice)

    async def _lines(self, listener: _Listener, *, is_welcome: Callable[[], bool]) -> AsyncIterator[str]:
        spoke_at = checked_at = monotonic()
        while not self._tail.stopped:
            now = monotonic()
            if now - checked_at >= _RECHECK_SECONDS:
                if not await run_in_threadpool(is_welcome):
                    return
                checked_at = now
            taken = listener.take()
            if not taken and now - spoke_at >= _HEARTBEAT_SECONDS:
                taken = ": still here\n\n"
            if taken:
                spoke_at = now
                yield taken
            # Short, so that a process that stops is not waited for.
            await _wait(listener.wake, seconds=1.0)

    async def _look(self) -> None:
        while self._listeners and not self._tail.stopped:
            try:
                self._tell(await run_in_threadpool(self._notices))
            except TransientError as error:
                _log.warning("desk_stream.postponed", error=str(error))
                await asyncio.sleep(_SICK_SECONDS)
            except Exception:  # noqa: BLE001  (the task's outer loop: the pages ask for what a failed look did not find)
                _log.exception("desk_stream.failed")
                self._reached = max(self._reached, self._tail.newest)
                self._tell_all_to_ask()
                await asyncio.sleep(_SICK_SECONDS)
            await self._tail.wait_beyond(self._reached, seconds=_PERIOD_SECONDS)

    def _tell(self, notices: Sequence[DeskNotice]) -> None:
        for notice in notices:
            if notice.number:
                self._keep(notice)
            for listener in tuple(self._listeners):
                listener.tell(notice)

    def _tell_all_to_ask(self) -> None:
        # The news of this look are in no later one.
        self._kept.clear()
        self._since = self._reached
        for listener in tuple(self._listeners):
            listener.reset(self._reached)

    def _keep(self, notice: DeskNotice) -> None:
        if len(self._kept) == _MOST_KEPT:
            self._since = self._kept[0].number
        self._kept.append(notice)

    def _notices(self) -> list[DeskNotice]:
        listeners = tuple(self._listeners)
        readers = [listener.reader for listener in listeners]
        fresh = [listener for listener in listeners if listener.is_fresh]
        with self._database.read() as connection:
            events = events_after(connection, self._reached, limit=_MOST_EVENTS)
            look = DeskLook(events=events, readers=readers, now=self._now(), fresh=[each.reader for each in fresh])
            found = [notice for source in self._sources for notice in source(connection, look)]
        for listener in fresh:
            listener.is_fresh = False
        self._reached = events[-1].number if events else self._reached
        return found

    def _first(self, after: int | None) -> int:
        """Return from which number the look begins: from what the first page has, unless that is long ago."""
        with self._database.read() as connection:
            newest = newest_number(connection)
        return after if after is not None and newest - _MOST_EVENTS <= after <= newest else newest


def record(kind: str, data: str, *, number: int = 0) -> str:
    """Return the lines of one event. Source: HTML Living Standard, section 9.2.6.

    All have the default name, so that a new kind needs no change in the script that reads the stream.
    """
    return (f"id: {number}\n" if number else "") + f'data: {{"kind": "{kind}", "id": {number}, "data": {data}}}\n\n'


async def _wait(event: asyncio.Event, *, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
