"""Fixtures for every folder: a database of each kind, with this version's tables."""

from __future__ import annotations

import os

# Read once, when numpy is imported, as in a worker: on two cores its threads wait for each other, five times as long.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import gc
import logging
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from store.db.engine import Database
from store.db.migrate import upgrade
from tests.absent_inputs import NO_CASES, NO_CORPORA
from tests.compiled_statements import share_compiled_statements
from tests.migrated import empty_file
from tests.parsed_files import share_parsed_files
from tests.servers.postgres import Postgres, SharedDatabase, find_binaries

_MEMORY = Path("/dev/shm")
# Bytes. A run needs a tenth of it at a time: what a test that passed leaves behind is removed at its end.
_ROOM = 8 * 2**30


def _files_in_memory() -> None:
    """Let the run's files lie in memory where it has room, because no test cuts the power.

    SQLite waits for the disk at each commit otherwise, which is a third of the time of many tests.
    """
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        (available,) = (int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
        room = min(available, shutil.disk_usage(_MEMORY).free) if os.access(_MEMORY, os.W_OK) else 0
    except (OSError, ValueError):
        return
    if room >= _ROOM and "TMPDIR" not in os.environ:
        os.environ["TMPDIR"] = str(_MEMORY)
        tempfile.tempdir = None


_files_in_memory()
share_compiled_statements()
share_parsed_files()
# Until everything is collected: what pytest reads stays, and looking through it again and again takes five seconds.
gc.disable()
# The longest first, and the longest of them at the beginning: none is left for the end, when one process waits for it.
_LONGEST = (
    "test_failpoints",
    "test_operations_guide",
    "test_looks",
    "test_long_runs",
    "test_undone_changes",
    "test_start",
    "test_imap",
    "test_chat_desk_browser",
    "test_chat_visitor_browser",
    "test_feed",
    "test_simulate",
    "test_chat_channels",
    "test_mail_to_desk",
    "test_sending_failpoints",
    "test_live",
    "test_answers",
    "test_up",
    "test_sweep",
    "test_hostile_content",
    "test_browser",
    "test_undo_failpoints",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest modules begin."""
    places = {name: place for place, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))


def pytest_collection_finish() -> None:
    """Collect garbage again, but not what pytest and the house have loaded."""
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """Undo what a test configures: a command that runs in this process writes its log to that test's output."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


@pytest.fixture(autouse=True)
def _own_umask() -> Iterator[None]:
    """Give each test the umask of the run: entry points that a test calls in this process set their own.

    A server of a later test could not read its files otherwise: Dovecot's processes run as other users.
    """
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for the whole run."""
    if find_binaries() is None:
        pytest.skip("PostgreSQL is not installed (tests/install-machine-parts.sh installs it)")
    server = Postgres()
    try:
        server.start()
        migrated = Database(server.url())
        upgrade(migrated)
        migrated.close()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def shared_database(postgres: Postgres) -> Iterator[SharedDatabase]:
    """The database that tests use one after the other, because creating one for each takes a third of a second."""
    shared = SharedDatabase(postgres)
    yield shared
    shared.close()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite file with this version's tables, closed so that no journal is next to it; tests copy it."""
    path = tmp_path_factory.mktemp("migrated") / "omniyard.db"
    path.write_bytes(empty_file())
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database with this version's tables, on each kind in turn."""
    if request.param == "sqlite":
        path = tmp_path / "omniyard.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        yield f"sqlite:///{path}"
        return
    shared: SharedDatabase = request.getfixturevalue("shared_database")
    yield shared.url
    shared.empty()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An open database of each kind."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def corpora() -> Path:
    """The folder of real messages, which lies next to the checkout and not in it."""
    default = Path(__file__).resolve().parents[2] / "shared" / "corpora"
    folder = Path(os.environ.get("OMNIYARD_CORPORA", default))
    if not folder.is_dir():
        pytest.skip(NO_CORPORA)
    return folder


@pytest.fixture
def cases() -> Path:
    """The folder of small inputs with expected values, which lies next to the checkout and not in it."""
    default = Path(__file__).resolve().parents[2] / "shared" / "cases"
    folder = Path(os.environ.get("OMNIYARD_CASES", default))
    if not folder.is_dir():
        pytest.skip(NO_CASES)
    return folder
