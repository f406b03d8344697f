"""A full, locked or unavailable database: a sentence for the operator, without customer data."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from router.errors import PermanentError, TransientError
from store.db.bulk import table_of
from store.db.engine import Database, read_clock
from store.tables.messages import InboundRow
from tests.servers.ports import free_port
from tests.store.accepted import count, delivery, keep


def run(database: Database, *statements: str) -> None:
    with database.write() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_a_full_disk_is_reported_with_what_to_do_and_leaves_nothing_half_written(
    tmp_path: Path, database: Database
) -> None:
    if not database.is_sqlite:
        pytest.skip("PostgreSQL's disk is its own server's; its sentence is the same function's")
    keep(database, delivery("1:1"))
    with database.read() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()

    grow = "CREATE TABLE big (b); INSERT INTO big VALUES (zeroblob(10000000))"
    with pytest.raises(TransientError, match="free some space"):
        run(database, f"PRAGMA max_page_count = {pages + 1}", *grow.split(";"))

    assert count(database, table_of(InboundRow)) == 1


def test_a_locked_database_is_reported_after_the_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Five as shipped.
    for module in ("database_errors", "sqlite_engine"):
        monkeypatch.setattr(f"store.db.dialects.{module}.LOCK_SECONDS", 1)
    path = tmp_path / "omniyard.db"
    database = Database.at(path)
    with database.write() as connection:
        connection.execute(sa.text("CREATE TABLE t (a INTEGER)"))
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    with pytest.raises(TransientError, match="stayed locked for 1 s"), database.write():
        pass

    holder.close()
    database.close()


def test_of_the_writers_of_a_process_that_wait_for_sqlite_one_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database.at(tmp_path / "omniyard.db")
    run(database, "CREATE TABLE t (a INTEGER)")
    holder = sqlite3.connect(tmp_path / "omniyard.db", isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    asking: list[int] = []

    def pause(seconds: float) -> None:
        asking.append(threading.get_ident())
        if len(asking) == 20:
            holder.rollback()
        time.sleep(seconds)

    monkeypatch.setattr("store.db.dialects.sqlite_engine.sleep", pause)
    with ThreadPoolExecutor(4) as writers:
        for written in [writers.submit(run, database, f"INSERT INTO t VALUES ({number})") for number in range(4)]:
            written.result()

    assert len(set(asking[:20])) == 1
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM t").scalar_one() == 4
    holder.close()
    database.close()


def test_readers_do_not_wait_for_a_writer(database: Database) -> None:
    keep(database, delivery("1:1"))

    with database.write() as connection:
        connection.execute(sa.update(table_of(InboundRow)).values(reason="being changed"))
        assert count(database, table_of(InboundRow)) == 1


def test_a_server_that_is_away_is_reported(tmp_path: Path) -> None:
    database = Database(f"postgresql://nobody@127.0.0.1:{free_port()}/none")

    with pytest.raises(TransientError, match="did not answer"), database.write():
        pass

    database.close()


def test_no_error_repeats_what_was_to_be_stored(database: Database) -> None:
    with pytest.raises(PermanentError, match="the database refused") as caught:
        run(database, "INSERT INTO lease VALUES ('channel:mail', NULL, 'the customer''s words', NULL)")

    assert "words" not in "".join(traceback.format_exception(caught.value)).split("the database refused")[-1]
    assert caught.value.__suppress_context__


def test_both_databases_tell_the_time_in_utc(database: Database) -> None:
    with database.read() as connection:
        now = read_clock(connection)

    assert now.utcoffset() is not None
    assert now.utcoffset().total_seconds() == 0  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO lease SELECT string_agg(md5(i::text), ''), gen_random_uuid(), '', now() FROM generate_series(1, 999) i",  # noqa: E501
        "SELECT 1 / 0",
    ],
)
def test_a_fault_of_the_statement_is_no_condition_that_passes(database: Database, statement: str) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite's indexes take keys of any length, and 1 / 0 is NULL there")
    with pytest.raises(PermanentError):
        run(database, statement)


def test_a_server_that_only_reads_for_now_is_a_condition_that_passes(database: Database) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite has no standby")
    with pytest.raises(TransientError):
        run(database, "SET TRANSACTION READ ONLY", "DELETE FROM lease")


def test_another_program_that_ends_leaves_the_journal_that_this_one_uses(tmp_path: Path) -> None:
    path = tmp_path / "omniyard.db"
    database = Database.at(path)
    run(database, "CREATE TABLE words (word)")
    # A second connection, as a second thread opens one: nothing of it may end the locks of the first.
    with database.read() as connection:
        run(database, "INSERT INTO words VALUES ('first')")
        connection.exec_driver_sql("SELECT * FROM words").all()
    journal = path.with_name("omniyard.db-wal").stat().st_ino

    look = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('SELECT word FROM words').fetchall())"
    subprocess.run([sys.executable, "-c", look, str(path)], check=True, capture_output=True)

    assert path.with_name("omniyard.db-wal").stat().st_ino == journal
    run(database, "INSERT INTO words VALUES ('second')")
    other = sqlite3.connect(path)
    assert other.execute("SELECT word FROM words").fetchall() == [("first",), ("second",)]
    other.close()
    database.close()
