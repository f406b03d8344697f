"""Which agents are available, which conversations wait for an agent, and the assignment of one to the other."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from router.errors import NotFound, PermanentError
from router.routing.assignment import SEES_ALL_ROLES, WEIGHTS, WORK_SCOPE, OnDuty, Turn
from store.conversations.assignees import may_work
from store.conversations.danger_questions import IS_POSSIBLE_DANGER
from store.db.bulk import among, among_bound, columns_of, insert_rows, table_of
from store.db.engine import read_clock
from store.db.plain_rows import PlainStatement
from store.tables.agents import AgentRow, AgentSkillRow, SkillKind
from store.tables.messages import ConversationRow

# Of one team in one pass; the oldest first, so that none waits behind a newer one.
_MOST_WAITING: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A conversation without an assignee. alarmed_at: since when no agent is there to take it.

    home_team: whose it is while a fall-back team has it; None while its own team has it.
    """

    id: UUID
    team: str
    priority: str
    language: str
    category: str | None
    channel: str
    emergency: bool
    home_team: str | None
    alarmed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """What an agent may be assigned, and whether the agent is available. chat_slots: see `AgentRow`."""

    name: str
    available: bool
    capacity: int
    skills: Mapping[SkillKind, Sequence[str]]
    away_from: datetime | None = None
    away_until: datetime | None = None
    chat_slots: int | None = None


def is_any_unassigned(connection: Connection, teams: Collection[str]) -> bool:
    """Return whether any open conversation of these teams has no assignee."""
    return bool(_any_of_teams().rows(connection, {"teams": teams}))


def lock_on_duty(connection: Connection, *, off_duty: bool = False) -> list[OnDuty]:
    """Return the available agents and their load, and lock them, so that no other process assigns to them meanwhile.

    off_duty: the agents who are not available too.
    """
    there = connection.execute(_workers(off_duty=off_duty, locked=True), {"now": read_clock(connection)})
    return _with_loads(connection, there.all())


def read_workers(connection: Connection, *, off_duty: bool) -> list[OnDuty]:
    """Return the same agents without a lock, for a page that says how many there are."""
    there = connection.execute(_workers(off_duty=off_duty, locked=False), {"now": read_clock(connection)})
    return _with_loads(connection, there.all())


@cache
def _workers(*, off_duty: bool, locked: bool) -> sa.Select[Any]:
    columns = table_of(AgentRow).c
    now = sa.bindparam("now", type_=columns.away_until.type)
    names = ("id", "name", "role", "scopes", "capacity", "chat_slots", "assigned_at")
    there = sa.select(*(columns[name] for name in names)).where(*may_work(now)).order_by(columns.id)
    there = there if off_duty else there.where(is_on_duty(now))
    return there.with_for_update() if locked else there


def _with_loads(connection: Connection, found: Sequence[sa.Row[Any]]) -> list[OnDuty]:
    rows = [row for row in found if row.scopes is None or WORK_SCOPE in row.scopes]
    skills, loads = _skills(connection, [row.id for row in rows]), _loads(connection, [row.name for row in rows])
    return [
        OnDuty(
            name=row.name,
            teams=frozenset(skills.get((row.id, SkillKind.TEAM), ())),
            languages=frozenset(skills.get((row.id, SkillKind.LANGUAGE), ())),
            categories=frozenset(skills.get((row.id, SkillKind.CATEGORY), ())),
            capacity=row.capacity,
            chat_slots=row.chat_slots,
            load=loads.get(row.name, 0),
            assigned_at=row.assigned_at,
            sees_all=row.role in SEES_ALL_ROLES,
        )
        for row in rows
    ]


def is_on_duty(now: datetime | sa.BindParameter[datetime]) -> sa.ColumnElement[bool]:
    """Return the condition that an agent takes assigned work: is available, and not absent. now: the clock."""
    columns = table_of(AgentRow).c
    is_absent = sa.and_(columns.away_until > now, sa.func.coalesce(columns.away_from <= now, sa.true()))
    return sa.and_(columns.available, sa.not_(sa.func.coalesce(is_absent, sa.false())))


def set_absence(connection: Connection, *, name: str, away_from: datetime | None, away_until: datetime | None) -> None:
    """Set when an agent is absent and gets no assigned work; None for no absence.

    Raises PermanentError when it ends before it begins.
    """
    if away_from and away_until and away_until <= away_from:
        raise PermanentError("an absence ends after it begins")
    table = table_of(AgentRow)
    statement = sa.update(table).where(table.c.name == name, table.c.revoked_at.is_(None))
    connection.execute(statement.values(away_from=away_from if away_until else None, away_until=away_until))


def take_waiting(connection: Connection, teams: Collection[str]) -> list[Waiting]:
    """Lock and return these teams' unassigned conversations by turn, then the oldest first; skip locked ones."""
    return [case for turn in Turn for team in sorted(teams) for case in _waiting(connection, team=team, turn=turn)]


def is_any_elsewhere(connection: Connection) -> bool:
    """Return whether a fall-back team has an unassigned conversation of another one."""
    return bool(_any_elsewhere().rows(connection, {}))


