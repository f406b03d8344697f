"""Which agents look at a conversation now, and which write an answer; the rows expire."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.db.bulk import table_of
from store.db.engine import upsert
from store.tables.agents import AgentRow
from store.tables.readers import PresenceRow, ReadMarkerRow

# A page renews its row every few seconds; a closed page is forgotten after this time.
LASTS: Final = timedelta(seconds=20)
# Otherwise each renewal would be a write.
_RENEW_BEFORE: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """An agent who looks at a conversation. writing: has begun an answer."""

    agent_id: UUID
    name: str
    writing: bool
    until: datetime

    def must_renew(self, *, writing: bool, now: datetime) -> bool:
        """Return whether the row is out of date."""
        return self.writing != writing or self.until - now < _RENEW_BEFORE


def present_at(connection: Connection, conversation_id: UUID, *, now: datetime) -> list[Present]:
    """Return the agents who are present, by name."""
    here, agent = table_of(PresenceRow), table_of(AgentRow)
    statement = (
        sa.select(here.c.agent_id, agent.c.name, here.c.writing, here.c.until)
        .join(agent, agent.c.id == here.c.agent_id)
        .where(here.c.conversation_id == conversation_id, here.c.until > now)
        .order_by(agent.c.name)
    )
    return [Present(**row) for row in connection.execute(statement).mappings()]


def all_present(connection: Connection, *, now: datetime) -> dict[UUID, list[Present]]:
    """Return the agents who are present, by conversation: one query for the whole desk."""
    here, agent = table_of(PresenceRow), table_of(AgentRow)
    statement = (
        sa.select(here.c.conversation_id, here.c.agent_id, agent.c.name, here.c.writing, here.c.until)
        .join(agent, agent.c.id == here.c.agent_id)
        .where(here.c.until > now)
        .order_by(agent.c.name)
    )
    found: dict[UUID, list[Present]] = {}
    for row in connection.execute(statement).mappings():
        found.setdefault(row["conversation_id"], []).append(
            Present(agent_id=row["agent_id"], name=row["name"], writing=row["writing"], until=row["until"])
        )
    return found


def be_present(connection: Connection, *, agent_id: UUID, conversation_id: UUID, writing: bool, now: datetime) -> None:
    """Record that an agent is present; delete the expired rows of others."""
    table = table_of(PresenceRow)
    connection.execute(sa.delete(table).where(table.c.conversation_id == conversation_id, table.c.until <= now))
    row = {"agent_id": agent_id, "conversation_id": conversation_id, "writing": writing, "until": now + LASTS}
    keys = ("conversation_id", "agent_id")
    upsert(connection, PresenceRow, row=row, keys=keys, changed=("writing", "until"))


def forget_present(connection: Connection, *, now: datetime) -> int:
    """Delete the rows of agents who have left; return how many."""
    table = table_of(PresenceRow)
    return connection.execute(sa.delete(table).where(table.c.until <= now)).rowcount


def be_gone(connection: Connection, *, agent_id: UUID, conversation_id: UUID) -> None:
    """Record that an agent has left."""
    table = table_of(PresenceRow)
    mine = (table.c.conversation_id == conversation_id, table.c.agent_id == agent_id)
    connection.execute(sa.delete(table).where(*mine))


def mark_read(connection: Connection, *, agent_id: UUID, conversation_id: UUID, read_to: datetime) -> None:
    """Record that an agent has read a conversation up to its activity at `read_to`."""
    row = {"agent_id": agent_id, "conversation_id": conversation_id, "read_to": read_to}
    upsert(connection, ReadMarkerRow, row=row, keys=("agent_id", "conversation_id"), changed=("read_to",))


def typing_agents(connection: Connection, *, now: datetime) -> dict[UUID, str]:
    """Return the agents who write an answer in a conversation now, by conversation."""
    here, agent = table_of(PresenceRow), table_of(AgentRow)
    statement = sa.select(here.c.conversation_id, agent.c.name).join(agent, agent.c.id == here.c.agent_id)
    statement = statement.where(here.c.writing, here.c.until > now)
    return {row.conversation_id: row.name for row in connection.execute(statement)}


def agents_at_work(connection: Connection, *, now: datetime) -> set[str]:
    """Return the agents who have a conversation open now."""
    here, agent = table_of(PresenceRow), table_of(AgentRow)
    statement = sa.select(agent.c.name).join(here, here.c.agent_id == agent.c.id).where(here.c.until > now)
    return set(connection.execute(statement).scalars())
