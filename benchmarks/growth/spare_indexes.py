"""Indexes that a large load does without, and that are built when it ends: random keys in ten million rows are slow.

PostgreSQL does not write to an index that its catalogue calls not ready. REINDEX builds such an index and makes it
ready, and so does the next run after one that was stopped: its definition, and what depends on it, never went away.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import sqlalchemy as sa

from benchmarks.growth.patterns import TABLES
from store.db.engine import Database

LOADED: Final = (*TABLES, "search_entry", "search_term")
# Equal references are refused while they are loaded: a copy quotes its own in its texts.
_STAYS: Final = "conversation_reference_key"
_OF_LOADED: Final = "SELECT indexrelid FROM pg_index JOIN pg_class t ON t.oid = indrelid WHERE t.relname = ANY (%s)"
_UNSET: Final = (
    "UPDATE pg_index SET indisready = false, indisvalid = false"
    f" WHERE indexrelid IN ({_OF_LOADED}) AND indexrelid <> '{_STAYS}'::regclass"
)
_MISSING: Final = (
    "SELECT indexrelid::regclass::text FROM pg_index"
    f" WHERE NOT indisready AND indexrelid IN ({_OF_LOADED}) ORDER BY pg_relation_size(indexrelid)"
)
_WORTH_A_WORD: Final = 1.0
_BUILD: Final = (
    "SET statement_timeout = 0",
    "SET maintenance_work_mem = '1GB'",
    "SET max_parallel_maintenance_workers = 2",
)


def set_aside(database: Database) -> None:
    """Let the load write no index of its tables."""
    with database.write() as connection:
        connection.exec_driver_sql(_UNSET, (list(LOADED),))


def missing_indexes(database: Database) -> list[str]:
    """Return the indexes that have to be built, the smallest first."""
    if database.is_sqlite:
        return []
    with database.read() as connection:
        return list(connection.exec_driver_sql(_MISSING, (list(LOADED),)).scalars())


def build(database: Database, say: Callable[[str], None]) -> None:
    """Build the indexes that are missing."""
    for name in missing_indexes(database):
        started = time.monotonic()
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for statement in _BUILD:
                connection.exec_driver_sql(statement)
            connection.execute(sa.text(f"REINDEX INDEX {name}"))
        if (took := time.monotonic() - started) > _WORTH_A_WORD:
            say(f"built {name} in {took:.0f} s")
