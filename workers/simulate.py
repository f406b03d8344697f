"""Replay what is stored through the very code that routes, under two configurations, on every core; write nothing."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from datetime import datetime
from functools import cache
from itertools import chain, islice
from pathlib import Path
from typing import Final
from uuid import UUID

from router.settings import load_settings
from store.db.engine import Database
from store.inbound.history import labels_of
from store.inbound.stored_messages import stored_page
from workers.routing.brain import Brain, build_brain
from workers.routing.simulate import Difference, Replayed, compare_page

_PAGE: Final = 500
# Up to so many pages are done before other processes would have started.
_WORTH_PROCESSES: Final = 8
# Pages that wait for a process; more would only fill memory.
_AHEAD: Final = 8
_Files = tuple[Path, Path]
_Page = list[Replayed]


def simulate(
    database: Database,
    *,
    files: _Files,
    since: datetime,
    most_examples: int = 3,
    on_page: Callable[[Difference], None] = lambda _: None,
) -> Difference:
    """Return what would have been different since `since`.

    files: the configuration in force, and the other; files and not settings, because each process reads them itself.
    on_page: is shown what was found so far.
    Raises ConfigError if either cannot be used.
    """
    found, pages = Difference(), _pages(database, files=files, since=since)
    for difference in _compared(pages, files=files, most_examples=most_examples):
        found.add(difference, most_examples=most_examples)
        on_page(found)
    return found


def _pages(database: Database, *, files: _Files, since: datetime) -> Iterator[_Page]:
    wants_labels = any(brain.table.asks_for_labels for brain in _brains(files))
    after: UUID | None = None
    while True:
        with database.read() as connection:
            rows, after = stored_page(connection, since=since, after=after, limit=_PAGE)
            labels = labels_of(connection, {row.contact_id for row in rows}) if wants_labels else {}
        if rows:
            yield [Replayed(row, labels.get(row.contact_id, frozenset())) for row in rows]
        if after is None:
            return


def _compared(pages: Iterator[_Page], *, files: _Files, most_examples: int) -> Iterator[Difference]:
    first = list(islice(pages, _WORTH_PROCESSES))
    if len(first) < _WORTH_PROCESSES:
        yield from (_compare(files, page, most_examples) for page in first)
        return
    # Spawned, not forked: this process may have threads.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=context) as pool:
        waiting: deque[Future[Difference]] = deque()
        for page in chain(first, pages):
            waiting.append(pool.submit(_compare, files, page, most_examples))
            if len(waiting) > _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _compare(files: _Files, page: _Page, most_examples: int) -> Difference:
    before, after = _brains(files)
    return compare_page(page, before=before, after=after, most_examples=most_examples)


@cache
def _brains(files: _Files) -> tuple[Brain, Brain]:
    # No thread token is proven in a simulation, and a file that is only tried must make no key.
    before, after = (build_brain(load_settings(path), key=b"") for path in files)
    return before, after
