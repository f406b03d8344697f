"""`omniyard migrate`: bring the database to the tables of this version."""

from __future__ import annotations

import typer

from cli.terminal import ConfigOption
from router.settings.files import load_settings
from store.db.migrate import upgrade
from store.db.open import current_version, open_database


def migrate_command(config: ConfigOption = None) -> None:
    """Migrate the database to this version's tables; does nothing if it has them. `omniyard up` does this by itself.

    Example: omniyard migrate
    """
    database = open_database(load_settings(config))
    try:
        before = current_version(database)
        upgrade(database)
        after = current_version(database)
    finally:
        database.close()
    typer.echo(f"the database is at version {after}" + ("" if before == after else f", was {before or 'empty'}"))
