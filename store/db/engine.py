"""Access to the database: short transactions with deadlines, the same on SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cache
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final, Self

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.compiler import compiles
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import UTCDateTime

from router.errors import ConfigError, PermanentError, TransientError
from store.db.encryption import OPTION, Sealer
from store.db.kept_read import KeptRead
from store.db.live_connections import replace_dead
from store.db.packed_arrays import introduce
from store.db.postgresql_address import misspelt_parameters, plain_address, shown_address
from store.db.private_files import make_private_file, make_private_folder
from store.db.written_json import json_text

Rows = Sequence[Mapping[str, Any]]

# A lock that is held longer is a sign of a bug or a crash: give up and let a later run try again.
_LOCK_SECONDS: Final = 5
# How often SQLite is asked for its lock: at first, and after a long wait. Each time costs up to 50 microseconds.
_ASK_SECONDS: Final = 0.001
_ASK_SELDOM_SECONDS: Final = 0.004
# After a wait of eight milliseconds the next one is a millisecond, and so on.
_PAUSE_OF_WAIT: Final = 1 / 8
_STATEMENT_SECONDS: Final = 30
_CONNECT_SECONDS: Final = 5
# A process that is suspended in a transaction holds locks: the server ends its session, and so the transaction.
_FROZEN_SECONDS: Final = 60
# A peer that vanished silently is detected after this time, also during a COMMIT: half of what a takeover may take.
_SILENCE_MILLISECONDS: Final = 15_000
_PROBES: Final = {"idle": 5, "interval": 5, "count": 2}
# The same on the server: else the locks of a host without power hold up the others until `_FROZEN_SECONDS`.
_SERVER_PROBES: Final = " ".join(
    f"-c {name}={value}"
    for name, value in (
        ("tcp_user_timeout", _SILENCE_MILLISECONDS),
        *((f"tcp_keepalives_{name}", value) for name, value in _PROBES.items()),
    )
)


_KEY: Final = "[omniyard] database"
_EXAMPLES: Final = 'expected one such as "postgresql://omniyard@db.internal/omniyard" or "sqlite:////var/omniyard.db"'

# What a pooler in transaction mode would break: the time limits of each session, and prepared statements.
NO_POOLER: Final = "connect to PostgreSQL itself, because a pooler takes away the time limits of our sessions"

# What libpq says, and what the operator can do about it.
_MENDS: Final = (
    ("unsupported startup parameter", f"a pooler such as PgBouncer stands before it; {NO_POOLER}"),
    ("does not support SSL", f"turn `ssl` on in the server's postgresql.conf, or correct sslmode in {_KEY}"),
    ("root certificate file", f"correct sslrootcert in {_KEY}"),
    ("does not match host name", f"use a name that its certificate has as the host in {_KEY}"),
    ("certificate verify failed", f"name its authority's certificate by sslrootcert in {_KEY}"),
    ("password authentication failed", f"correct the user or the password in {_KEY}"),
    ("no password supplied", f"write the password into {_KEY}"),
    ("no pg_hba.conf entry", f"admit this user from here in the server's pg_hba.conf, or correct {_KEY}"),
    ("on socket", f"start the server, or correct the socket's folder and the port in {_KEY}"),
)

# SQLSTATEs (PostgreSQL's Appendix A): connections, resources, administrators, system errors; then serialisation,
# deadlocks, lock timeouts, read-only servers, transactions that idled too long.
_PASSING_CLASSES: Final = ("08", "53", "57P", "58")
_PASSING: Final = frozenset({"40001", "40P01", "55P03", "25006", "25P03"})


class database_now(sa.sql.functions.FunctionElement[Any]):  # noqa: N801  (reads as an SQL function)
    """The database's clock; leases and due times use only this one."""

    type = sa.DateTime(timezone=True)
    inherit_cache = True


@compiles(database_now, "postgresql")
def _postgresql_now(*_: object, **__: object) -> str:
    return "clock_timestamp()"


@compiles(database_now, "sqlite")
def _sqlite_now(*_: object, **__: object) -> str:
    # The same text format as SQLModel stores, so that comparing texts compares times.
    return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"


