"""Indexes that a large load does without, and that are built when it ends: random keys in ten million rows are slow.

PostgreSQL does not write to an index that its catalogue calls not ready. REINDEX builds such an index and makes it
ready, and so does the next run after one that was stopped: its definition, and what depends on it, never went away.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

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
    "SELECT i.relname::text AS name, t.relname::text AS of_table FROM pg_index"
    " JOIN pg_class i ON i.oid = indexrelid JOIN pg_class t ON t.oid = indrelid"
    f" WHERE NOT indisready AND indexrelid IN ({_OF_LOADED})"
    # What takes longest comes first: an index of words, and the largest table.
    " ORDER BY bool_or(i.relam = (SELECT oid FROM pg_am WHERE amname = 'gin')) OVER (PARTITION BY t.oid) DESC,"
    " pg_relation_size(t.oid) DESC, t.relname, i.relname"
)
_BUILD: Final = (
    "SET statement_timeout = 0",
    "SET maintenance_work_mem = '512MB'",
    "SET max_parallel_maintenance_workers = 1",
)
_WORTH_A_WORD: Final = 1.0


def set_aside(database: Database) -> None:
    """Let the load write no index of its tables."""
    with database.write() as connection:
        connection.exec_driver_sql(_UNSET, (list(LOADED),))


def missing_indexes(database: Database) -> dict[str, list[str]]:
    """Return the indexes that have to be built, by table."""
    found: dict[str, list[str]] = {}
    if database.is_sqlite:
        return found
    with database.read() as connection:
        for row in connection.exec_driver_sql(_MISSING, (list(LOADED),)):
            found.setdefault(row.of_table, []).append(row.name)
    return found


def build(database: Database, say: Callable[[str], None], *, at_once: int) -> None:
    """Build the indexes that are missing, and vacuum their tables. at_once: how many tables."""
    is_over = threading.Event()
    with ThreadPoolExecutor(at_once) as pool:
        # One table's rows stay in memory from index to index.
        groups = missing_indexes(database).items()
        made = [pool.submit(_build, database, *group, say=say, is_over=is_over) for group in groups]
        try:
            for each in made:
                each.result()
        finally:
            # After Ctrl-C, the statements that run are the last ones.
            is_over.set()


def _build(
    database: Database, table: str, names: Sequence[str], *, say: Callable[[str], None], is_over: threading.Event
) -> None:
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # Its settings must not come back with it to the pool.
        connection.detach()
        for statement in _BUILD:
            connection.exec_driver_sql(statement)
        for statement in [*(f'REINDEX INDEX "{name}"' for name in names), f'VACUUM (ANALYZE) "{table}"']:
            started = time.monotonic()
            if is_over.is_set():
                return
            connection.exec_driver_sql(statement)
            if (took := time.monotonic() - started) > _WORTH_A_WORD:
                say(f"{statement} in {took:.0f} s")