def take_elsewhere(connection: Connection) -> list[Waiting]:
    """Lock and return unassigned conversations that fall-back teams have, the oldest first; skip locked ones."""
    return [Waiting(**row) for row in connection.execute(_elsewhere()).mappings()]


def move_between(connection: Connection, *, moves: Mapping[UUID, str], now: datetime) -> None:
    """Move locked conversations on to another fall-back team, or back to their own."""
    if not moves:
        return
    table, team = table_of(ConversationRow), sa.bindparam("b_team", type_=table_of(ConversationRow).c.team.type)
    is_home = table.c.home_team == team
    values = {
        "team": team,
        "home_team": sa.case((is_home, None), else_=table.c.home_team),
        # At home an alarm may be raised again; elsewhere it was raised already.
        "alarmed_at": sa.case((is_home, None), else_=now),
    }
    statement = sa.update(table).where(table.c.id == sa.bindparam("b_id"))
    rows = [{"b_id": id_, "b_team": name} for id_, name in sorted(moves.items())]
    connection.execute(statement.values(**values, version=table.c.version + 1), rows)


def forget_home(connection: Connection, ids: Collection[UUID]) -> None:
    """Make the teams that conversations were moved to their own."""
    table = table_of(ConversationRow)
    if ids:
        connection.execute(sa.update(table).where(among(table.c.id, ids)).values(home_team=None))


def assign(connection: Connection, *, assignees: Mapping[UUID, str], now: datetime) -> None:
    """Assign locked conversations to agents."""
    if not assignees:
        return
    theirs: dict[str, list[UUID]] = {}
    for id_, name in assignees.items():
        theirs.setdefault(name, []).append(id_)
    # One statement an agent, not one a conversation. The conversations are locked already, in whatever order.
    for name, ids in theirs.items():
        connection.execute(_assigning(), {"b_ids": ids, "b_name": name})
    connection.execute(_noting_given(), {"b_names": [*theirs], "b_now": now})


def note_given(connection: Connection, name: str, *, now: datetime) -> None:
    """Write down that a locked agent was given work."""
    connection.execute(_noting_given(), {"b_names": [name], "b_now": now})


def note_alarms(connection: Connection, *, teams: Mapping[UUID, str], now: datetime) -> None:
    """Record that no agent is there for locked conversations, and their (new) teams."""
    if not teams:
        return
    table = table_of(ConversationRow)
    which = sa.update(table).where(table.c.id == sa.bindparam("b_id"))
    team = sa.bindparam("b_team", type_=table.c.team.type)
    home = sa.case((table.c.team == team, table.c.home_team), else_=sa.func.coalesce(table.c.home_team, table.c.team))
    moved = which.values(team=team, home_team=home, alarmed_at=now, version=table.c.version + 1)
    connection.execute(moved, [{"b_id": id_, "b_team": team} for id_, team in sorted(teams.items())])


def set_duty(
    connection: Connection,
    *,
    name: str,
    available: bool | None = None,
    capacity: int | None = None,
    chat_slots: int | None = None,
    skills: Mapping[SkillKind, Collection[str]] | None = None,
) -> Duty:
    """Change the given values of an agent's duty, and return all of it. skills: replaces those of the kinds it names.

    chat_slots: below 0 for what the chat's channel says.
    Raises NotFound when there is no such agent, or the agent was revoked.
    """
    table, skill = table_of(AgentRow), table_of(AgentSkillRow)
    statement = sa.select(table.c.id).where(table.c.name == name, table.c.revoked_at.is_(None))
    agent_id = connection.execute(statement).scalar_one_or_none()
    if agent_id is None:
        raise NotFound("there is no agent of that name; `omniyard agent list` lists the agents")
    given = (("available", available), ("capacity", capacity), ("chat_slots", chat_slots))
    values: dict[str, object] = {key: value for key, value in given if value is not None}
    if chat_slots is not None and chat_slots < 0:
        values["chat_slots"] = None
    if values:
        connection.execute(sa.update(table).where(table.c.id == agent_id).values(**values))
    for kind, wanted in (skills or {}).items():
        connection.execute(sa.delete(skill).where(skill.c.agent_id == agent_id, skill.c.kind == kind))
        rows = [{"agent_id": agent_id, "kind": kind, "value": value} for value in dict.fromkeys(wanted)]
        insert_rows(connection, AgentSkillRow, rows=rows)
    return duties(connection)[name]


def duties(connection: Connection) -> dict[str, Duty]:
    """Return the duty of every agent who is not revoked, by name."""
    columns = table_of(AgentRow).c
    names = ("id", "name", "available", "capacity", "chat_slots", "away_from", "away_until")
    statement = sa.select(*(columns[name] for name in names))
    rows = connection.execute(statement.where(columns.revoked_at.is_(None)).order_by(columns.name)).all()
    skills = _skills(connection, [row.id for row in rows])
    return {
        row.name: Duty(
            name=row.name,
            available=row.available,
            capacity=row.capacity,
            chat_slots=row.chat_slots,
            skills={kind: skills.get((row.id, kind), []) for kind in SkillKind},
            away_from=row.away_from,
            away_until=row.away_until,
        )
        for row in rows
    }


