"""Migrate the database to the tables that this version needs, from any older version."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy.engine import Connection
from sqlalchemy.exc import PendingRollbackError

from router.errors import ConfigError, TransientError
from store.db.dialects.database_errors import translated
from store.db.engine import Database
from store.db.open import current_version, is_usable, latest_version
from store.db.releases import release_before

_SCRIPTS: Final = Path(__file__).parents[1] / "migrations"
# Two processes that start together must not both migrate; the number of the lock is arbitrary.
_LOCK: Final = 0x6F6D6E69
# A migration that waits for a table's lock stops everything that comes after it: it gives up soon, and tries again.
_PATIENCE_SECONDS: Final = 3
_PAUSE_SECONDS: Final = 2.0
_ASK_SECONDS: Final = 0.2
_TRIES: Final = 30
# PostgreSQL's SQLSTATEs: the lock's time limit, and a deadlock with a running process.
_LOCKED: Final = ("55P03", "40P01")


def upgrade(database: Database) -> None:
    """Run the migrations that are missing; does nothing on a database that is up to date, or the next release's.

    Raises ConfigError when another version has migrated it, TransientError when it is away, PermanentError when it
    refuses, for example because it is no database.
    """
    found = current_version(database)
    if found and is_usable(database, found):
        return
    for left in reversed(range(_TRIES)):
        try:
            _upgrade(database)
        except TransientError as error:
            if not left or not _was_locked(error):
                raise
            sleep(_PAUSE_SECONDS)
        else:
            return


def _upgrade(database: Database) -> None:
    with (
        translated(),
        database.engine.connect() as connection,
        connection.begin() if database.is_sqlite else _alone(connection),
    ):
        config = _config()
        config.attributes |= {"connection": connection, "mark": release_before(latest_version())}
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            # Alembic's way to say that it has no migration which leads from there to here.
            raise ConfigError(
                "the database is at a version that this Omniyard does not know; is it another's?"
            ) from error


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Let one process at a time migrate PostgreSQL, in transactions of its own.

    The lock and the limits are the session's, because an index of a large table is built between two transactions.
    """
    try:
        # An index on millions of rows takes longer than the daemons' statement timeout.
        connection.execute(sa.text("SET statement_timeout = 0"))
        connection.execute(sa.text(f"SET lock_timeout = '{_PATIENCE_SECONDS}s'"))
        # A statement that waits for the lock would have a snapshot, and the building of an index waits for those.
        while not connection.execute(sa.text("SELECT pg_try_advisory_lock(:number)"), {"number": _LOCK}).scalar_one():
            connection.commit()
            sleep(_ASK_SECONDS)
        connection.commit()
        yield
    except PendingRollbackError as error:
        # Alembic wants to go on after an index whose session has ended; why that ended is the error before.
        raise error.__context__ or error from None
    finally:
        # Its session ends here, and does not go back to the pool.
        connection.invalidate()


def _was_locked(error: TransientError) -> bool:
    return getattr(getattr(error.__cause__, "orig", None), "sqlstate", None) in _LOCKED


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    return config
