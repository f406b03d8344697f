"""Write a batch of copies, in one transaction, as each database takes it quickest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final
from uuid import UUID

from sqlalchemy.engine import Connection

from benchmarks.growth.copies import NUMBER, Batch
from benchmarks.growth.patterns import TABLES
from benchmarks.growth.raw_rows import write_lines, write_rows
from store.conversations.search_index.indexed_words import index_read
from store.db.engine import Database
from store.desk.names_index import NamedKind, index_people, words_of_person

# Copies are whole: what a row refers to is written with it. So the load need not look for it again.
_UNCHECKED: Final = "SET LOCAL session_replication_role = replica; SET LOCAL synchronous_commit = off"

NumbersFrom = Callable[[int], int]


def write_batch(database: Database, batch: Batch, *, numbers: NumbersFrom) -> None:
    """Write a batch. numbers: given how many events there are, returns the first one's number."""
    with database.write() as connection:
        if database.is_sqlite:
            _write_rows(connection, batch, numbers)
        else:
            _write_lines(connection, batch, numbers)


def _write_rows(connection: Connection, batch: Batch, numbers: NumbersFrom) -> None:
    for table in TABLES:
        rows = batch.rows[table]
        if table == "event":
            first = numbers(batch.events)
            rows = [_numbered(row, first + place) for place, row in enumerate(rows)]
        write_rows(connection, table, rows)
    index_people(connection, {UUID(contact): names for contact, *names in batch.people})
    index_read(connection, [(UUID(message), words) for message, words in batch.indexed])


def _numbered(row: tuple[Any, ...], number: int) -> tuple[Any, ...]:
    return tuple(number if cell == NUMBER else cell for cell in row)


def _write_lines(connection: Connection, batch: Batch, numbers: NumbersFrom) -> None:
    connection.exec_driver_sql(_UNCHECKED)
    # Equal references refuse the batch here, before its events have numbers: those have no gaps.
    for table in TABLES:
        if table != "event":
            write_lines(connection, table, "".join(batch.lines[table]))
    # PostgreSQL reads words, of letters and digits alone, as the `tsvector` that they are.
    write_lines(connection, "search_entry", "".join(f"{message}\t{words}\n" for message, words in batch.indexed))
    write_lines(connection, "search_term", "".join(sorted(_terms(batch))))
    write_lines(connection, "event", number_lines("".join(batch.lines["event"]), first=numbers(batch.events)))


def _terms(batch: Batch) -> Iterable[str]:
    for contact, *names in batch.people:
        for word in words_of_person(names):
            yield f"{NamedKind.PERSON}\t{word}\t{contact}\n"


def number_lines(text: str, *, first: int) -> str:
    """Return the lines with a number at each `NUMBER`, in order."""
    head, *rest = text.split(NUMBER)
    return head + "".join(f"{number}{part}" for number, part in enumerate(rest, start=first))