def another_agent_is_available(
    team: sa.ColumnElement[str],
    assignee: sa.ColumnElement[str | None],
    *,
    now: datetime | sa.BindParameter[datetime],
) -> sa.ColumnElement[bool]:
    """Return the condition that `assignee` is away while another agent of `team` is available."""
    agent, skill = table_of(AgentRow), table_of(AgentSkillRow)
    there = sa.and_(is_on_duty(now), *may_work(now))
    owner = sa.exists().where(agent.c.name == assignee, there)
    of_team = sa.and_(skill.c.agent_id == agent.c.id, skill.c.kind == SkillKind.TEAM, skill.c.value == team)
    another = sa.exists().where(there, of_team)
    return sa.and_(sa.not_(owner), another)


def _unassigned() -> tuple[sa.ColumnElement[bool], ...]:
    columns = table_of(ConversationRow).c
    return (columns.assignee.is_(None), _is_open())


def _is_open() -> sa.ColumnElement[bool]:
    # A literal: with a parameter the planner would not use the partial indexes.
    return table_of(ConversationRow).c.status == sa.literal_column(f"'{Status.OPEN.value}'")


# The assigner asks these at each pass: SQLAlchemy takes longer to build one than to run it.


@cache
def _any_of_teams() -> PlainStatement:
    theirs = among_bound(table_of(ConversationRow).c.team, "teams")
    return PlainStatement(sa.select(sa.literal(1)).where(*_unassigned(), theirs).limit(1))


@cache
def _any_elsewhere() -> PlainStatement:
    elsewhere = table_of(ConversationRow).c.home_team.is_not(None)
    return PlainStatement(sa.select(sa.literal(1)).where(*_unassigned(), elsewhere).limit(1))


@cache
def _elsewhere() -> sa.Select[Any]:
    elsewhere = table_of(ConversationRow).c.home_team.is_not(None)
    return _oldest(sa.select(*columns_of(ConversationRow, Waiting)).where(*_unassigned(), elsewhere))


def _oldest(statement: sa.Select[Any]) -> sa.Select[Any]:
    columns = table_of(ConversationRow).c
    return statement.order_by(columns.opened_at, columns.id).limit(_MOST_WAITING).with_for_update(skip_locked=True)


@cache
def _assigning() -> sa.Update:
    table = table_of(ConversationRow)
    unassigned = sa.update(table).where(among_bound(table.c.id, "b_ids"), table.c.assignee.is_(None))
    return unassigned.values(assignee=sa.bindparam("b_name"), alarmed_at=None, version=table.c.version + 1)


@cache
def _noting_given() -> sa.Update:
    agents = table_of(AgentRow)
    return sa.update(agents).where(among_bound(agents.c.name, "b_names")).values(assigned_at=sa.bindparam("b_now"))


def _waiting(connection: Connection, *, team: str, turn: Turn) -> list[Waiting]:
    rows = connection.execute(_waiting_in(turn), {"team": team}).mappings()
    return [Waiting(**row) for row in rows]


@cache
def _waiting_in(turn: Turn) -> sa.Select[Any]:
    columns = table_of(ConversationRow).c
    statement = sa.select(*columns_of(ConversationRow, Waiting))
    statement = statement.where(*_unassigned(), columns.team == sa.bindparam("team"))
    statement = statement.where(columns.emergency.is_(turn is Turn.EMERGENCY))
    if turn is Turn.POSSIBLE_DANGER:
        statement = statement.where(IS_POSSIBLE_DANGER)
    elif turn is Turn.REST:
        statement = statement.where(columns.possible_danger.is_(False))
    return _oldest(statement)


def _skills(connection: Connection, agent_ids: Collection[UUID]) -> dict[tuple[UUID, SkillKind], list[str]]:
    found: dict[tuple[UUID, SkillKind], list[str]] = {}
    for row in connection.execute(_skilled(), {"ids": agent_ids}):
        found.setdefault((row.agent_id, SkillKind(row.kind)), []).append(row.value)
    return found


@cache
def _skilled() -> sa.Select[Any]:
    columns = table_of(AgentSkillRow).c
    statement = sa.select(columns.agent_id, columns.kind, columns.value)
    return statement.where(among_bound(columns.agent_id, "ids")).order_by(columns.value)


def _loads(connection: Connection, names: Collection[str]) -> dict[str, int]:
    loads: dict[str, int] = {}
    for name, priority, number in connection.execute(_counted(), {"names": names}):
        loads[name] = loads.get(name, 0) + number * WEIGHTS.get(priority, WEIGHTS["normal"])
    return loads


@cache
def _counted() -> sa.Select[Any]:
    columns = table_of(ConversationRow).c
    statement = sa.select(columns.assignee, columns.priority, sa.func.count())
    theirs = statement.where(among_bound(columns.assignee, "names"), _is_open())
    return theirs.group_by(columns.assignee, columns.priority)
