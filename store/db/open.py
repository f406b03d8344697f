"""Which database the operator's file means, opened and known to have the tables this version needs."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import sqlalchemy as sa

from router.errors import ConfigError
from router.settings import Settings
from store.db.encryption import Sealer
from store.db.engine import Database
from store.db.keys import desk_key, older_keys


def open_sealer(settings: Settings) -> Sealer:
    """Return what keeps originals sealed under the desk's newest key, and opens them under each of its keys."""
    return Sealer(
        lambda: desk_key(settings, purpose="originals"),
        find_older=lambda: [key.value for key in older_keys(settings, purpose="originals")],
    )


def open_database(settings: Settings) -> Database:
    """Open the database that `[omniyard] database` names, or the embedded SQLite file under the data folder."""
    # The key is asked for when the first message is read or kept: most commands do neither.
    sealer = open_sealer(settings)
    if settings.omniyard.database is not None:
        return Database(settings.omniyard.database.reveal(), sealer=sealer)
    return Database.at(Path(settings.omniyard.data) / "omniyard.db", sealer=sealer)


# Which tables the database has, and which this version needs; every process asks at its start.
# Without Alembic, which takes a tenth of a second and 8 MB to load, and which only who migrates needs.

_MIGRATIONS: Final = Path(__file__).parents[1] / "migrations" / "versions"
# Alembic's own table, of one row.
_VERSION: Final = sa.table("alembic_version", sa.column("version_num", sa.String))


def current_version(database: Database) -> str | None:
    """Return the revision that the database has; None for an empty one."""
    with database.read() as connection:
        if not sa.inspect(connection).has_table(_VERSION.name):
            return None
        return connection.execute(sa.select(_VERSION.c.version_num)).scalar()


def latest_version() -> str:
    """Return the revision that this version of the code needs: its migrations are numbered, one after the other."""
    return max(path.name.partition("_")[0] for path in _MIGRATIONS.glob("[0-9]*_*.py"))


def require_current(database: Database) -> None:
    """Raise ConfigError, saying what to do, unless the database has the tables that this version needs."""
    found, needed = current_version(database), latest_version()
    if found != needed:
        raise ConfigError(
            f"the database is at version {found or 'none'}, this Omniyard needs {needed}: run `omniyard migrate`"
        )
