"""How many conversations wait, as the inbox of one agent shows it next to the list."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from store.conversations.lists import IS_EMERGENCY, IS_UNRESOLVED, UNRESOLVED
from store.db.bulk import among_bound, table_of, unindexed
from store.db.plain_rows import PlainStatement, Question
from store.tables.messages import ConversationRow

_NUMBERS: Final = ("mine", "unassigned", "overdue", "emergencies")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many conversations wait.

    teams, overdue, emergencies: not resolved.  mine, unassigned, open_in: open; the last of each team.
    """

    statuses: Mapping[str, int]
    teams: Mapping[str, int]
    open_in: Mapping[str, int]
    mine: int
    unassigned: int
    overdue: int
    emergencies: int = 0


def count_all(
    connection: Connection, *, agent: str, now: datetime, only_teams: Collection[str] | None = None
) -> Counts:
    """Return the counts shown next to the list. agent: counted in `mine`."""
    statement, values = asked_counts(agent=agent, now=now, only_teams=only_teams)
    statuses = dict.fromkeys(map(str, UNRESOLVED), 0)
    teams: dict[str, int] = {}
    open_in: dict[str, int] = {}
    numbers = dict.fromkeys(_NUMBERS, 0)
    for team, status, number, *others in statement.rows(connection, values):
        statuses[status] += number
        teams[team] = teams.get(team, 0) + number
        if status == Status.OPEN:
            open_in[team] = number
        for name, other in zip(_NUMBERS, others, strict=True):
            numbers[name] += other
    return Counts(statuses=statuses, teams=dict(sorted(teams.items())), open_in=open_in, **numbers)


def asked_counts(*, agent: str, now: datetime, only_teams: Collection[str] | None) -> Question:
    """Return what `count_all` asks, for `asked_ahead`."""
    values = {"agent": agent, "now": now} | ({} if only_teams is None else {"only_teams": only_teams})
    return _counted(is_limited=only_teams is not None), values


@cache
def _counted(*, is_limited: bool) -> PlainStatement:
    """Return the statement: a team, a status, their number, and `_NUMBERS` of them.

    It reads one small index, once: that of what is not resolved, which has each of these columns.
    """
    columns = table_of(ConversationRow).c
    is_open = columns.status == sa.literal_column(f"'{Status.OPEN.value}'")
    conditions = {
        "mine": sa.and_(is_open, columns.assignee == sa.bindparam("agent")),
        "unassigned": sa.and_(is_open, columns.assignee.is_(None)),
        "overdue": columns.due_at < sa.bindparam("now"),
        "emergencies": IS_EMERGENCY,
    }
    numbers = (sa.func.count().filter(conditions[name]) for name in _NUMBERS)
    # Without statistics SQLite would read the whole index that has teams and statuses in order.
    team, status = unindexed(columns.team), unindexed(columns.status)
    chosen: list[sa.ColumnElement[Any]] = [team, status, sa.func.count(), *numbers]
    statement = sa.select(*chosen).where(IS_UNRESOLVED)
    if is_limited:
        statement = statement.where(among_bound(team, "only_teams"))
    return PlainStatement(statement.group_by(team, status))
