"""Bring the database to the tables that this version needs, from whatever version it has."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from router.errors import ConfigError
from store.database import Database

_SCRIPTS: Final = Path(__file__).parent / "migrations"
# Two processes that start together must not both migrate; any constant of ours will do as the lock's number.
_LOCK: Final = 0x6F6D6E69


def upgrade(database: Database) -> None:
    """Run the migrations that are missing; does nothing on a database that is up to date."""
    with database.engine.connect() as connection, connection.begin():
        if not database.is_sqlite:
            # An index on millions of rows takes longer than any statement of the daemons may.
            connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
            connection.execute(sa.text("SET LOCAL lock_timeout = 0"))
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def current_version(database: Database) -> str | None:
    """Return the revision that the database has; None for an empty one."""
    with database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def latest_version() -> str:
    """Return the revision that this version of the code needs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise AssertionError("there is at least one migration")
    return head


def require_current(database: Database) -> None:
    """Raise ConfigError, saying what to do, unless the database has the tables that this version needs."""
    found, needed = current_version(database), latest_version()
    if found != needed:
        raise ConfigError(
            f"the database is at version {found or 'none'}, this Omniyard needs {needed}: run `omniyard migrate`"
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    return config
