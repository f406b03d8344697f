"""Move how far a channel has been read, under the nose of whoever reads it."""

from __future__ import annotations

from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.clock import read_clock
from store.db.bulk import table_of
from store.db.engine import Database
from store.inbound.cursors import move_cursor
from store.tables.operations import Lease


def reposition(connection: Connection, database: Database, *, channel: str, epoch: str, position: str) -> None:
    """Set the channel's cursor and take its lease from the present owner.

    The owner's next commit then hits no lease and is rolled back; it asks for the lease again, which is free, and
    reads the cursor anew. Without this, its next page would undo the move.
    """
    move_cursor(connection, database, channel=channel, epoch=epoch, position=position, notice="moved by an operator")
    table = table_of(Lease)
    statement = sa.update(table).where(table.c.name == f"channel:{channel}")
    connection.execute(statement.values(token=uuid4(), until=read_clock(connection)))
