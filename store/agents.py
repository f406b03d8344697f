"""Who may use the desk: agents and the tokens that prove them. A token is shown once; only its SHA-256 is kept.

A token reads `oy_<agent id>_<secret>`: the id finds the row, so that the secret is compared with one hash, in a time
that tells nothing. The secret has 256 bits, for which a fast hash is right (passwords would need a slow one).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from router.errors import Conflict, NotFound, PermanentError
from store.bulk import table_of
from store.clock import read_clock
from store.ids import new_id
from store.ledgers import Agent

_ALPHABET: Final = string.ascii_letters + string.digits
# 43 letters of an alphabet of 62 are 256 bits.
_SECRET_LENGTH: Final = 43
_TOKEN: Final = re.compile(rf"oy_([0-9a-f]{{32}})_[0-9A-Za-z]{{{_SECRET_LENGTH}}}", re.ASCII)
_LONGEST_NAME: Final = 100
# Each request would otherwise be a write.
_USE_RESOLUTION: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRow:
    """Somebody who may use the desk. seal: changes when the token does, so that sessions end with their token."""

    id: UUID
    name: str
    role: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    seal: str


def add_agent(connection: Connection, *, name: str, role: str) -> tuple[AgentRow, str]:
    """Add an agent; return the row and the token, which nothing can show a second time.

    role: one of `api.permissions.Role`.
    Raises Conflict when the name is taken, also by a revoked agent; PermanentError for a name nobody could read.
    """
    agent_id, checked = new_id(), _checked(name)
    token = f"oy_{agent_id.hex}_{''.join(secrets.choice(_ALPHABET) for _ in range(_SECRET_LENGTH))}"
    values = {"id": agent_id, "name": checked, "role": role, "token_hash": _hash(token)}
    try:
        connection.execute(sa.insert(table_of(Agent)).values(**values, created_at=read_clock(connection)))
    except IntegrityError as error:
        raise Conflict(f"there is an agent named {checked} already; names are kept after a revocation") from error
    return _one(connection, table_of(Agent).c.id == agent_id), token


def revoke_agent(connection: Connection, *, name: str) -> AgentRow:
    """End the agent's token and sessions; the row stays, because past actions name it. Twice does no harm.

    Raises NotFound when there is no such agent.
    """
    table = table_of(Agent)
    statement = sa.update(table).where(table.c.name == name, table.c.revoked_at.is_(None))
    connection.execute(statement.values(revoked_at=read_clock(connection)))
    return _one(connection, table.c.name == name)


def list_agents(connection: Connection) -> list[AgentRow]:
    """Return every agent, also the revoked, by name."""
    table = table_of(Agent)
    return [_row(row) for row in connection.execute(sa.select(table).order_by(table.c.name)).mappings()]


def find_by_token(connection: Connection, token: str) -> AgentRow | None:
    """Return the agent whose token this is; None for malformed, unknown and revoked alike, without saying which."""
    form = _TOKEN.fullmatch(token)
    agent = find_by_id(connection, UUID(hex=form.group(1))) if form else None
    proven = hmac.compare_digest(_hash(token), agent.seal if agent else _hash(""))
    return agent if proven else None


def find_by_id(connection: Connection, agent_id: UUID) -> AgentRow | None:
    """Return the agent unless revoked."""
    table = table_of(Agent)
    statement = sa.select(table).where(table.c.id == agent_id, table.c.revoked_at.is_(None))
    row = connection.execute(statement).mappings().first()
    return _row(row) if row else None


def is_use_worth_noting(agent: AgentRow, *, now: datetime) -> bool:
    """Return whether `last_used_at` is so old that it misleads."""
    return agent.last_used_at is None or now - agent.last_used_at >= _USE_RESOLUTION


def note_use(connection: Connection, agent_id: UUID) -> None:
    """Write down that the agent is here."""
    table = table_of(Agent)
    connection.execute(sa.update(table).where(table.c.id == agent_id).values(last_used_at=read_clock(connection)))


def _one(connection: Connection, condition: sa.ColumnElement[bool]) -> AgentRow:
    row = connection.execute(sa.select(table_of(Agent)).where(condition)).mappings().first()
    if row is None:
        raise NotFound("there is no agent of that name; `omniyard agent list` shows who is there")
    return _row(row)


def _row(row: sa.RowMapping) -> AgentRow:
    known = {name: row[name] for name in AgentRow.__dataclass_fields__ if name != "seal"}
    return AgentRow(**known, seal=row["token_hash"])


def _checked(name: str) -> str:
    trimmed = name.strip()
    if not trimmed or len(trimmed) > _LONGEST_NAME or not trimmed.isprintable():
        raise PermanentError(f"an agent's name has 1 to {_LONGEST_NAME} printable characters")
    return trimmed


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
