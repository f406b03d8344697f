"""Access to the database: short transactions with deadlines, the same on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.ext.compiler import compiles
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import UTCDateTime

from router.errors import ConfigError
from store.db.dialects.database_errors import DATABASE_KEY, translated
from store.db.dialects.postgresql_engine import postgresql_engine, url_parameter
from store.db.dialects.sqlite_engine import sqlite_engine
from store.db.encryption import OPTION, Sealer
from store.db.kept_read import KeptRead
from store.db.postgresql_address import misspelt_parameters, plain_address, shown_address
from store.db.private_files import make_private_folder

Rows = Sequence[Mapping[str, Any]]

_EXAMPLES: Final = 'expected one such as "postgresql://omniyard@db.internal/omniyard" or "sqlite:////var/omniyard.db"'


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
        engine = sqlite_engine(self.url) if self.is_sqlite else postgresql_engine(self.url)
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
        return not self.is_sqlite and "," in (self.url.host or "") + url_parameter(self.url, "host")

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
    return _insert_of(connection.dialect.name, table)


def _insert_of(dialect: str, table: type[Any]) -> postgresql.Insert | sqlite.Insert:
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


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
        raise ConfigError(f"the address of the database cannot be used: {problem}; correct {DATABASE_KEY}")
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
    fresh = _insert_of(dialect, table)
    return fresh.on_conflict_do_update(index_elements=keys, set_={name: fresh.excluded[name] for name in changed})


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
