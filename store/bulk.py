"""Many rows in one statement, in the form that each database takes fastest."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlmodel import SQLModel

from store.database import Rows


def table_of(model: type[SQLModel]) -> sa.Table:
    """Return the SQLAlchemy table behind a model."""
    table: sa.Table = model.__table__  # type: ignore[attr-defined]
    return table


def insert_rows(connection: Connection, model: type[SQLModel], *, rows: Rows) -> None:
    """Insert `rows`, all with the same keys; no rows, no statement."""
    if rows:
        connection.execute(sa.insert(table_of(model)), rows)


def among(column: sa.ColumnElement[Any], values: Collection[Any]) -> sa.ColumnElement[bool]:
    """Return `column IN values`, in a form whose SQL text does not change with their number."""
    return column.in_(sa.bindparam(None, list(values), expanding=True))
