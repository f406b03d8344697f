"""Who may have a conversation, and the return of conversations whose assignee may not have them any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from router.errors import NotFound, PermanentError
from router.reason import Reason, ReasonKey
from router.routing.assignment import SEES_ALL_ROLES, WORKING_ROLES, Assignee
from store.db.bulk import among, table_of
from store.db.engine import read_clock
from store.events.append import EventKind, NewEvent, append_events
from store.tables.agents import AgentRow, AgentSkillRow, SkillKind
from store.tables.messages import ConversationRow

# Of one pass; the next pass takes the rest.
_MOST: Final = 500


@dataclass(frozen=True, slots=True)
class Released:
    """A conversation that is back in its queue. why: what ended."""

    conversation_id: UUID
    team: str
    assignee: str
    why: Reason

    def event(self, *, at: datetime) -> NewEvent:
        """Return the event of its return."""
        payload = {"assignee": None, "from": self.assignee, "team": self.team, "why": self.why.to_json()}
        return NewEvent(EventKind.CONVERSATION_ASSIGNED, self.conversation_id, payload, at=at)


def may_work(now: datetime | sa.BindParameter[datetime]) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions of an agent's row for work; the scopes of a token are not among them. now: the clock."""
    columns = table_of(AgentRow).c
    return (_in_force(now), columns.role.in_(sorted(WORKING_ROLES)))


def _in_force(now: datetime | sa.BindParameter[datetime]) -> sa.ColumnElement[bool]:
    columns = table_of(AgentRow).c
    valid = sa.or_(columns.expires_at.is_(None), columns.expires_at > now, columns.previous_until > now)
    return sa.and_(columns.revoked_at.is_(None), sa.func.coalesce(valid, sa.false()))


def assignees(connection: Connection) -> dict[str, Assignee]:
    """Return every agent that ever was, by name."""
    teams: dict[UUID, set[str]] = {}
    for row in connection.execute(_teams()):
        teams.setdefault(row.agent_id, set()).add(row.value)
    found = connection.execute(_all_agents(), {"now": read_clock(connection)})
    return {
        row.name: Assignee(
            name=row.name,
            role=row.role,
            in_force=bool(row.in_force),
            teams=frozenset(teams.get(row.id, ())),
            scopes=frozenset(row.scopes) if row.scopes is not None else None,
        )
        for row in found
    }


# Each pass of the assigner asks both.


@cache
def _teams() -> sa.Select[Any]:
    skill = table_of(AgentSkillRow).c
    return sa.select(skill.agent_id, skill.value).where(skill.kind == SkillKind.TEAM)


@cache
def _all_agents() -> sa.Select[Any]:
    agent = table_of(AgentRow).c
    in_force = _in_force(sa.bindparam("now", type_=agent.expires_at.type)).label("in_force")
    return sa.select(agent.id, agent.name, agent.role, agent.scopes, in_force)


def require_assignee(connection: Connection, name: str, *, team: str) -> None:
    """Raise NotFound if there is no agent of this name in force, PermanentError if the agent may not have the case."""
    known = assignees(connection).get(name)
    if known is None or not known.in_force:
        raise NotFound(f"there is no agent named {name}")
    refused = known.refusal(team)
    if refused and refused.key == ReasonKey.AGENT_MAY_NOT_WORK:
        raise PermanentError(f"{name} may not work on conversations; expected an agent who may")
    if refused:
        raise PermanentError(f"{name} does not see the team {team}; expected an agent who does")


def is_assignable(connection: Connection, name: str, *, team: str) -> bool:
    """Return whether the agent may have a conversation of the team."""
    known = assignees(connection).get(name)
    return known is not None and known.refusal(team) is None


def find_stranded(connection: Connection) -> bool:
    """Return whether any unresolved conversation has an assignee who may not have it."""
    return bool(_stranded(connection, agents=assignees(connection), limit=1))


def release_stranded(connection: Connection) -> list[Released]:
    """Return conversations to their queues whose assignee may not have them any more; with an event for each."""
    table, agents = table_of(ConversationRow), assignees(connection)
    ids = [row.id for row in _stranded(connection, agents=agents, limit=_MOST)]
    if not ids:
        return []
    locked = sa.select(table.c.id, table.c.team, table.c.assignee).where(among(table.c.id, ids)).order_by(table.c.id)
    released = []
    for row in connection.execute(locked.with_for_update(skip_locked=True)).all():
        why = agents[row.assignee].refusal(row.team) if row.assignee in agents else None
        if why:
            released.append(Released(row.id, row.team, row.assignee, why))
    which = sa.update(table).where(among(table.c.id, [each.conversation_id for each in released]))
    connection.execute(which.values(assignee=None, alarmed_at=None, version=table.c.version + 1))
    now = read_clock(connection)
    append_events(connection, [each.event(at=now) for each in released])
    return released


def _stranded(connection: Connection, *, agents: Mapping[str, Assignee], limit: int) -> Sequence[Any]:
    """Return conversations by the index on assignees: of those who ended all, of those with teams other teams'."""
    table = table_of(ConversationRow)
    unresolved = (among(table.c.status, [each for each in Status if each != Status.RESOLVED]),)
    statement = sa.select(table.c.id, table.c.team, table.c.assignee).where(table.c.assignee.is_not(None), *unresolved)
    ended = [each.name for each in agents.values() if not each.in_force or each.refusal(next(iter(each.teams), ""))]
    wrong = [among(table.c.assignee, ended)] if ended else []
    for teams, names in _by_teams(agents).items():
        wrong.append(sa.and_(among(table.c.assignee, names), table.c.team.not_in(sorted(teams))))
    return connection.execute(statement.where(sa.or_(*wrong)).limit(limit)).all() if wrong else []


def _by_teams(agents: Mapping[str, Assignee]) -> dict[frozenset[str], list[str]]:
    found: dict[frozenset[str], list[str]] = {}
    for each in agents.values():
        if each.in_force and each.teams and each.role not in SEES_ALL_ROLES:
            found.setdefault(each.teams, []).append(each.name)
    return found
