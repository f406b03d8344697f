"""How far each channel has been read, and how it fares."""

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
    """Set a channel's position, in the transaction that keeps what lies below it. notice: kept until the next one."""
    values = {"epoch": epoch, "position": position, "moved_at": read_clock(connection)}
    _upsert(connection, channel=channel, values=values | ({"notice": notice} if notice else {}))


def note_poll(connection: Connection, *, channel: str, waiting: int, held: int | None) -> None:
    """Note a good poll. waiting: messages above the cursor.  held: messages in all, if the provider says."""
    values = {"polled_at": read_clock(connection), "waiting": waiting, "error": ""}
    _upsert(connection, channel=channel, values=values | ({} if held is None else {"held": held}))


def note_error(connection: Connection, *, channel: str, error: str) -> None:
    """Note why a channel cannot be read now."""
    _upsert(connection, channel=channel, values={"error": error, "error_at": read_clock(connection)})


def _upsert(connection: Connection, *, channel: str, values: dict[str, Any]) -> None:
    empty = {"epoch": "", "position": "", "error": "", "notice": ""}
    row = empty | values | {"channel": channel}
    upsert(connection, CursorRow, row=row, keys=("channel",), changed=tuple(values))


def reposition(connection: Connection, *, channel: str, epoch: str, position: str) -> None:
    """Set the channel's cursor and take its lease from the present owner.

    The owner's next commit then hits no lease and is rolled back; it asks for the lease again, which is free, and
    reads the cursor anew. Without this, its next page would undo the move.
    """
    move_cursor(connection, channel=channel, epoch=epoch, position=position, notice="moved by an operator")
    table = table_of(LeaseRow)
    statement = sa.update(table).where(table.c.name == f"channel:{channel}")
    connection.execute(statement.values(token=uuid4(), until=read_clock(connection)))
