"""The base of the tables' classes."""

from __future__ import annotations

from pydantic import ConfigDict
from sqlmodel import SQLModel


class TableRow(SQLModel):
    """A table. Statements write and read its rows, so its validator is never built: each start would wait for it."""

    # Its own type of these is private.
    model_config = ConfigDict(defer_build=True)  # type: ignore[assignment]
