"""How far each agent has read each conversation."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.engine import Connection

from store.db.engine import Database
from store.desk_tables import ReadMarker


def mark_read(
    connection: Connection, database: Database, *, agent_id: UUID, conversation_id: UUID, read_to: datetime
) -> None:
    """Note that an agent has read a conversation up to its activity at `read_to`."""
    row = {"agent_id": agent_id, "conversation_id": conversation_id, "read_to": read_to}
    statement = database.insert(ReadMarker).values(**row)
    keys = ["agent_id", "conversation_id"]
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_={"read_to": read_to}))
