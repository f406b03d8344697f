"""Read and write rows as the database itself writes them: PostgreSQL's COPY lines, SQLite's stored values.

Only `benchmarks.growth` does this: what the product's code wrote is copied without a look at its meaning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlmodel import SQLModel

from store.db.engine import Database

# A raw row: the text of each column on PostgreSQL, the stored value on SQLite.
RawRow = tuple[Any, ...]
# It has no row class: its columns differ by database.
_OF_SEARCH: Final = ("search_entry", ["message_id", "words"])
# The database gives it: the order of writing (`store.tables.operations.EventRow`).
_GIVEN: Final = frozenset({("event", "seq")})


def columns_of(table: str) -> list[str]:
    """Return the columns of a table that a writer gives, in order."""
    if table == _OF_SEARCH[0]:
        return _OF_SEARCH[1]
    columns = SQLModel.metadata.tables[table].columns
    return [each.name for each in columns if each.computed is None and (table, each.name) not in _GIVEN]


def key_of(table: str, row: RawRow) -> RawRow:
    """Return the primary key of a raw row."""
    keys = {each.name for each in SQLModel.metadata.tables[table].primary_key.columns}
    return tuple(value for name, value in zip(columns_of(table), row, strict=True) if name in keys)


def read_raw(database: Database, table: str) -> list[RawRow]:
    """Return all rows of a small table."""
    names = ", ".join(f'"{name}"' for name in columns_of(table))
    with database.read() as connection:
        cursor = _cursor(connection)
        if database.is_sqlite:
            return list(cursor.execute(f'SELECT {names} FROM "{table}"'))
        with cursor.copy(f'COPY (SELECT {names} FROM "{table}") TO STDOUT') as lines:
            text = b"".join(bytes(line) for line in lines).decode()
        return [tuple(line.split("\t")) for line in text.splitlines()]


def write_rows(connection: Connection, table: str, rows: Sequence[RawRow]) -> None:
    """Insert raw rows into SQLite, by one prepared statement."""
    if not rows:
        return
    names = ", ".join(f'"{name}"' for name in columns_of(table))
    marks = ", ".join("?" * len(rows[0]))
    _cursor(connection).executemany(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', rows)


def write_lines(connection: Connection, table: str, text: str) -> None:
    """Insert lines of COPY into PostgreSQL."""
    if not text:
        return
    names = ", ".join(f'"{name}"' for name in columns_of(table))
    with _cursor(connection).copy(f'COPY "{table}" ({names}) FROM STDIN') as lines:
        lines.write(text)


def _cursor(connection: Connection) -> Any:  # noqa: ANN401  (a cursor of either driver)
    driver = connection.connection.driver_connection
    assert driver is not None
    return driver.cursor()


def filled_tables(database: Database) -> set[str]:
    """Return the tables that have rows."""
    names = sorted(SQLModel.metadata.tables)
    with database.read() as connection:
        found = {name: connection.execute(sa.text(f'SELECT 1 FROM "{name}" LIMIT 1')).first() for name in names}
    return {name for name, row in found.items() if row is not None}


def new_rows(database: Database, tables: Iterable[str], known: Mapping[str, set[RawRow]]) -> dict[str, list[RawRow]]:
    """Return the rows whose keys are not known yet, by table. known: by table, the keys; it learns the new ones."""
    found: dict[str, list[RawRow]] = {}
    for table in tables:
        rows = [row for row in read_raw(database, table) if key_of(table, row) not in known[table]]
        known[table].update(key_of(table, row) for row in rows)
        found[table] = rows
    return found
