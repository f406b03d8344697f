"""The one way into the database: short transactions with deadlines, the same on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final, Self

import sqlalchemy as sa
from pydantic_core import to_json
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.compiler import compiles
from sqlmodel.sql.sqltypes import UTCDateTime

from router.errors import PermanentError, TransientError
from store.db.encryption import OPTION, Sealer
from store.db.private_files import make_private_file, make_private_folder

Rows = Sequence[Mapping[str, Any]]

# A lock that is not had within this time is somebody's bug or somebody's crash: give up and let the sweep try again.
_LOCK_SECONDS: Final = 5
_ASK_SECONDS: Final = 0.001
_STATEMENT_SECONDS: Final = 30
_CONNECT_SECONDS: Final = 5
# A process that froze in the middle of a transaction holds locks: the server ends it, and the transaction with it.
_FROZEN_SECONDS: Final = 60
# A peer that vanished without a word is noticed after this, also in the middle of a COMMIT.
_SILENCE_MILLISECONDS: Final = 20_000


# SQLSTATEs (PostgreSQL's Appendix A): connections, resources, administrators, system errors; then serialisation,
# deadlocks, locks that were not had, servers that only read for now, transactions that idled too long.
_PASSING_CLASSES: Final = ("08", "53", "57P", "58")
_PASSING: Final = frozenset({"40001", "40P01", "55P03", "25006", "25P03"})


@dataclass(frozen=True, slots=True)
class WrittenJson:
    """A value of a JSON column that its owner has written already. text: JSON in UTF-8."""

    text: bytes


class database_now(sa.sql.functions.FunctionElement[Any]):  # noqa: N801  (reads as an SQL function)
    """The database's clock; leases and due times use no other."""

    type = sa.DateTime(timezone=True)
    inherit_cache = True


@compiles(database_now, "postgresql")
def _postgresql_now(*_: object, **__: object) -> str:
    return "clock_timestamp()"


@compiles(database_now, "sqlite")
def _sqlite_now(*_: object, **__: object) -> str:
    # The same text form as SQLModel stores, so that comparing text compares time.
    return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"


class Database:
    """An engine, and the two kinds of transaction that the house uses."""

    def __init__(self, url: str | URL, *, sealer: Sealer | None = None) -> None:
        """Prepare to connect. sealer: what originals are kept under; without one they are kept as they came."""
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.sealer = sealer or Sealer(None)
        engine = _sqlite_engine(self.url) if self.is_sqlite else _postgresql_engine(self.url)
        self._engine = engine.execution_options(**{OPTION: self.sealer})

    @classmethod
    def at(cls, path: Path, *, sealer: Sealer | None = None) -> Self:
        """Open the SQLite file at `path`, making its folder."""
        make_private_folder(path.parent)
        return cls(URL.create("sqlite", database=str(path)), sealer=sealer)

    @property
    def engine(self) -> sa.Engine:
        """For migrations, which need the engine itself."""
        return self._engine

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Run one transaction that writes; it commits when the block ends, and rolls back when the block raises.

        Raises TransientError when the database is away, locked or full, PermanentError when it refuses a statement.
        """
        with _translated(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Run one transaction that only reads: it never waits for a writer."""
        with _translated(), self._engine.connect().execution_options(omniyard_reads=True) as connection:
            yield connection

    def insert(self, table: type[Any]) -> postgresql.Insert | sqlite.Insert:
        """Return an INSERT of this database's dialect, which knows ON CONFLICT."""
        return (sqlite.insert if self.is_sqlite else postgresql.insert)(table)

    def truncate_journal(self) -> None:
        """Empty SQLite's journal, which still holds what was deleted; a reader may keep a part of it until later."""
        if self.is_sqlite:
            with _translated(), self._engine.connect() as connection:
                connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()


def insert_ignore(database: Database, table: type[Any]) -> Any:  # noqa: ANN401  (either dialect's Insert)
    """Return an INSERT that leaves alone what a unique index already has; for pages see `store.db.bulk.insert_new`."""
    return database.insert(table).on_conflict_do_nothing()


