"""An index of a large table is built while others write there, and one that was not completed is built again."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from alembic import command
from alembic.config import Config

import store
from router.errors import TransientError
from store.db.engine import Database
from store.db.migrate import upgrade
from store.db.open import current_version, latest_version
from tests.servers.postgres import SharedDatabase

_BUILT = "ix_search_entry_recent"
_BEFORE = "0048"
_WRITE = "INSERT INTO search_entry (message_id, words) VALUES (%s, to_tsvector('simple', 'refund'))"
_STATE = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"
# The one who builds waits for the end of a transaction that has written.
# Of this index: those before it pass through the same phases.
_WAITING = (
    "SELECT pid FROM pg_stat_progress_create_index WHERE index_relid = to_regclass(%s) AND phase LIKE 'waiting%%'"
)
_NO_LOCK = "SELECT 1 WHERE NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory')"
_UPGRADE = (
    "import sys; from store.db.engine import Database; from store.db.migrate import upgrade; "
    "upgrade(Database(sys.argv[1]))"
)


@pytest.fixture
def address(shared_database: SharedDatabase) -> Iterator[str]:
    """The URL of a database that lacks the migrations since the index."""
    config = Config()
    config.set_main_option("script_location", str(Path(store.__file__).parent / "migrations"))
    database = Database(shared_database.url)
    with database.engine.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        command.downgrade(config, _BEFORE)
    database.close()
    yield shared_database.url
    shared_database.empty()


def test_others_write_while_the_index_is_built(address: str) -> None:
    with _connected(address) as writer, _connected(address) as other:
        _begin_to_write(writer)
        with _upgrading(address) as ended:
            _until_it_waits(other)
            # With a lock on the table, this would wait behind the one who builds, who waits for the first writer.
            other.execute("SET lock_timeout = '500ms'")
            other.execute(_WRITE, (uuid4(),))
            assert not ended.is_set()
            writer.execute("COMMIT")
        assert _state(other) is True
        other.execute("SET enable_seqscan = off")
        found = other.execute("SELECT count(*) FROM search_entry WHERE words @@ 'refund'").fetchone()
    assert found == (2,)
    _assert_current(address)


def test_a_build_that_was_killed_is_completed_by_the_next_upgrade(address: str) -> None:
    with _connected(address) as writer, _connected(address) as other:
        _begin_to_write(writer)
        process = subprocess.Popen([sys.executable, "-c", _UPGRADE, address])
        _until_it_waits(other)
        process.kill()
        process.wait()
        assert (_state(other), _version(address)) == (False, _BEFORE)
        with _upgrading(address):
            writer.execute("COMMIT")
        assert _state(other) is True
    _assert_current(address)


def test_what_an_ended_session_left_of_an_index_is_removed_and_built_again(address: str) -> None:
    with _connected(address) as writer, _connected(address) as other:
        _begin_to_write(writer)
        with _upgrading(address, but=TransientError):
            other.execute("SELECT pg_terminate_backend(%s)", (_until_it_waits(other),))
        assert (_state(other), _version(address)) == (False, _BEFORE)
        # What was complete before is kept.
        kept = _number(other, "ix_inbound_urgent")
        left = _number(other, _BUILT)
        writer.execute("COMMIT")
        _upgrade(address)
        assert _state(other) is True
        assert _number(other, "ix_inbound_urgent") == kept
        assert _number(other, _BUILT) != left
    _assert_current(address)


def test_two_that_upgrade_at_once_build_one_index(address: str) -> None:
    with _connected(address) as writer, _connected(address) as other:
        _begin_to_write(writer)
        with _upgrading(address), _upgrading(address):
            _until_it_waits(other)
            writer.execute("COMMIT")
        assert _state(other) is True
    _assert_current(address)


def test_the_index_keeps_few_words_waiting(address: str) -> None:
    _upgrade(address)
    with _connected(address) as connection:
        options = connection.execute("SELECT reloptions FROM pg_class WHERE relname = %s", (_BUILT,)).fetchone()
    assert options == (["gin_pending_list_limit=64"],)


class _upgrading:  # noqa: N801  (reads as a function)
    """Upgrade while the block runs, and wait for its end after it. but: the error that it ends with."""

    def __init__(self, url: str, *, but: type[Exception] | None = None) -> None:
        self._url, self._but = url, but
        self._ended = threading.Event()
        self._errors: list[Exception] = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> threading.Event:
        self._thread.start()
        return self._ended

    def __exit__(self, *_: object) -> None:
        self._thread.join(60)
        assert self._ended.is_set()
        assert [type(each) for each in self._errors] == ([self._but] if self._but else [])

    def _run(self) -> None:
        try:
            _upgrade(self._url)
        except Exception as error:  # noqa: BLE001  (the test says which)
            self._errors.append(error)
        finally:
            self._ended.set()


def _upgrade(url: str) -> None:
    database = Database(url)
    try:
        upgrade(database)
    finally:
        database.close()


def _connected(url: str) -> psycopg.Connection[Any]:
    return psycopg.connect(url, autocommit=True)


def _begin_to_write(writer: psycopg.Connection[Any]) -> None:
    writer.execute("BEGIN")
    writer.execute(_WRITE, (uuid4(),))


def _until_it_waits(connection: psycopg.Connection[Any]) -> int:
    return int(_until(lambda: connection.execute(_WAITING, (_BUILT,)).fetchone())[0])


def _until(ask: Callable[[], Any]) -> Any:
    end = monotonic() + 60
    while (answer := ask()) is None:
        assert monotonic() < end
        sleep(0.02)
    return answer


def _state(connection: psycopg.Connection[Any]) -> bool | None:
    row = connection.execute(_STATE, (_BUILT,)).fetchone()
    return None if row is None else bool(row[0])


def _number(connection: psycopg.Connection[Any], name: str) -> object:
    return connection.execute("SELECT to_regclass(%s)::oid", (name,)).fetchone()


def _version(url: str) -> str | None:
    database = Database(url)
    try:
        return current_version(database)
    finally:
        database.close()


def _assert_current(url: str) -> None:
    assert _version(url) == latest_version()
    with _connected(url) as connection:
        # The session of an upgrade ends with it, a moment later on the server.
        _until(lambda: connection.execute(_NO_LOCK).fetchone())
