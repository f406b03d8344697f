"""To whom an agent may give a conversation."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from api.http.permissions import Actor
from store.desk.agents import list_agents, names_in_teams


def colleagues_of(connection: Connection, actor: Actor) -> list[str]:
    """Return the names of the agents to whom the actor may give a conversation."""
    names = [agent.name for agent in list_agents(connection) if agent.revoked_at is None]
    seen = names if actor.sees_only is None else names_in_teams(connection, actor.sees_only)
    return [name for name in names if name in seen]
