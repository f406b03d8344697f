"""Agents and their tokens. A token is shown once; only its SHA-256 is kept.

A token reads `oy_<agent id>_<secret>`: the id finds the row, so that the secret is compared with one hash, in constant
time. The secret has 256 bits, for which a fast hash is right (passwords would need a slow one).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError
from sqlmodel.sql.sqltypes import UTCDateTime

from router.errors import Conflict, NotFound, PermanentError
from store.db.bulk import among, insert_new, table_of
from store.db.engine import database_now, read_clock
from store.db.ids import new_id
from store.db.plain_rows import KnownRows, PlainStatement, Question, types_of
from store.tables.agents import AgentRow, AgentSkillRow, EndedSessionRow, SkillKind

_ALPHABET: Final = string.ascii_letters + string.digits
# 43 letters of an alphabet of 62 have 256 bits.
_SECRET_LENGTH: Final = 43
_TOKEN: Final = re.compile(rf"oy_([0-9a-f]{{32}})_[0-9A-Za-z]{{{_SECRET_LENGTH}}}", re.ASCII)
_LONGEST_NAME: Final = 100
# How long the old token stays valid while programs get the new one.
ROTATION: Final = timedelta(days=7)
# Otherwise each request would be a write.
_USE_RESOLUTION: Final = timedelta(minutes=10)
# Rows of agents at work, one for each of their teams.
_CLAIMANTS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRecord:
    """A person or program that may use the desk.

    seal: changes with the token, the role and the epoch, so that sessions end with them.  teams: whose conversations
    the agent sees; empty means all.  scopes: the verbs that the token allows; None means all of the role.
    available, away_from, away_until: see `AgentRow`.
    """

    id: UUID
    name: str
    role: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    seal: str
    expires_at: datetime | None = None
    teams: frozenset[str] = frozenset()
    scopes: frozenset[str] | None = None
    available: bool = False
    away_from: datetime | None = None
    away_until: datetime | None = None


def add_agent(
    connection: Connection,
    *,
    name: str,
    role: str,
    scopes: Collection[str] | None = None,
    lasts: timedelta | None = None,
) -> tuple[AgentRecord, str]:
    """Add an agent; return the row and the token, which cannot be shown again.

    role: one of `api.http.permissions.Role`.  scopes: verbs that the token allows.  lasts: None never expires.
    Raises Conflict when the name is taken, also by a revoked agent; PermanentError for a name that is not printable.
    """
    agent_id, checked, now = new_id(), _checked(name), read_clock(connection)
    token = _new_token(agent_id)
    values = {"id": agent_id, "name": checked, "role": role, "token_hash": _hash(token), "created_at": now}
    limits = {
        "scopes": sorted(scopes) if scopes is not None else sa.null(),
        "expires_at": now + lasts if lasts else None,
    }
    try:
        connection.execute(sa.insert(table_of(AgentRow)).values(**values, **limits))
    except IntegrityError as error:
        raise Conflict(f"there already is an agent named {checked}; names stay taken after a revocation") from error
    return _one(connection, table_of(AgentRow).c.id == agent_id), token


def rotate_token(
    connection: Connection, *, name: str, overlap: timedelta = ROTATION, lasts: timedelta | None = None
) -> tuple[AgentRecord, str]:
    """Give an agent a new token and return it; the old token is valid for `overlap`, its sessions end now.

    lasts: the validity of the new token; None never expires.
    Raises NotFound when there is no such agent, or the agent was revoked.
    """
    table, now = table_of(AgentRow), read_clock(connection)
    which = sa.and_(table.c.name == name, table.c.revoked_at.is_(None))
    agent = _one(connection, which)
    # The old token's own expiry still applies.
    until = min(filter(None, (now + overlap, agent.expires_at)))
    token = _new_token(agent.id)
    previous = {"previous_hash": table.c.token_hash, "previous_until": until}
    renewed = {"token_hash": _hash(token), "expires_at": now + lasts if lasts else None}
    connection.execute(sa.update(table).where(which).values(**previous, **renewed))
    return _one(connection, which), token


def revoke_agent(connection: Connection, *, name: str) -> AgentRecord:
    """End the agent's token and sessions; the row stays, because audit rows name it. Repeating it does no harm.

    Raises NotFound when there is no such agent.
    """
    table = table_of(AgentRow)
    statement = sa.update(table).where(table.c.name == name, table.c.revoked_at.is_(None))
    # Another agent may get the address.
    ended = {"revoked_at": read_clock(connection), "previous_hash": None, "previous_until": None}
    connection.execute(statement.values(**ended, email="", provider_subject=""))
    return _one(connection, table.c.name == name)


def change_role(connection: Connection, *, name: str, role: str) -> AgentRecord:
    """Give an agent another role and end their sessions; the token stays. The same role changes nothing.

    Raises NotFound when there is no such agent, or the agent was revoked.
    """
    table = table_of(AgentRow)
    which = sa.and_(table.c.name == name, table.c.revoked_at.is_(None))
    statement = sa.update(table).where(which, table.c.role != role)
    connection.execute(statement.values(role=role, session_epoch=table.c.session_epoch + 1))
    return _one(connection, which)


def end_session(connection: Connection, session_id: UUID, *, longest: timedelta) -> None:
    """End one session. longest: how long any session lasts; what ended before that is forgotten.

    Repeating it does no harm.
    """
    table, now = table_of(EndedSessionRow), read_clock(connection)
    insert_new(connection, EndedSessionRow, rows=[{"id": session_id, "ended_at": now}])
    # Twice as long, because the clocks of two machines may differ.
    connection.execute(sa.delete(table).where(table.c.ended_at < now - 2 * longest))


def list_agents(connection: Connection) -> list[AgentRecord]:
    """Return all agents, including revoked ones, by name."""
    statement, values = every_agent()
    return _KNOWN_AGENTS(connection, statement.rows(connection, values))


def every_agent() -> Question:
    """Return the question of `list_agents`."""
    return _AGENTS, {}


def find_by_token(connection: Connection, token: str) -> AgentRecord | None:
    """Return the agent with this token; None for malformed, unknown, expired and revoked tokens alike."""
    owner = owner_of(token)
    found = _claimed(connection, _OWNER, {"owner": owner}) if owner else None
    said, none = _hash(token), _hash("")
    # Both comparisons always run: the duration must not reveal which token it was.
    is_new = hmac.compare_digest(said, found.token_hash if found and not found.is_over else none)
    is_old = hmac.compare_digest(said, (found and found.is_overlapping and found.previous_hash) or none)
    return found.agent if found and (is_new or is_old) else None


def names_in_teams(connection: Connection, teams: Collection[str]) -> set[str]:
    """Return the names of the agents of these teams, and of those without a team, who see every one."""
    table, skill = table_of(AgentRow), table_of(AgentSkillRow)
    theirs = sa.exists().where(skill.c.agent_id == table.c.id, skill.c.kind == SkillKind.TEAM)
    shared = theirs.where(among(skill.c.value, teams))
    return set(connection.execute(sa.select(table.c.name).where(sa.or_(shared, ~theirs))).scalars())


def find_by_name(connection: Connection, name: str) -> AgentRecord | None:
    """Return the agent of this name; None if there is none, or if revoked or expired."""
    found = _claimed(connection, _NAMED, {"name": name.strip()})
    return found.agent if found and not found.is_over else None


def owner_of(token: str) -> UUID | None:
    """Return the id that a token names; it proves nothing. None if it does not have the form of a token."""
    form = _TOKEN.fullmatch(token)
    return UUID(hex=form.group(1)) if form else None


def find_by_session(connection: Connection, agent_id: UUID, *, session_id: UUID) -> AgentRecord | None:
    """Return the agent; None if revoked, if the token has expired, or if this session was ended."""
    found = _claimed(connection, _OF_SESSION, {"owner": agent_id, "session": session_id})
    return found.agent if found and not found.is_over else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """An agent as one of its rows has it: a row for each of the agent's teams. team: None without one."""

    agent: AgentRecord
    team: str | None
    token_hash: str
    previous_hash: str | None
    is_over: bool
    is_overlapping: bool


