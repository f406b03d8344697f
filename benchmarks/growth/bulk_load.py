"""Load copies into a database until it has a size: a batch a transaction, so that a stopped run can continue."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg.errors
import sqlalchemy as sa

from benchmarks.growth.copies import Batch, Copier
from benchmarks.growth.patterns import TABLES, Pattern
from benchmarks.growth.plan import disk_refusal, fitting, missing
from benchmarks.growth.raw_rows import write_raw
from router.errors import PermanentError
from store.conversations.search import index_read
from store.db.engine import Database
from store.desk.names_index import index_people
from store.events.feed import newest_number

_SPAN: Final = timedelta(days=730)
_BATCH: Final = 5_000
_TELL_SECONDS: Final = 10.0
# References are random; two equal ones refuse a batch once in a long while.
_ATTEMPTS: Final = 3
_REFUSALS: Final = (PermanentError, sa.exc.IntegrityError, psycopg.errors.UniqueViolation, sqlite3.IntegrityError)
# Before anything is measured: rows, indexes, and the journal on the same disk.
_FIRST_GUESS: Final = 12_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Loader:
    """Loads one database. folder: on its disk.  say: prints a progress line."""

    database: Database
    patterns: list[Pattern]
    folder: Path
    say: Callable[[str], None]

    def grow_to(self, size: int) -> str:
        """Load copies, spread over two years, until there are `size` messages or the disk is nearly full.

        Return why there are fewer, in a sentence; the empty text if there are not.
        """
        present = count_messages(self.database)
        wanted = missing(size, present=present)
        why, room = self._room_for(wanted, present=present)
        self._load(min(wanted, room), present=present, size=size)
        return why

    def _load(self, wanted: int, *, present: int, size: int) -> None:
        copier, done = self._copier(present), 0
        started = said_at = time.monotonic()
        while done < wanted:
            done += self._batch(copier, done=done, wanted=wanted)
            if time.monotonic() - said_at > _TELL_SECONDS or done >= wanted:
                said_at = time.monotonic()
                rate = done / (said_at - started)
                self.say(f"loaded {present + done:,} of {size:,} messages, {rate:,.0f} a second")
                # Others write to the disk as well.
                wanted = min(wanted, done + self._room_for(wanted - done, present=present + done)[1])
        if done:
            self.say("gathering statistics")
            run_alone(self.database, "ANALYZE")

    def _batch(self, copier: Copier, *, done: int, wanted: int) -> int:
        for attempt in range(_ATTEMPTS):
            batch, now = Batch(), datetime.now(UTC)
            while batch.messages < min(_BATCH, wanted - done):
                copier.add(batch, at=now - _SPAN * (1 - (done + batch.messages) / wanted), now=now)
            try:
                self._write(batch)
            except _REFUSALS:
                if attempt + 1 == _ATTEMPTS:
                    raise
            else:
                return batch.messages
        raise AssertionError

    def _write(self, batch: Batch) -> None:
        with self.database.write() as connection:
            for table in TABLES:
                write_raw(connection, table, batch.rows[table])
            index_people(connection, batch.people)
            index_read(connection, batch.indexed)

    def _copier(self, present: int) -> Copier:
        with self.database.read() as connection:
            first = newest_number(connection)
            is_open = int(
                connection.execute(sa.text("SELECT count(*) FROM conversation WHERE status = 'open'")).scalar_one()
            )
        return Copier(self.patterns, sealer=self.database.sealer, first_event=first, is_open=is_open, seed=present)

    def _room_for(self, messages: int, *, present: int) -> tuple[str, int]:
        """Return why the disk is too small, and how many messages it takes."""
        each = sum(table_bytes(self.database).values()) / present if present > _BATCH else _FIRST_GUESS
        free = shutil.disk_usage(self.folder).free
        return disk_refusal(messages, free=free, bytes_a_message=each), fitting(free=free, bytes_a_message=each)


def count_messages(database: Database) -> int:
    """Return how many messages a database has."""
    with database.read() as connection:
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
