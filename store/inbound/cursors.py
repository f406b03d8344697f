"""The cursor of each channel, and its last poll or error."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.db.bulk import table_of
from store.db.engine import read_clock, upsert
from store.tables.operations import CursorRow, LeaseRow


def read_position(connection: Connection, *, channel: str) -> tuple[str, str] | None:
    """Return (epoch, position) of a channel, or None if it was never read."""
    table = table_of(CursorRow)
    row = connection.execute(
        sa.select(table.c.epoch, table.c.position, table.c.moved_at).where(table.c.channel == channel)
    ).first()
    return (row.epoch, row.position) if row and row.moved_at else None


def move_cursor(connection: Connection, *, channel: str, epoch: str, position: str, notice: str) -> None:
    """Set a channel's position, in the transaction that stores the messages below it. notice: kept until the next."""
    values = {"epoch": epoch, "position": position, "moved_at": read_clock(connection)}
    _upsert(connection, channel=channel, values=values | ({"notice": notice} if notice else {}))


def note_poll(connection: Connection, *, channel: str, waiting: int, held: int | None) -> None:
    """Record a successful poll. waiting: messages above the cursor.  held: all messages, if the provider reports it."""
    values = {"polled_at": read_clock(connection), "waiting": waiting, "error": ""}
    _upsert(connection, channel=channel, values=values | ({} if held is None else {"held": held}))


def note_error(connection: Connection, *, channel: str, error: str) -> None:
    """Record why a channel cannot be read now."""
    _upsert(connection, channel=channel, values={"error": error, "error_at": read_clock(connection)})


def _upsert(connection: Connection, *, channel: str, values: dict[str, Any]) -> None:
    empty = {"epoch": "", "position": "", "error": "", "notice": ""}
    row = empty | values | {"channel": channel}
    upsert(connection, CursorRow, row=row, keys=("channel",), changed=tuple(values))


def reposition(connection: Connection, *, channel: str, epoch: str, position: str) -> None:
    """Set the channel's cursor and take its lease from the current owner.

    The owner's next commit then finds no lease and is rolled back; it takes the lease again, which is free, and reads
    the new cursor. Otherwise its next batch would undo the change.
    """
    move_cursor(connection, channel=channel, epoch=epoch, position=position, notice="moved by an operator")
    table = table_of(LeaseRow)
    statement = sa.update(table).where(table.c.name == f"channel:{channel}")
    connection.execute(statement.values(token=uuid4(), until=read_clock(connection)))