def _claim(row: Sequence[Any]) -> _Claim:
    read = dict(zip(_CLAIMED, row, strict=True))
    names = ("team", "token_hash", "previous_hash", "is_over", "is_overlapping")
    return _Claim(agent=_row(read), **{name: read[name] for name in names})


def _in_force(which: sa.ColumnElement[bool]) -> sa.Select[Any]:
    table, skill = table_of(AgentRow), table_of(AgentSkillRow)
    now = sa.type_coerce(database_now(), UTCDateTime())
    is_over = sa.func.coalesce(table.c.expires_at <= now, sa.false()).label("is_over")
    is_overlapping = sa.func.coalesce(table.c.previous_until > now, sa.false()).label("is_overlapping")
    theirs = sa.and_(skill.c.agent_id == table.c.id, skill.c.kind == SkillKind.TEAM)
    joined = sa.outerjoin(table, skill, theirs)
    statement = sa.select(table, is_over, is_overlapping, skill.c.value.label("team")).select_from(joined)
    return statement.where(which, table.c.revoked_at.is_(None))


def _claimed(connection: Connection, statement: PlainStatement, values: Mapping[str, object]) -> _Claim | None:
    """Return the agent with all teams; None if there is none in force."""
    claims = _CLAIMS(connection, statement.rows(connection, values))
    if not claims:
        return None
    teams = frozenset(claim.team for claim in claims if claim.team is not None)
    return replace(claims[0], agent=replace(claims[0].agent, teams=teams)) if teams else claims[0]


