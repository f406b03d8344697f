"""Which database the operator's file means, opened and known to have the tables this version needs."""

from __future__ import annotations

from pathlib import Path

from router.settings import Settings
from store.database import Database


def open_database(settings: Settings) -> Database:
    """Open the database that `[omniyard] database` names, or the embedded SQLite file under the data folder."""
    if settings.omniyard.database is not None:
        return Database(settings.omniyard.database.reveal())
    return Database.at(Path(settings.omniyard.data) / "omniyard.db")
