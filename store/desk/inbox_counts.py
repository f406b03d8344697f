"""How many conversations wait, as the inbox of one agent shows it next to the list."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from store.conversations.lists import IS_EMERGENCY, UNRESOLVED
from store.db.bulk import among, among_bound, table_of
from store.db.plain_rows import PlainStatement, asked_ahead
from store.tables.messages import ConversationRow

_NUMBERS: Final = ("mine", "unassigned", "overdue", "emergencies")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many conversations wait.

    teams, overdue, emergencies: not resolved.  mine, unassigned: open.
    """

    statuses: Mapping[str, int]
    teams: Mapping[str, int]
    mine: int
    unassigned: int
    overdue: int
    emergencies: int = 0


def count_all(
    connection: Connection, *, agent: str, now: datetime, only_teams: Collection[str] | None = None
) -> Counts:
    """Return the counts shown next to the list. agent: counted in `mine`."""
    statuses, teams = dict.fromkeys(map(str, UNRESOLVED), 0), dict[str, int]()
    values = {"agent": agent, "now": now} | ({} if only_teams is None else {"only_teams": only_teams})
    others, found = _numbers(is_limited=only_teams is not None), _teams(connection, only_teams=only_teams)
    with asked_ahead(connection, [(others, values), *((_OF_TEAM, {"team": team}) for team in found)]):
        for team in found:
            for status, number in _OF_TEAM.rows(connection, {"team": team}):
                statuses[status] += number
                teams[team] = teams.get(team, 0) + number
        (numbers,) = others.rows(connection, values)
    named = dict(zip(_NUMBERS, numbers, strict=True))
    return Counts(statuses=statuses, teams=dict(sorted(teams.items())), **named)


def _teams(connection: Connection, *, only_teams: Collection[str] | None) -> list[str]:
    """Return the teams that have conversations, with one index lookup per team: there are few."""
    return [team for (team,) in _TEAMS.rows(connection, {}) if only_teams is None or team in only_teams]


def _every_team() -> PlainStatement:
    """Return the statement that goes from team to team."""
    columns = table_of(ConversationRow).c
    least = sa.select(sa.func.min(columns.team).label("team"))
    found = least.cte("found", recursive=True)
    following = least.where(columns.team > found.c.team).scalar_subquery()
    found = found.union_all(sa.select(following).where(found.c.team.is_not(None)))
    return PlainStatement(sa.select(found.c.team).where(found.c.team.is_not(None)))


def _of_team() -> PlainStatement:
    # Selects only these two columns, so that the index on teams alone is read.
    columns = table_of(ConversationRow).c
    theirs = sa.select(columns.status, sa.func.count()).where(
        columns.team == sa.bindparam("team"), among(columns.status, UNRESOLVED)
    )
    return PlainStatement(theirs.group_by(columns.status))


@cache
def _numbers(*, is_limited: bool) -> PlainStatement:
    """Return the statement of the other counts, `_NUMBERS`."""
    table = table_of(ConversationRow)
    columns, waiting = table.c, among(table.c.status, UNRESOLVED)
    is_open = columns.status == sa.literal_column(f"'{Status.OPEN.value}'")
    conditions = {
        "mine": (is_open, columns.assignee == sa.bindparam("agent")),
        "unassigned": (is_open, columns.assignee.is_(None)),
        "overdue": (waiting, columns.due_at < sa.bindparam("now")),
        "emergencies": (waiting, IS_EMERGENCY),
    }
    seen = (among_bound(columns.team, "only_teams"),) if is_limited else ()
    counted = sa.select(sa.func.count()).select_from(table)
    numbers = (counted.where(*conditions[name], *seen).scalar_subquery().label(name) for name in _NUMBERS)
    return PlainStatement(sa.select(*numbers))


_OF_TEAM: Final = _of_team()
_TEAMS: Final = _every_team()
