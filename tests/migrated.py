"""A new SQLite database with this version's tables. A plain module."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from store.db.engine import Database
from store.db.migrate import upgrade


def new_database(path: Path) -> Database:
    """Open a database in a new file at `path`: a copy, because running every migration takes a quarter of a second."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(empty_file())
    return Database.at(path)


@cache
def empty_file() -> bytes:
    """The bytes of a file that was migrated and closed, so that no journal is next to it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "omniyard.db"
        database = Database.at(path)
        upgrade(database)
        database.close()
        return path.read_bytes()
