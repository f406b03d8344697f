"""The supervisor's report on a period, with a fixed number of aggregate queries for any number of conversations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from store.db.bulk import table_of
from store.desk.false_alarms import FalseAlarms, count_false_alarms, is_counted
from store.tables.agents import AgentRow
from store.tables.desk import GateTallyRow, NoticeKind, SlaNoticeRow
from store.tables.emergencies import EmergencyRow
from store.tables.messages import ConversationRow

_QUANTILES: Final = (0.5, 0.9)
# The report lists at most so many agents.
_MOST_AGENTS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """How many conversations were opened in one hour. hour: "2026-11-20 04", UTC.  category: None if unknown."""

    hour: str
    channel: str
    category: str | None
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyTimes:
    """Seconds until the first answer of an agent, of answered conversations. channel: empty means all channels."""

    channel: str
    replied: int
    median: float
    ninetieth: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Promises:
    """Conversations with one SLA, and in how many of them it was breached."""

    sla: str
    number: int
    broken: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One agent's assigned conversations."""

    name: str
    available: bool
    capacity: int
    open: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Insight:
    """The whole report. called, confirmed, released: the emergencies, and the agents' verdicts on them.

    held, let_in: messages that waited because a channel was closed, and those that the second check released.
    """

    volumes: Sequence[Volume]
    reply_times: Sequence[ReplyTimes]
    promises: Sequence[Promises]
    called: int
    confirmed: int
    released: int
    held: int
    let_in: int
    alarms: FalseAlarms
    load: Sequence[Load]


def read_insight(connection: Connection, *, since: datetime, until: datetime) -> Insight:
    """Return the report on the period from `since` until before `until`."""
    called, confirmed, released = _emergencies(connection, since=since, until=until)
    held, let_in = _gate(connection, since=since, until=until)
    return Insight(
        volumes=_volumes(connection, since=since, until=until),
        reply_times=_reply_times(connection, since=since, until=until),
        promises=_promises(connection, since=since, until=until),
        called=called,
        confirmed=confirmed,
        released=released,
        held=held,
        let_in=let_in,
        alarms=count_false_alarms(connection, since=since, until=until),
        load=_load(connection),
    )


def _opened(since: datetime, until: datetime) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    column = table_of(ConversationRow).c.opened_at
    return column >= since, column < until


def _volumes(connection: Connection, *, since: datetime, until: datetime) -> list[Volume]:
    columns = table_of(ConversationRow).c
    if connection.dialect.name == "sqlite":
        hour: sa.ColumnElement[Any] = sa.func.strftime("%Y-%m-%d %H", columns.opened_at)
    else:
        hour = sa.func.to_char(sa.func.timezone("UTC", columns.opened_at), "YYYY-MM-DD HH24")
    counted = sa.select(hour.label("hour"), columns.channel, columns.category, sa.func.count().label("number"))
    grouped = counted.where(*_opened(since, until)).group_by(sa.literal_column("1"), columns.channel, columns.category)
    return [Volume(**row) for row in connection.execute(grouped).mappings()]


def _reply_times(connection: Connection, *, since: datetime, until: datetime) -> list[ReplyTimes]:
    columns = table_of(ConversationRow).c
    if connection.dialect.name == "sqlite":
        taken: sa.ColumnElement[Any] = (
            sa.func.julianday(columns.replied_at) - sa.func.julianday(columns.opened_at)
        ) * 86400.0
    else:
        taken = sa.func.extract("epoch", columns.replied_at - columns.opened_at)
    replied = sa.select(columns.channel, taken.label("seconds")).where(
        *_opened(since, until), columns.replied_at.is_not(None)
    )
    found = [*_ranked(connection, replied, per_channel=False), *_ranked(connection, replied, per_channel=True)]
    return [ReplyTimes(**values) for values in found]


def _ranked(connection: Connection, replied: sa.Select[Any], *, per_channel: bool) -> list[dict[str, Any]]:
    """Return the quantiles, for all or by channel: by nearest rank, which both databases can compute."""
    rows = replied.subquery()
    channel: sa.ColumnElement[Any] = rows.c.channel if per_channel else sa.literal("")
    place = sa.func.row_number().over(partition_by=channel, order_by=rows.c.seconds).label("place")
    number = sa.func.count().over(partition_by=channel).label("number")
    ranked = sa.select(channel.label("channel"), rows.c.seconds, place, number).subquery()
    median, ninetieth = (
        sa.func.min(sa.case((ranked.c.place >= share * ranked.c.number, ranked.c.seconds))) for share in _QUANTILES
    )
    replies = sa.func.max(ranked.c.number).label("replied")
    statement = sa.select(ranked.c.channel, replies, median.label("median"), ninetieth.label("ninetieth"))
    grouped = statement.group_by(ranked.c.channel).order_by(ranked.c.channel)
    found = [dict(row) for row in connection.execute(grouped).mappings()]
    return [row | {"median": float(row["median"]), "ninetieth": float(row["ninetieth"])} for row in found]


def _promises(connection: Connection, *, since: datetime, until: datetime) -> list[Promises]:
    columns, notice = table_of(ConversationRow).c, table_of(SlaNoticeRow).c
    breach = sa.exists().where(notice.conversation_id == columns.id, notice.kind == NoticeKind.BREACH.value)
    broken = sa.func.sum(sa.case((breach, 1), else_=0))
    statement = sa.select(columns.sla, sa.func.count(), broken).where(*_opened(since, until), columns.sla.is_not(None))
    grouped = statement.group_by(columns.sla).order_by(columns.sla)
    return [Promises(sla=row[0], number=row[1], broken=int(row[2] or 0)) for row in connection.execute(grouped)]


def _emergencies(connection: Connection, *, since: datetime, until: datetime) -> tuple[int, int, int]:
    columns = table_of(EmergencyRow).c
    found = (sa.func.sum(sa.case((columns.confirmed == verdict, 1), else_=0)) for verdict in (sa.true(), sa.false()))
    statement = sa.select(sa.func.count(), *found).where(columns.at >= since, columns.at < until, is_counted())
    called, confirmed, released = connection.execute(statement).one()
    return int(called), int(confirmed or 0), int(released or 0)


def _gate(connection: Connection, *, since: datetime, until: datetime) -> tuple[int, int]:
    columns = table_of(GateTallyRow).c
    statement = sa.select(sa.func.sum(columns.held), sa.func.sum(columns.released))
    held, let_in = connection.execute(statement.where(columns.at >= since, columns.at < until)).one()
    return int(held or 0), int(let_in or 0)


def _load(connection: Connection) -> list[Load]:
    conversation, agent = table_of(ConversationRow).c, table_of(AgentRow).c
    # A literal: with a parameter the planner would not use the partial index.
    is_open = conversation.status == sa.literal_column(f"'{Status.OPEN.value}'")
    counted = sa.select(conversation.assignee, sa.func.count()).where(is_open, conversation.assignee.is_not(None))
    has: Mapping[str, int] = {row[0]: row[1] for row in connection.execute(counted.group_by(conversation.assignee))}
    agents = sa.select(agent.name, agent.available, agent.capacity).where(agent.revoked_at.is_(None))
    rows = connection.execute(agents.order_by(agent.name).limit(_MOST_AGENTS)).mappings()
    return [Load(**row, open=has.get(row["name"], 0)) for row in rows]
