"""Open what most commands need: the settings and their database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from router.settings import Settings
from router.settings.files import load_channels, load_settings
from store.db.engine import Database
from store.db.open import open_database, require_current


@contextmanager
def open_desk(config: Path | None, *, decides: bool = True) -> Iterator[tuple[Settings, Database]]:
    """Read the configuration and open its database, which must have this version's tables.

    decides: whether the command decides about messages; without it the settings have no words of danger.
    Raises ConfigError when either cannot be used, TransientError when the database does not answer.
    """
    settings = load_settings(config) if decides else load_channels(config)
    database = open_database(settings)
    try:
        require_current(database)
        yield settings, database
    finally:
        database.close()
