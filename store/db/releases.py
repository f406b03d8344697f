"""Which releases may run on the same tables: each accepts those of the next one, so that a fleet is upgraded in turns.

Within one release migrations only expand; what a release stops using, the release after it removes. A newer release
leaves a mark in the database: the oldest tables that its processes must know to run there.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

RELEASES: Final = ("0038",)
"""The last migration of each release, the oldest first; a release adds its own at the end."""

# Neither needs a table: PostgreSQL keeps a comment on Alembic's table, SQLite a number in the file's header.
_READ: Final = "SELECT obj_description(to_regclass('alembic_version'), 'pg_class')"
_DIGITS: Final = 4


def release_before(version: str) -> str | None:
    """Return the last migration of the release before the one with `version`; None for the first release."""
    return max((known for known in RELEASES if known < version), default=None)


def read_mark(connection: Connection) -> str | None:
    """Return the oldest version whose processes may run on these tables, if a release has left it here."""
    if connection.dialect.name == "sqlite":
        number = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
        return f"{number:0{_DIGITS}}" if number else None
    comment = connection.exec_driver_sql(_READ).scalar()
    return str(comment) if comment and str(comment).isdigit() else None


def leave_mark(connection: Connection, version: str) -> None:
    """Write which version is the oldest whose processes may run here. Does nothing if that is there already."""
    if read_mark(connection) == version:
        return
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA user_version = {int(version)}")
    else:
        connection.execute(sa.text(f"COMMENT ON TABLE alembic_version IS '{int(version):0{_DIGITS}}'"))
