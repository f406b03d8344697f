"""What is known of agents' tokens, their limits, and their end; `store.desk.agents` makes them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.db.bulk import table_of
from store.tables.agents import AgentRow

# A hash has 64 digits; this is none.
_ENDED: Final = "ended:"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord:
    """An agent's token, without itself. See `AgentRow`."""

    agent_id: UUID
    agent: str
    scopes: list[str] | None
    expires_at: datetime | None
    last_used_at: datetime | None
    previous_until: datetime | None


def list_tokens(connection: Connection) -> list[TokenRecord]:
    """Return the tokens of all agents who are not revoked, by name; a token that was ended is not there."""
    columns = table_of(AgentRow).c
    named = (columns.id.label("agent_id"), columns.name.label("agent"))
    limits = (columns.scopes, columns.expires_at, columns.last_used_at, columns.previous_until)
    statement = sa.select(*named, *limits).where(columns.revoked_at.is_(None), ~columns.token_hash.startswith(_ENDED))
    return [TokenRecord(**row) for row in connection.execute(statement.order_by(columns.name)).mappings()]


def limit_token(connection: Connection, agent_id: UUID, limits: Mapping[str, Any]) -> None:
    """Change what a token allows, or when it expires. limits: the columns and their values; None for no limit."""
    values = {name: sa.null() if value is None else value for name, value in limits.items()}
    if "scopes" in values and limits["scopes"] is not None:
        values["scopes"] = sorted(limits["scopes"])
    if values:
        table = table_of(AgentRow)
        connection.execute(sa.update(table).where(table.c.id == agent_id).values(**values))


def end_token(connection: Connection, agent_id: UUID) -> None:
    """End an agent's token and the one before it, with the sessions."""
    table = table_of(AgentRow)
    # Unique, and part of the seal of the sessions.
    ended = f"{_ENDED}{secrets.token_hex(16)}"
    values = {"token_hash": ended, "previous_hash": None, "previous_until": None}
    connection.execute(sa.update(table).where(table.c.id == agent_id).values(**values))
