"""Indexes of tables that may have millions of rows: PostgreSQL builds them while other processes write there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.engine import Connection

_STATE: Final = sa.text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")


def add_index(name: str, table: str, columns: Sequence[str | sa.TextClause], **options: Any) -> None:  # noqa: ANN401
    """Add an index to a table that is there; on PostgreSQL while others write. options: those of `op.create_index`.

    For this the migration's transaction ends, and what stops the building leaves the version as it was: the next
    upgrade runs the migration again. So a migration that calls this adds indexes and does nothing else. An index that
    is complete is kept; what is left of one that was not completed is removed first.
    """
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        op.create_index(name, table, columns, if_not_exists=True, **options)
        return
    with op.get_context().autocommit_block(), _patient(connection):
        if connection.execute(_STATE, {"name": name}).scalar():
            return
        op.drop_index(name, if_exists=True, postgresql_concurrently=True)
        op.create_index(name, table, columns, postgresql_concurrently=True, **options)


@contextmanager
def _patient(connection: Connection) -> Iterator[None]:
    """Let the building wait for each transaction that has written there: it holds up no other one meanwhile."""
    limit = connection.execute(sa.text("SHOW lock_timeout")).scalar_one()
    connection.execute(sa.text("SET lock_timeout = 0"))
    yield
    # After an error the session ends.
    connection.execute(sa.text(f"SET lock_timeout = '{limit}'"))
