"""Load copies into a database until it has a size: a batch a transaction, so that a stopped run can continue."""

from __future__ import annotations

import multiprocessing
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from benchmarks.growth.copies import MOST_OPEN
from benchmarks.growth.load_process import Task, load
from benchmarks.growth.patterns import Pattern
from benchmarks.growth.plan import disk_refusal, fitting, missing
from benchmarks.growth.spare_indexes import LOADED, build, missing_indexes, set_aside
from store.db.engine import Database
from store.events.feed import newest_number

_TELL_SECONDS: Final = 10.0
# Before anything is measured: rows, indexes, and the journal on the same disk.
_FIRST_GUESS: Final = 12_000.0
_MEASURABLE: Final = 5_000
# From so many messages on, indexes are built at the end, and several processes load.
_MANY: Final = 100_000
PROCESSES: Final = 2
# Of tables with their indexes, as a multiple of the tables alone: 5.4 kB of 3.7.
_WITH_INDEXES: Final = 1.5
# The processes have nothing of this one: neither its connections nor its threads.
_SPAWNED: Final = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loader:
    """Loads one database.

    patterns: makes them, if anything is to be loaded.  folder: on its disk.  say: prints a progress line.
    processes: of a large load.
    """

    database: Database
    patterns: Callable[[], Sequence[Pattern]]
    folder: Path
    say: Callable[[str], None]
    processes: int = PROCESSES

    def grow_to(self, size: int) -> str:
        """Load copies, spread over two years, until there are `size` messages or the disk is nearly full.

        Return why there are fewer, in a sentence; the empty text if there are not.
        """
        present = count_messages(self.database)
        wanted = missing(size, present=present)
        why, room = self._room_for(wanted, present=present)
        wanted = min(wanted, room)
        if wanted:
            self._load(wanted, present=present, size=size)
        elif not missing_indexes(self.database):
            return why
        build(self.database, self.say, at_once=self.processes)
        self.say("gathering statistics")
        run_alone(self.database, "ANALYZE")
        return why

    def _load(self, wanted: int, *, present: int, size: int) -> None:
        are_many = wanted >= _MANY and not self.database.is_sqlite
        processes = self.processes if are_many else 1
        task = self._task(wanted, present=present, processes=processes)
        if are_many:
            set_aside(self.database)
        with _running(task, processes) as running:
            self._watch(task, running, present=present, size=size)

    def _watch(self, task: Task, processes: Sequence[BaseProcess], *, present: int, size: int) -> None:
        started = time.monotonic()
        while any(each.is_alive() for each in processes):
            wait([each.sentinel for each in processes if each.is_alive()], timeout=_TELL_SECONDS)
            if any(each.exitcode for each in processes):
                raise RuntimeError("a process of the load has failed, see above")
            done = task.loaded.value
            rate = done / (time.monotonic() - started)
            self.say(f"loaded {present + done:,} of {size:,} messages, {rate:,.0f} a second")
            # Others write to the disk as well.
            left = task.wanted.value - done
            room = self._room_for(left, present=present + done)[1]
            task.wanted.value = min(task.wanted.value, done + room)

    def _task(self, wanted: int, *, present: int, processes: int) -> Task:
        with self.database.read() as connection:
            without_deadline(connection)
            first = newest_number(connection)
            is_open: Any = connection.execute(
                sa.text("SELECT count(*) FROM conversation WHERE status = 'open'")
            ).scalar_one()
        shared = _SPAWNED.Value
        return Task(
            url=self.database.url.render_as_string(hide_password=False),
            patterns=self.patterns(),
            seed=present,
            most_open=max(0, MOST_OPEN - int(is_open)) // processes,
            wanted=shared("q", wanted),
            given=shared("q", 0),
            loaded=shared("q", 0),
            newest_event=shared("q", first),
        )

    def _room_for(self, messages: int, *, present: int) -> tuple[str, int]:
        """Return why the disk is too small, and how many messages it takes."""
        free, each = shutil.disk_usage(self.folder).free, _FIRST_GUESS
        if present > _MEASURABLE:
            sizes = table_bytes(self.database)
            if missing_indexes(self.database):
                tables = sum(size for name, size in sizes.items() if name in LOADED)
                each = _WITH_INDEXES * tables / present
                # The indexes of what is there come too.
                free -= max(0, int(_WITH_INDEXES * tables) - sum(sizes.values()))
            else:
                each = sum(sizes.values()) / present
        return disk_refusal(messages, free=free, bytes_a_message=each), fitting(free=free, bytes_a_message=each)


@contextmanager
def _running(task: Task, count: int) -> Iterator[Sequence[BaseProcess]]:
    with ExitStack() as stack:
        processes = [_SPAWNED.Process(target=load, args=(task, number)) for number in range(count)]
        for each in processes:
            each.start()
            stack.callback(each.join)
            # Nothing to load any more, when this process was interrupted.
            stack.callback(each.terminate)
        yield processes


def count_messages(database: Database) -> int:
    """Return how many messages a database has."""
    with database.read() as connection:
        without_deadline(connection)
        return int(connection.execute(sa.text("SELECT count(*) FROM message")).scalar_one())


def run_alone(database: Database, statement: str) -> None:
    """Run a statement outside a transaction, however long it takes."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql("SET statement_timeout = 0")
        connection.exec_driver_sql(statement)


def table_bytes(database: Database) -> dict[str, int]:
    """Return the bytes of each table and index, the largest first; what a table keeps out of line belongs to it."""
    query: Any = (
        "SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC"
        if database.is_sqlite
        else "SELECT relname::text, CASE WHEN relkind = 'r' THEN pg_table_size(oid) ELSE pg_relation_size(oid) END"
        " FROM pg_class WHERE relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace ORDER BY 2 DESC"
    )
    with database.read() as connection:
        return {name: int(size) for name, size in connection.execute(sa.text(query))}


def without_deadline(connection: Connection) -> None:
    """Let the statements of this transaction take their time."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
