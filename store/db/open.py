"""Open the configured database, and check that it has the tables that this version needs."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from router.errors import ConfigError
from router.settings import Settings
from store.db.encryption import Sealer
from store.db.engine import Database
from store.db.keys import desk_key, older_keys
from store.db.releases import read_mark


def open_sealer(settings: Settings) -> Sealer:
    """Return what keeps originals sealed under the desk's newest key, and opens them under each of its keys."""
    return Sealer(
        lambda: desk_key(settings, purpose="originals"),
        find_older=lambda: [key.value for key in older_keys(settings, purpose="originals")],
    )


def open_database(settings: Settings) -> Database:
    """Open the database of `[omniyard] database`, or the embedded SQLite file in the data folder."""
    # The key is read with the first original: most commands need none.
    sealer = open_sealer(settings)
    if settings.omniyard.database is not None:
        return Database(settings.omniyard.database.reveal(), sealer=sealer)
    return Database.at(Path(settings.omniyard.data) / "omniyard.db", sealer=sealer)


# The database's version and the required one; every process compares them at its start.
# Without Alembic, which takes a tenth of a second and 8 MB to load, and which only migrations need.

_MIGRATIONS: Final = Path(__file__).parents[1] / "migrations" / "versions"
# Alembic's own table, of one row.
_VERSION: Final = sa.table("alembic_version", sa.column("version_num", sa.String))


def current_version(database: Database) -> str | None:
    """Return the database's revision; None for an empty one."""
    with database.read() as connection:
        if not sa.inspect(connection).has_table(_VERSION.name):
            return None
        return connection.execute(sa.select(_VERSION.c.version_num)).scalar()


@cache
def latest_version() -> str:
    """Return the revision that this version of the code needs: the migrations are numbered.

    Read once a process: an upgrade replaces the files under those that run, which still need what they needed.
    """
    return max(path.name.partition("_")[0] for path in _MIGRATIONS.glob("[0-9]*_*.py"))


def require_current(database: Database) -> None:
    """Raise ConfigError with a hint, unless the database has tables that this version can use."""
    found, needed = current_version(database), latest_version()
    if not is_usable(database, found):
        raise ConfigError(
            f"the database is at version {found or 'none'}, this Omniyard needs {needed}: run `omniyard migrate`"
        )


def is_usable(database: Database, found: str | None) -> bool:
    """Return whether this version can use tables at version `found`: its own, or those of the next release.

    Raises ConfigError if a release after the next one has migrated them.
    """
    refuse_newer(database, found)
    return found is not None and found.isdigit() and found >= latest_version()


def refuse_newer(database: Database, found: str | None) -> None:
    """Raise ConfigError if the database is at a newer version than this one, and not at that of the next release."""
    needed = latest_version()
    if found and found.isdigit() and found > needed and not _is_of_the_next_release(database):
        raise ConfigError(
            f"the database is at version {found}, and this Omniyard knows {needed} at most: a newer Omniyard has "
            "migrated it; install that version again"
        )


def _is_of_the_next_release(database: Database) -> bool:
    with database.read() as connection:
        oldest = read_mark(connection)
    return oldest is not None and oldest <= latest_version()
