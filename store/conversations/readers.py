"""Who looks at a conversation right now, and who answers it: rows that end by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.db.bulk import table_of
from store.db.engine import upsert
from store.tables.desk import PresenceRow, ReadMarkerRow
from store.tables.operations import AgentRow

# A page says so each few seconds; one that was closed is forgotten this long after.
LASTS: Final = timedelta(seconds=20)
# Each beat would otherwise be a write.
_RENEW_BEFORE: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """An agent at a conversation. writing: they have begun an answer."""

    agent_id: UUID
    name: str
    writing: bool
    until: datetime

    def must_renew(self, *, writing: bool, now: datetime) -> bool:
        """Return whether what stands here would mislead."""
        return self.writing != writing or self.until - now < _RENEW_BEFORE


def present_at(connection: Connection, conversation_id: UUID, *, now: datetime) -> list[Present]:
    """Return who is there, by name."""
    here, agent = table_of(PresenceRow), table_of(AgentRow)
    statement = (
        sa.select(here.c.agent_id, agent.c.name, here.c.writing, here.c.until)
        .join(agent, agent.c.id == here.c.agent_id)
        .where(here.c.conversation_id == conversation_id, here.c.until > now)
        .order_by(agent.c.name)
    )
    return [Present(**row) for row in connection.execute(statement).mappings()]


def be_present(connection: Connection, *, agent_id: UUID, conversation_id: UUID, writing: bool, now: datetime) -> None:
    """Say that an agent is there; what has ended of others is taken away by the way."""
    table = table_of(PresenceRow)
    connection.execute(sa.delete(table).where(table.c.conversation_id == conversation_id, table.c.until <= now))
    row = {"agent_id": agent_id, "conversation_id": conversation_id, "writing": writing, "until": now + LASTS}
    keys = ("conversation_id", "agent_id")
    upsert(connection, PresenceRow, row=row, keys=keys, changed=("writing", "until"))


def mark_read(connection: Connection, *, agent_id: UUID, conversation_id: UUID, read_to: datetime) -> None:
    """Note that an agent has read a conversation up to its activity at `read_to`."""
    row = {"agent_id": agent_id, "conversation_id": conversation_id, "read_to": read_to}
    upsert(connection, ReadMarkerRow, row=row, keys=("agent_id", "conversation_id"), changed=("read_to",))
