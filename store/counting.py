"""How many conversations wait: beside the list, by status, team and clock."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.conversations.lists import IS_EMERGENCY, UNRESOLVED, seen_by_teams
from store.db.bulk import among, table_of
from store.tables.messages import Conversation, Status


def count_unresolved(connection: Connection, *, only_teams: Collection[str] | None = None) -> dict[Status, int]:
    """Return how many conversations wait in each status that is not the end."""
    columns = table_of(Conversation).c
    statement = sa.select(columns.status, sa.func.count()).where(
        among(columns.status, UNRESOLVED), *seen_by_teams(only_teams)
    )
    counts = {Status(row[0]): row[1] for row in connection.execute(statement.group_by(columns.status))}
    return {status: counts.get(status, 0) for status in UNRESOLVED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much of what waits.

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
    """Return the counts that stand beside the list. agent: whose `mine` is."""
    columns, seen = table_of(Conversation).c, seen_by_teams(only_teams)
    waiting = among(columns.status, UNRESOLVED)
    statuses, teams = dict.fromkeys(map(str, UNRESOLVED), 0), dict[str, int]()
    for team in _teams(connection, only_teams=only_teams):
        # Both named, so that the index of teams alone is read.
        theirs = sa.select(columns.status, sa.func.count()).where(columns.team == team, waiting)
        for status, number in connection.execute(theirs.group_by(columns.status)):
            statuses[status] += number
            teams[team] = teams.get(team, 0) + number
    is_open = columns.status == sa.literal_column(f"'{Status.OPEN.value}'")
    return Counts(
        statuses=statuses,
        teams=dict(sorted(teams.items())),
        mine=_number(connection, is_open, columns.assignee == agent, *seen),
        unassigned=_number(connection, is_open, columns.assignee.is_(None), *seen),
        overdue=_number(connection, waiting, columns.due_at < now, *seen),
        emergencies=_number(connection, waiting, IS_EMERGENCY, *seen),
    )


def _teams(connection: Connection, *, only_teams: Collection[str] | None) -> list[str]:
    """Return the teams that have conversations, each found by one look into the index: they are few."""
    column = table_of(Conversation).c.team
    found: list[str] = []
    first = connection.execute(sa.select(sa.func.min(column))).scalar()
    while first is not None:
        found.append(first)
        first = connection.execute(sa.select(sa.func.min(column)).where(column > first)).scalar()
    return [team for team in found if only_teams is None or team in only_teams]


def _number(connection: Connection, *conditions: sa.ColumnElement[bool]) -> int:
    statement = sa.select(sa.func.count()).select_from(table_of(Conversation)).where(*conditions)
    return int(connection.execute(statement).scalar_one())
