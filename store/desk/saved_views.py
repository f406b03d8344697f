"""Lists that agents keep under a name, for themselves or for their team."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.errors import Conflict, NotFound
from store.db.bulk import among, among_bound, insert_rows, table_of
from store.db.engine import read_clock
from store.db.ids import new_id
from store.db.plain_rows import KnownRows, PlainStatement, Question
from store.tables.agents import SavedViewRow

# Each is counted with every page of the list.
MOST_VIEWS: Final = 12
_COLUMNS: Final = ("id", "name", "team", "query", "made_by")
# Of all agents and teams at work.
_REMEMBERED: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedView:
    """A list under a name. team: whose it is; None for one agent's own.  query: of the list's URL."""

    id: UUID
    name: str
    team: str | None
    query: str
    made_by: str


def views_of(connection: Connection, *, agent_id: UUID, teams: Collection[str] | None) -> list[SavedView]:
    """Return an agent's own views, then those of the teams. teams: None means all."""
    statement, values = seen_views(agent_id=agent_id, teams=teams)
    return _KNOWN_VIEWS(connection, statement.rows(connection, values))


def seen_views(*, agent_id: UUID, teams: Collection[str] | None) -> Question:
    """Return the question of `views_of`."""
    values = {"agent": agent_id} | ({} if teams is None else {"teams": teams})
    return _views(is_limited=teams is not None), values


@cache
def _views(*, is_limited: bool) -> PlainStatement:
    table = table_of(SavedViewRow)
    shared = among_bound(table.c.team, "teams") if is_limited else table.c.team.is_not(None)
    statement = sa.select(*(table.c[name] for name in _COLUMNS))
    statement = statement.where(sa.or_(table.c.agent_id == sa.bindparam("agent"), shared))
    ordered = statement.order_by(table.c.team.is_not(None), table.c.team, table.c.name, table.c.id)
    return PlainStatement(ordered.limit(MOST_VIEWS))


_KNOWN_VIEWS: Final = KnownRows(
    [table_of(SavedViewRow).c[name].type for name in _COLUMNS],
    lambda row: SavedView(**dict(zip(_COLUMNS, row, strict=True))),
    most=_REMEMBERED,
)


def add_view(connection: Connection, *, agent_id: UUID, by: str, name: str, team: str | None, query: str) -> UUID:
    """Keep a list. team: shares it with the team; None for the agent alone.

    Raises Conflict when the agent, or the team, has as many views as a page shows.
    """
    table = table_of(SavedViewRow)
    owner = table.c.agent_id == agent_id if team is None else table.c.team == team
    number = connection.execute(sa.select(sa.func.count()).select_from(table).where(owner)).scalar_one()
    if number >= MOST_VIEWS:
        raise Conflict(f"there are {MOST_VIEWS} views already; delete one first")
    row = {"id": new_id(), "agent_id": None if team else agent_id, "team": team, "name": name, "query": query}
    insert_rows(connection, SavedViewRow, rows=[row | {"made_by": by, "created_at": read_clock(connection)}])
    return UUID(str(row["id"]))


def change_view(
    connection: Connection,
    view_id: UUID,
    *,
    agent_id: UUID,
    teams: Collection[str] | None,
    name: str | None = None,
    query: str | None = None,
) -> None:
    """Change the name or the query of a view of the agent, or of one of the teams.

    Raises NotFound when there is none. teams: None means all.
    """
    table = table_of(SavedViewRow)
    shared = table.c.team.is_not(None) if teams is None else among(table.c.team, teams)
    statement = sa.update(table).where(table.c.id == view_id, sa.or_(table.c.agent_id == agent_id, shared))
    changes = {"name": table.c.name if name is None else name, "query": table.c.query if query is None else query}
    if not connection.execute(statement.values(**changes)).rowcount:
        raise NotFound("there is no view with that id")


def delete_view(connection: Connection, view_id: UUID, *, agent_id: UUID, teams: Collection[str] | None) -> None:
    """Delete a view of the agent, or of one of the teams.

    Raises NotFound when there is none. teams: None means all.
    """
    table = table_of(SavedViewRow)
    shared = table.c.team.is_not(None) if teams is None else among(table.c.team, teams)
    statement = sa.delete(table).where(table.c.id == view_id, sa.or_(table.c.agent_id == agent_id, shared))
    if not connection.execute(statement).rowcount:
        raise NotFound("there is no view with that id")
