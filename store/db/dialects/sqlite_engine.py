"""Open SQLite: its settings, and one writer at a time, who waits for the lock until a deadline."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection

from store.db.dialects.database_errors import LOCK_SECONDS
from store.db.private_files import make_private_file
from store.db.written_json import json_text

# How often SQLite is asked for its lock: at first, and after a long wait. Each time costs up to 50 microseconds.
_ASK_SECONDS: Final = 0.001
_ASK_SELDOM_SECONDS: Final = 0.004
# After a wait of eight milliseconds the next one is a millisecond, and so on.
_PAUSE_OF_WAIT: Final = 1 / 8


def sqlite_engine(url: URL) -> sa.Engine:
    """Return an engine whose transactions write, unless they have the execution option `omniyard_reads`."""
    engine = sa.create_engine(
        url,
        hide_parameters=True,
        json_serializer=json_text,
        connect_args={"timeout": LOCK_SECONDS, "check_same_thread": False},
    )

    @sa.event.listens_for(engine, "do_connect")
    def _create(*_: object) -> None:
        # SQLite would create the file as the umask of the caller says. What is no plain path is left to SQLite.
        with suppress(OSError):
            if url.database and not url.database.startswith((":memory:", "file:")):
                make_private_file(Path(url.database))

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: object) -> None:  # noqa: ANN401  (sqlite3 or another driver's)
        # The driver's own BEGIN would be a deferred one; `_begin` chooses.
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "cache_size=-32000",
            f"busy_timeout={LOCK_SECONDS * 1000}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    line = threading.Lock()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get("omniyard_reads")
        if reads:
            connection.exec_driver_sql("BEGIN")
        else:
            _begin_writing(connection, line=line)

    return engine


def _begin_writing(connection: Connection, *, line: threading.Lock) -> None:
    """Take SQLite's write lock, trying every few milliseconds until the deadline.

    A deferred transaction that starts to write can fail at once with "locked"; an immediate one waits. But SQLite's own
    wait grows to a tenth of a second between two attempts, in which one of our writers would be done twice.
    line: where the writers of this process wait, so that only one of them asks.
    """
    # Uses the driver directly: through the engine each refusal would cost a hundred times as much.
    driver: Any = connection.connection.dbapi_connection
    driver.execute("PRAGMA busy_timeout=0")
    if _is_refused(driver):
        _wait_for_lock(driver, line=line)
    if not driver.in_transaction:
        # Once more through the engine, so that the engine's error is raised.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    driver.execute(f"PRAGMA busy_timeout={LOCK_SECONDS * 1000}")


def _wait_for_lock(driver: Any, *, line: threading.Lock) -> None:  # noqa: ANN401  (sqlite3's connection)
    """Ask for the lock until it is taken or the deadline has come."""
    deadline = monotonic() + LOCK_SECONDS
    if not line.acquire(timeout=LOCK_SECONDS):
        return
    try:
        began = monotonic()
        while _is_refused(driver) and (now := monotonic()) < deadline:
            sleep(min(max(_ASK_SECONDS, (now - began) * _PAUSE_OF_WAIT), _ASK_SELDOM_SECONDS))
    finally:
        line.release()


def _is_refused(driver: Any) -> bool:  # noqa: ANN401  (sqlite3's connection)
    """Ask for the lock once; return whether another writer has it. What else goes wrong, the engine finds and says."""
    try:
        driver.execute("BEGIN IMMEDIATE")
    except driver.OperationalError as error:
        return "locked" in str(error)
    return False
