"""Migrate the database to the tables that this version needs, from any older version."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from store.db.engine import Database

_SCRIPTS: Final = Path(__file__).parents[1] / "migrations"
# Two processes that start together must not both migrate; the number of the lock is arbitrary.
_LOCK: Final = 0x6F6D6E69


def upgrade(database: Database) -> None:
    """Run the missing migrations; does nothing on a database that is up to date."""
    with database.engine.connect() as connection, connection.begin():
        if not database.is_sqlite:
            # An index on millions of rows takes longer than the daemons' statement timeout.
            connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
            connection.execute(sa.text("SET LOCAL lock_timeout = 0"))
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    return config