def _sqlite_engine(url: URL) -> sa.Engine:
    engine = sa.create_engine(
        url,
        hide_parameters=True,
        json_serializer=_json,
        connect_args={"timeout": _LOCK_SECONDS, "check_same_thread": False},
    )

    @sa.event.listens_for(engine, "do_connect")
    def _create(*_: object) -> None:
        # SQLite would create the file as the umask of the caller says. What is no plain path is left to SQLite.
        with suppress(OSError):
            if url.database and not url.database.startswith((":memory:", "file:")):
                make_private_file(Path(url.database))

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: object) -> None:  # noqa: ANN401  (sqlite3 or another driver's)
        # The driver's own BEGIN would be a deferred one; `_begin` says when and how.
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "cache_size=-32000",
            f"busy_timeout={_LOCK_SECONDS * 1000}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get("omniyard_reads")
        if reads:
            connection.exec_driver_sql("BEGIN")
        else:
            _begin_writing(connection)

    return engine


def _begin_writing(connection: Connection) -> None:
    """Take SQLite's write lock, asking for it every millisecond until the deadline.

    A deferred transaction that turns to writing can fail at once with "locked"; an immediate one waits its turn. But
    SQLite's own wait grows to a tenth of a second between two questions, in which a writer of ours is done twice.
    """
    # The driver itself is asked: through the engine each refusal would cost a hundred times what the question does.
    driver: Any = connection.connection.dbapi_connection
    deadline = monotonic() + _LOCK_SECONDS
    driver.execute("PRAGMA busy_timeout=0")
    while not driver.in_transaction:
        try:
            driver.execute("BEGIN IMMEDIATE")
        except driver.OperationalError as error:
            if "locked" not in str(error) or monotonic() > deadline:
                # Once more, by the engine, so that it is the engine's error which is raised.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            sleep(_ASK_SECONDS)
    driver.execute(f"PRAGMA busy_timeout={_LOCK_SECONDS * 1000}")


def _postgresql_engine(url: URL) -> sa.Engine:
    options = (
        f"-c statement_timeout={_STATEMENT_SECONDS}s -c lock_timeout={_LOCK_SECONDS}s "
        f"-c idle_in_transaction_session_timeout={_FROZEN_SECONDS}s -c timezone=UTC"
    )
    return sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        # Parameters are message text: they may show in no error.
        hide_parameters=True,
        json_serializer=_json,
        pool_pre_ping=True,
        connect_args={
            "options": options,
            "connect_timeout": _CONNECT_SECONDS,
            "tcp_user_timeout": _SILENCE_MILLISECONDS,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 2,
        },
    )


def _json(value: object) -> str:
    # Four times as fast as the standard library's, and every message brings a trace.
    return (value.text if isinstance(value, WrittenJson) else to_json(value)).decode()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if _passes(error):
            raise TransientError(_sentence(error)) from error
        # Not chained: PostgreSQL's DETAIL repeats the row, and the row is the customer's.
        raise PermanentError(f"the database refused: {_first_line(error)}") from None


def _passes(error: DBAPIError) -> bool:
    """Tell a condition of the database from a fault of the statement, which would fail the same way for ever."""
    state = getattr(error.orig, "sqlstate", None)
    if state:
        return state.startswith(_PASSING_CLASSES) or state in _PASSING
    # SQLite has no states; psycopg has none for a connection that fails, nor for what it refuses to send.
    said = str(error.orig)
    return isinstance(error, OperationalError | InterfaceError) and "number of parameters" not in said


def _sentence(error: DBAPIError) -> str:
    # str(error.orig) holds no parameters; str(error) would repeat message text.
    said = _first_line(error)
    if "disk is full" in said or "No space left" in said:
        return f"the database has no room left ({said}): free some space on its disk; mail stays where it is until then"
    if "database is locked" in said or "lock timeout" in said:
        return f"the database stayed locked for {_LOCK_SECONDS} s ({said}); the work will be tried again"
    return f"the database did not answer ({said}); the work will be tried again"


def _first_line(error: DBAPIError) -> str:
    said = str(error.orig).strip()
    return said.splitlines()[0] if said else type(error.orig).__name__


def overwrite_deleted(connection: Connection) -> None:
    """Let SQLite overwrite with zeros what this connection deletes from now on, instead of leaving it in free pages."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete=ON")


def read_clock(connection: Connection) -> datetime:
    """Return the database's time, aware UTC."""
    now: datetime = connection.execute(sa.select(sa.type_coerce(database_now(), UTCDateTime()))).scalar_one()
    return now
