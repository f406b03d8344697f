"""What providers' callbacks wake: a token for each topic, left by the web process, taken by the one that polls."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.db.bulk import table_of
from store.db.engine import read_clock, upsert
from store.tables.desk import DeskStateRow

# WeCom's tokens are valid for ten minutes.
_LASTS: Final = timedelta(minutes=9)


def leave_wakes(connection: Connection, wakes: Mapping[str, str]) -> None:
    """Leave a token for each topic; a later one replaces it."""
    now = read_clock(connection)
    for topic, token in sorted(wakes.items()):
        row = {"name": f"wake:{topic}", "value": token, "at": now}
        upsert(connection, DeskStateRow, row=row, keys=("name",), changed=("value", "at"))


def is_woken(connection: Connection, topic: str) -> bool:
    """Return whether a token was left for the topic."""
    table = table_of(DeskStateRow)
    statement = sa.select(table.c.name).where(table.c.name == f"wake:{topic}", table.c.value != "")
    return connection.execute(statement).first() is not None


def take_wake(connection: Connection, topic: str) -> str:
    """Take the token of a topic; empty if none was left since the last time, or it has ended."""
    table = table_of(DeskStateRow)
    mine = sa.select(table.c.value, table.c.at).where(table.c.name == f"wake:{topic}", table.c.value != "")
    found = connection.execute(mine).first()
    if found is None:
        return ""
    taken = sa.update(table).where(table.c.name == f"wake:{topic}", table.c.value == found.value)
    connection.execute(taken.values(value=""))
    return str(found.value) if read_clock(connection) - found.at <= _LASTS else ""
