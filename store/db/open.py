"""Which database the operator's file means, opened and known to have the tables this version needs."""

from __future__ import annotations

from pathlib import Path

from router.settings import Settings
from store.db.encryption import Sealer
from store.db.engine import Database
from store.db.keys import desk_key


def open_database(settings: Settings) -> Database:
    """Open the database that `[omniyard] database` names, or the embedded SQLite file under the data folder."""
    # The key is asked for when the first message is read or kept: most commands do neither.
    sealer = Sealer(lambda: desk_key(settings, purpose="originals"))
    if settings.omniyard.database is not None:
        return Database(settings.omniyard.database.reveal(), sealer=sealer)
    return Database.at(Path(settings.omniyard.data) / "omniyard.db", sealer=sealer)