class Database:
    """An engine, and the two kinds of transactions."""

    def __init__(self, url: str | URL, *, sealer: Sealer | None = None) -> None:
        """Prepare to connect. sealer: encrypts originals; without one they are stored unchanged.

        Raises ConfigError when the address names no database that Omniyard knows.
        """
        self.url = _address(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.sealer = sealer or Sealer(None)
        engine = _sqlite_engine(self.url) if self.is_sqlite else _postgresql_engine(self.url)
        self._engine = engine.execution_options(**{OPTION: self.sealer})
        # psycopg forgets the statements that it has prepared at each ROLLBACK, and that is how a reading one ends.
        alone = {} if self.is_sqlite else {"isolation_level": "AUTOCOMMIT"}
        self._reading = self._engine.execution_options(omniyard_reads=True, **alone)
        self._kept = KeptRead()

    @property
    def shown(self) -> str:
        """Its address for people, without a password."""
        return shown_address(self.url.render_as_string(hide_password=True))

    @property
    def has_standbys(self) -> bool:
        """Whether its address names several servers, of which one takes writes."""
        return not self.is_sqlite and "," in (self.url.host or "") + _one(self.url, "host")

    @classmethod
    def at(cls, path: Path, *, sealer: Sealer | None = None) -> Self:
        """Open the SQLite file at `path`, creating its folder."""
        try:
            make_private_folder(path.parent)
        except OSError as error:
            raise ConfigError(f"the folder {path.parent} cannot be made: {error.strerror}") from error
        return cls(URL.create("sqlite", database=str(path)), sealer=sealer)

    @property
    def engine(self) -> sa.Engine:
        """The engine, for migrations."""
        return self._engine

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Run one writing transaction; it commits when the block ends, and rolls back when the block raises.

        Raises TransientError when the database is away, locked or full, PermanentError when it refuses a statement.
        """
        self._kept.drop()
        with translated(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Read without waiting for a writer: in one transaction on SQLite, each statement by itself on PostgreSQL.

        There each statement of a transaction sees newly committed rows anyway, and a ROLLBACK drops all prepared plans.
        """
        with translated():
            connection = self._kept.take() or self._reading.connect()
            with self._kept.keeping(connection):
                yield connection

    @contextmanager
    def read_in_one(self) -> Iterator[None]:
        """Let the first two reads of this thread be one transaction, unless it writes between them.

        A request reads who asks, and then the answer: getting a connection twice takes as long as a statement.
        """
        self._kept.begin()
        try:
            yield
        finally:
            self._kept.drop()

    def truncate_journal(self) -> None:
        """Empty SQLite's journal, which still holds what was deleted; a reader may keep a part of it until later."""
        if self.is_sqlite:
            with translated(), self._engine.connect() as connection:
                connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def insert_into(connection: Connection, table: type[Any]) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT of the connection's dialect, which knows ON CONFLICT."""
    return (sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert)(table)


def _address(url: str | URL) -> URL:
    # Neither error is chained, and no word of the address is shown: it holds a password.
    try:
        address = make_url(plain_address(url) if isinstance(url, str) else url)
        backend = address.get_backend_name()
    except (sa.exc.ArgumentError, ValueError):
        raise ConfigError(f"the address of the database cannot be read; {_EXAMPLES}") from None
    if backend not in {"sqlite", "postgresql"}:
        raise ConfigError(f"the address of the database names one that Omniyard does not know; {_EXAMPLES}")
    for problem in misspelt_parameters(address.render_as_string()) if backend == "postgresql" else ():
        raise ConfigError(f"the address of the database cannot be used: {problem}; correct {_KEY}")
    return address


def insert_ignore(connection: Connection, table: type[Any]) -> Any:  # noqa: ANN401  (either dialect's Insert)
    """Return an INSERT that skips rows in conflict with a unique index, for use with RETURNING.

    `store.db.bulk.insert_new` inserts whole pages.
    """
    return insert_into(connection, table).on_conflict_do_nothing()


def upsert(
    connection: Connection,
    table: type[SQLModel],
    *,
    row: Mapping[str, Any],
    keys: Sequence[str],
    changed: Sequence[str],
) -> None:
    """Insert a row, or update the columns `changed` of the row with the same `keys`."""
    connection.execute(_upserting(connection.dialect.name, table, keys=tuple(keys), changed=tuple(changed)), row)


@cache
def _upserting(dialect: str, table: type[SQLModel], *, keys: tuple[str, ...], changed: tuple[str, ...]) -> sa.Insert:
    fresh = (sqlite.insert if dialect == "sqlite" else postgresql.insert)(table)
    return fresh.on_conflict_do_update(index_elements=keys, set_={name: fresh.excluded[name] for name in changed})


def _sqlite_engine(url: URL) -> sa.Engine:
    engine = sa.create_engine(
        url,
        hide_parameters=True,
        json_serializer=json_text,
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
        # The driver's own BEGIN would be a deferred one; `_begin` chooses.
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "cache_size=-32000",
            f"busy_timeout={_LOCK_SECONDS * 1000}",
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
    driver.execute(f"PRAGMA busy_timeout={_LOCK_SECONDS * 1000}")


def _wait_for_lock(driver: Any, *, line: threading.Lock) -> None:  # noqa: ANN401  (sqlite3's connection)
    """Ask for the lock until it is taken or the deadline has come."""
    deadline = monotonic() + _LOCK_SECONDS
    if not line.acquire(timeout=_LOCK_SECONDS):
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


def _postgresql_engine(url: URL) -> sa.Engine:
    # The operator's come first: our time limits hold. Our statements take milliseconds, and to compile one takes up to
    # seconds: PostgreSQL would do it for a name of two words on a large desk, for a part that hardly ever runs.
    options = (
        f"{_one(url, 'options')} -c statement_timeout={_STATEMENT_SECONDS}s -c lock_timeout={_LOCK_SECONDS}s "
        f"-c idle_in_transaction_session_timeout={_FROZEN_SECONDS}s -c timezone=UTC -c datestyle=ISO "
        f"-c jit=off {_SERVER_PROBES}"
    )
    waits = {
        "connect_timeout": _CONNECT_SECONDS,
        "tcp_user_timeout": _SILENCE_MILLISECONDS,
        **{f"keepalives_{name}": value for name, value in _PROBES.items()},
    }
    # Before the engine: it copies what the driver knows.
    introduce()
    engine = sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        # Parameters contain message text: no error may show them.
        hide_parameters=True,
        json_serializer=json_text,
        connect_args={name: value for name, value in waits.items() if name not in url.query} | {"options": options},
    )
    replace_dead(engine)
    return engine


def _one(url: URL, name: str) -> str:
    value = url.query.get(name, "")
    return value if isinstance(value, str) else " ".join(value)


@contextmanager
def translated() -> Iterator[None]:
    """Turn each error of the database inside into a TransientError or a PermanentError, without a customer's words."""
    try:
        yield
    except DBAPIError as error:
        if _passes(error):
            raise TransientError(_sentence(error)) from error
        # Not chained: PostgreSQL's DETAIL repeats the row, which contains customer data.
        raise PermanentError(f"the database refused: {_first_line(error)}") from None


def _passes(error: DBAPIError) -> bool:
    """Return whether the database caused the error, not the statement, which would always fail."""
    state = getattr(error.orig, "sqlstate", None)
    if state:
        return state.startswith(_PASSING_CLASSES) or state in _PASSING
    # SQLite has no SQLSTATE; psycopg has none for failed connections, nor for statements that it refuses to send.
    said = str(error.orig)
    return isinstance(error, OperationalError | InterfaceError) and "number of parameters" not in said


def _sentence(error: DBAPIError) -> str:
    # str(error.orig) contains no parameters; str(error) would repeat message text.
    said = _first_line(error)
    if "disk is full" in said or "No space left" in said:
        return f"the database has no room left ({said}): free some space on its disk; mail stays where it is until then"
    if "database is locked" in said or "lock timeout" in said:
        return f"the database stayed locked for {_LOCK_SECONDS} s ({said}); the work will be tried again"
    if "unable to open database file" in said:
        return f"the database file cannot be opened ({said}): look at its folder, and at who may write there"
    if "FATAL" in said and "does not exist" in said:
        return f"the database server has none of that name or no such user ({said}): create it, or correct {_KEY}"
    mend = next((f": {mend}" for sign, mend in _MENDS if sign in said), "; the work will be tried again")
    return f"the database did not answer ({said}){mend}"


def _first_line(error: DBAPIError) -> str:
    said = str(error.orig).strip()
    return said.splitlines()[0] if said else type(error.orig).__name__


def overwrite_deleted(connection: Connection) -> None:
    """Let SQLite overwrite with zeros what this connection deletes from now on, instead of leaving it in free pages."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete=ON")


def read_clock(connection: Connection) -> datetime:
    """Return the database's time, aware UTC."""
    now: datetime = connection.execute(_clock()).scalar_one()
    return now


@cache
def _clock() -> sa.Select[Any]:
    # One statement for all: SQLAlchemy looks an equal one up by its parts.
    return sa.select(sa.type_coerce(database_now(), UTCDateTime()))