def _agents() -> sa.Select[Any]:
    table = table_of(AgentRow)
    return sa.select(table).order_by(table.c.name)


_IS_OWNER: Final = table_of(AgentRow).c.id == sa.bindparam("owner")
_IS_ENDED: Final = sa.exists().where(table_of(EndedSessionRow).c.id == sa.bindparam("session"))
_CLAIMED: Final = tuple(column.name for column in _in_force(_IS_OWNER).selected_columns)
# Of these statements, each row that is as it was; `last_used_at` changes every ten minutes.
_CLAIMS: Final = KnownRows(types_of(_in_force(_IS_OWNER)), _claim, most=_CLAIMANTS)
_KNOWN_AGENTS: Final = KnownRows(
    types_of(_agents()), lambda row: _row(dict(zip(_CLAIMED, row, strict=False))), most=_CLAIMANTS
)
_AGENTS: Final = PlainStatement(_agents())
_OWNER: Final = PlainStatement(_in_force(_IS_OWNER))
_OF_SESSION: Final = PlainStatement(_in_force(_IS_OWNER).where(~_IS_ENDED))
_NAMED: Final = PlainStatement(_in_force(table_of(AgentRow).c.name == sa.bindparam("name")))


def is_use_worth_noting(agent: AgentRecord, *, now: datetime) -> bool:
    """Return whether `last_used_at` is old enough to be updated."""
    return agent.last_used_at is None or now - agent.last_used_at >= _USE_RESOLUTION


def note_use(connection: Connection, agent_id: UUID) -> None:
    """Record that the agent is active."""
    table = table_of(AgentRow)
    connection.execute(sa.update(table).where(table.c.id == agent_id).values(last_used_at=read_clock(connection)))


def _one(connection: Connection, condition: sa.ColumnElement[bool]) -> AgentRecord:
    row = connection.execute(sa.select(table_of(AgentRow)).where(condition)).mappings().first()
    if row is None:
        raise NotFound("there is no agent of that name; `omniyard agent list` lists the agents")
    return _row(row)


def _row(row: Mapping[str, Any] | sa.RowMapping) -> AgentRecord:
    scopes = frozenset(row["scopes"]) if row["scopes"] is not None else None
    return AgentRecord(
        id=row["id"],
        name=row["name"],
        role=row["role"],
        created_at=row["created_at"],
        last_used_at=row["last_used_at"],
        revoked_at=row["revoked_at"],
        seal=f"{row['token_hash']}.{row['role']}.{row['session_epoch']}",
        expires_at=row["expires_at"],
        scopes=scopes,
        available=bool(row["available"]),
        away_from=row["away_from"],
        away_until=row["away_until"],
    )


def _new_token(agent_id: UUID) -> str:
    return f"oy_{agent_id.hex}_{''.join(secrets.choice(_ALPHABET) for _ in range(_SECRET_LENGTH))}"


def _checked(name: str) -> str:
    trimmed = name.strip()
    if not trimmed or len(trimmed) > _LONGEST_NAME or not trimmed.isprintable():
        raise PermanentError(f"an agent's name has 1 to {_LONGEST_NAME} printable characters")
    return trimmed


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
