"""How many conversations wait, for all agents at once: two queries, whatever the number of agents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from store.conversations.lists import IS_UNRESOLVED, UNRESOLVED
from store.db.bulk import among, table_of
from store.tables.agents import AgentRow
from store.tables.messages import ConversationRow
from store.tables.readers import ReadMarkerRow


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingGroup:
    """The conversations of a team, a status and an agent that are not resolved. overdue: of these."""

    team: str
    status: str
    assignee: str | None
    emergency: bool
    number: int
    overdue: int


def count_waiting(connection: Connection, *, now: datetime) -> list[WaitingGroup]:
    """Return the numbers of which every agent's counts are sums."""
    columns = table_of(ConversationRow).c
    keys = (columns.team, columns.status, columns.assignee, columns.emergency)
    overdue = sa.func.count().filter(columns.due_at < now).label("overdue")
    statement = sa.select(*keys, sa.func.count().label("number"), overdue)
    waiting = statement.where(among(columns.status, UNRESOLVED), columns.merged_into.is_(None)).group_by(*keys)
    return [WaitingGroup(**row) for row in connection.execute(waiting).mappings()]


def waiting_in_teams(connection: Connection) -> dict[str, int]:
    """Return how many conversations of each team are not resolved, by the team's name."""
    columns = table_of(ConversationRow).c
    statement = sa.select(columns.team, sa.func.count()).where(IS_UNRESOLVED, columns.merged_into.is_(None))
    rows = connection.execute(statement.group_by(columns.team).order_by(columns.team))
    return {row[0]: row[1] for row in rows}


def unread_by_assignee(connection: Connection, names: Collection[str]) -> Counter[str]:
    """Return how many open conversations of each of these agents have a message that the agent has not read."""
    columns, agent, marker = (table_of(each).c for each in (ConversationRow, AgentRow, ReadMarkerRow))
    joined = sa.join(table_of(ConversationRow), table_of(AgentRow), agent.name == columns.assignee).outerjoin(
        table_of(ReadMarkerRow), sa.and_(marker.agent_id == agent.id, marker.conversation_id == columns.id)
    )
    is_open = columns.status == sa.literal_column(f"'{Status.OPEN.value}'")
    is_unread = sa.func.coalesce(marker.read_to < columns.last_message_at, sa.true())
    statement = sa.select(columns.assignee, sa.func.count()).select_from(joined)
    theirs = statement.where(is_open, among(columns.assignee, sorted(names)), is_unread).group_by(columns.assignee)
    return Counter({row[0]: row[1] for row in connection.execute(theirs)})


def views_of(groups: Sequence[WaitingGroup], *, agent: str, teams: frozenset[str] | None) -> dict[str, int]:
    """Return one agent's numbers, by the name of the view. teams: what the agent sees; None means all."""
    seen = [group for group in groups if teams is None or group.team in teams]
    views = Counter(dict.fromkeys((*map(str, UNRESOLVED), "overdue", "emergencies", "mine", "unassigned"), 0))
    for group in seen:
        views[group.status] += group.number
        views["overdue"] += group.overdue
        if group.emergency:
            views["emergencies"] += group.number
        if group.status == Status.OPEN and group.assignee is None:
            views["unassigned"] += group.number
        elif group.status == Status.OPEN and group.assignee == agent:
            views["mine"] += group.number
    return dict(views)
