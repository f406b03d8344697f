"""Migrate the database to the tables that this version needs, from any older version."""

from __future__ import annotations

from pathlib import Path
from time import sleep
from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError

from router.errors import ConfigError, TransientError
from store.db.engine import Database, translated
from store.db.open import current_version, is_usable, latest_version
from store.db.releases import leave_mark, release_before

_SCRIPTS: Final = Path(__file__).parents[1] / "migrations"
# Two processes that start together must not both migrate; the number of the lock is arbitrary.
_LOCK: Final = 0x6F6D6E69
# A migration that waits for a table's lock stops everything that comes after it: it gives up soon, and tries again.
_PATIENCE_SECONDS: Final = 3
_PAUSE_SECONDS: Final = 2.0
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
    with translated(), database.engine.connect() as connection, connection.begin():
        if not database.is_sqlite:
            # An index on millions of rows takes longer than the daemons' statement timeout.
            connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
            connection.execute(sa.text("SET LOCAL lock_timeout = 0"))
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
            connection.execute(sa.text(f"SET LOCAL lock_timeout = '{_PATIENCE_SECONDS}s'"))
        config = _config()
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            # Alembic's way to say that it has no migration which leads from there to here.
            raise ConfigError(
                "the database is at a version that this Omniyard does not know; is it another's?"
            ) from error
        before = release_before(latest_version())
        if before:
            leave_mark(connection, before)


def _was_locked(error: TransientError) -> bool:
    return getattr(getattr(error.__cause__, "orig", None), "sqlstate", None) in _LOCKED


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    return config
