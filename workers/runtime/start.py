"""The start of every daemon: read the operator's file and wait until the database answers."""

from __future__ import annotations

import sys
import time
from typing import Final

import structlog

from connectors.freed_memory import limit_heaps
from router.errors import ConfigError, TransientError
from router.settings import Settings
from router.settings.files import load_settings
from store.db.engine import Database
from store.db.open import open_database, require_current
from workers.runtime.logs import configure_logging
from workers.runtime.umask import keep_files_private

# The exit code of the commands for an unusable configuration.
_UNUSABLE: Final = 3
_ASK_AGAIN_SECONDS: Final = 2.0

_log = structlog.get_logger()


def open_desk() -> tuple[Settings, Database]:
    """Return the settings and their open database, as soon as it answers.

    Wait for a database that restarts or starts later: a process supervisor gives up on a daemon that exits too often.
    Exits with 3 and a message if the file cannot be used, or the tables have another version.
    """
    keep_files_private()
    limit_heaps()
    try:
        settings = load_settings(None)
        configure_logging(settings.omniyard.log_level)
        database = open_database(settings)
        _wait_until_there(database)
    except ConfigError as error:
        sys.stderr.write(f"omniyard: {error}\n")
        sys.exit(_UNUSABLE)
    return settings, database


def _wait_until_there(database: Database) -> None:
    while True:
        try:
            require_current(database)
        except TransientError as error:
            _log.warning("database.away", error=str(error))
            time.sleep(_ASK_AGAIN_SECONDS)
        else:
            return
