"""Open what most commands need: the settings and their database."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy.engine import Connection

from router.settings import Settings
from router.settings.files import load_settings
from store.db.engine import Database, read_clock
from store.db.open import open_database, require_current
from store.desk.audit import AuditEntry, append_audit


@contextmanager
def open_desk(config: Path | None) -> Iterator[tuple[Settings, Database]]:
    """Read the configuration and open its database, which must have this version's tables.

    Raises ConfigError when either cannot be used, TransientError when the database does not answer.
    """
    settings = load_settings(config)
    database = open_database(settings)
    try:
        require_current(database)
        yield settings, database
    finally:
        database.close()


_ACTOR: Final = "the command line"


def write_down(connection: Connection, action: str, *, about: str, **detail: str) -> None:
    """Add an audit row in the action's own transaction, with the operating system's user name as a detail.

    That name is no proof: a person who may run commands on the machine may use another user's account.
    """
    with_user = {**detail, "user": _user()}
    append_audit(
        connection, [AuditEntry(at=read_clock(connection), actor=_ACTOR, action=action, object=about, detail=with_user)]
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container's user often has a number and no name.
        return str(os.getuid())
