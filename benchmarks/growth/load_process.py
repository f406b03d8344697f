"""One of the processes that load a database: each makes batches and writes them over a connection of its own."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.sharedctypes import Synchronized
from typing import Final

import psycopg.errors
import sqlalchemy as sa

from benchmarks.growth.batch_writer import write_batch
from benchmarks.growth.copies import Batch, Copier
from benchmarks.growth.desk import open_database
from benchmarks.growth.patterns import Pattern
from router.errors import PermanentError
from store.db.engine import Database

_SPAN: Final = timedelta(days=730)
_BATCH: Final = 5_000
# References are random; two equal ones refuse a batch once in a long while.
_ATTEMPTS: Final = 3
_REFUSALS: Final = (PermanentError, sa.exc.IntegrityError, psycopg.errors.UniqueViolation, sqlite3.IntegrityError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What the processes of a load share. seed: other copies than in the run before.  most_open: of one process.

    wanted: how many messages; it may become fewer.  given, loaded: of them, those that a process took, and wrote.
    newest_event: its number.
    """

    url: str
    patterns: Sequence[Pattern]
    seed: int
    most_open: int
    wanted: Synchronized[int]
    given: Synchronized[int]
    loaded: Synchronized[int]
    newest_event: Synchronized[int]

    def next_batch(self) -> tuple[int, int]:
        """Return where the next batch begins and how many messages it should have, 0 at the end."""
        with self.given.get_lock():
            begin = self.given.value
            size = max(0, min(_BATCH, self.wanted.value - begin))
            self.given.value += size
        return begin, size

    def numbers(self, count: int) -> int:
        """Take numbers for events; return the first."""
        with self.newest_event.get_lock():
            self.newest_event.value += count
            return self.newest_event.value - count + 1


def load(task: Task, number: int) -> None:
    """Load batches until there are as many messages as are wanted. number: of the process."""
    database = open_database(task.url)
    # The whole run ends at Ctrl-C, and says what it has.
    with contextlib.suppress(KeyboardInterrupt):
        load_into(database, task, number)
    database.close()


def load_into(database: Database, task: Task, number: int) -> None:
    """See `load`; into an open database."""
    copier = Copier(
        task.patterns,
        sealer=database.sealer,
        most_open=task.most_open,
        as_lines=not database.is_sqlite,
        seed=task.seed + number,
    )
    while True:
        begin, size = task.next_batch()
        if not size:
            return
        written = _batch(database, copier, task, begin=begin, size=size)
        with task.loaded.get_lock():
            task.loaded.value += written


def _batch(database: Database, copier: Copier, task: Task, *, begin: int, size: int) -> int:
    for attempt in range(_ATTEMPTS):
        batch, now = Batch(), datetime.now(UTC)
        while batch.messages < size:
            copier.add(batch, at=now - _SPAN * (1 - (begin + batch.messages) / task.wanted.value), now=now)
        try:
            write_batch(database, batch, numbers=task.numbers)
        except _REFUSALS:
            if attempt + 1 == _ATTEMPTS:
                raise
        else:
            return batch.messages
    raise AssertionError
