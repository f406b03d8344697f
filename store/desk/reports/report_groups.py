"""The supervisor's comparison by team, agent, channel or category: a fixed number of aggregate queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from router.event_kinds import EventKind
from store.db.bulk import table_of
from store.db.ids import first_id_at
from store.db.sql_functions import seconds_between
from store.desk.false_alarms import is_counted
from store.tables.case_records import IS_GIVEN, RatingRow
from store.tables.desk import NoticeKind, SlaNoticeRow
from store.tables.emergencies import EmergencyRow
from store.tables.messages import ConversationRow
from store.tables.operations import EventRow

_QUANTILES: Final = (0.5, 0.9)
# Of a desk with more groups, such as agents of many years, the busiest.
_MOST_GROUPS: Final = 200


class GroupBy(StrEnum):
    """What the rows of the comparison are."""

    TEAM = "team"
    AGENT = "agent"
    CHANNEL = "channel"
    CATEGORY = "category"


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From `since` until before `until`, aware UTC; of one team or channel if they are named."""

    since: datetime
    until: datetime
    team: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFigures:
    """The figures of one group. name: empty for no agent or no category.

    opened: conversations.  promised, broken: those with a promise, and those in which one was broken.
    reply_median, reply_ninetieth, resolve_median: seconds; None without one.
    resolved, reopened: how often.  called, confirmed, released: emergencies.  ratings, stars: CSAT, their sum.
    """

    name: str
    opened: int = 0
    promised: int = 0
    broken: int = 0
    replied: int = 0
    reply_median: float | None = None
    reply_ninetieth: float | None = None
    resolved: int = 0
    resolve_median: float | None = None
    reopened: int = 0
    called: int = 0
    confirmed: int = 0
    released: int = 0
    ratings: int = 0
    stars: int = 0


def read_groups(connection: Connection, period: Period, *, by: GroupBy | None) -> list[GroupFigures]:
    """Return the groups, the busiest first; with `by` None one row for all of them."""
    found: dict[str, dict[str, Any]] = {}
    for part in (_counts, _replies, _closings, _emergencies, _ratings):
        for row in connection.execute(part(period, _named(by))).mappings():
            values = dict(row)
            found.setdefault(str(values.pop("name") or ""), {}).update(values)
    groups = [GroupFigures(name=name, **_plain(values)) for name, values in found.items()]
    return sorted(groups, key=lambda each: (-each.opened, each.name))[:_MOST_GROUPS]


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    times = ("reply_median", "reply_ninetieth", "resolve_median")
    counts = {name: int(value or 0) for name, value in values.items() if name not in times}
    return counts | {name: None if values[name] is None else float(values[name]) for name in times if name in values}


def _named(by: GroupBy | None) -> sa.ColumnElement[Any]:
    columns = table_of(ConversationRow).c
    if by is None:
        return sa.literal("").label("name")
    column = columns.assignee if by is GroupBy.AGENT else columns[by.value]
    return sa.func.coalesce(column, "").label("name")


def of_period(period: Period) -> list[sa.ColumnElement[bool]]:
    """Return the conditions of the period's team and channel."""
    columns = table_of(ConversationRow).c
    chosen = ((columns.team, period.team), (columns.channel, period.channel))
    return [column == value for column, value in chosen if value]


def _opened(period: Period) -> list[sa.ColumnElement[bool]]:
    column = table_of(ConversationRow).c.opened_at
    return [column >= period.since, column < period.until, *of_period(period)]


def _counts(period: Period, name: sa.ColumnElement[Any]) -> sa.Select[Any]:
    columns, notice = table_of(ConversationRow).c, table_of(SlaNoticeRow).c
    breach = sa.exists().where(notice.conversation_id == columns.id, notice.kind == NoticeKind.BREACH.value)
    promised = sa.func.count(columns.sla).label("promised")
    broken = sa.func.sum(sa.case((sa.and_(columns.sla.is_not(None), breach), 1), else_=0)).label("broken")
    counted = sa.select(name, sa.func.count().label("opened"), promised, broken)
    return counted.where(*_opened(period)).group_by(sa.literal_column("1"))


def _replies(period: Period, name: sa.ColumnElement[Any]) -> sa.Select[Any]:
    columns = table_of(ConversationRow).c
    taken = sa.select(name, seconds_between(columns.opened_at, columns.replied_at).label("seconds"))
    rows = taken.where(*_opened(period), columns.replied_at.is_not(None)).subquery()
    return _ranked(rows, number="replied", quantiles=("reply_median", "reply_ninetieth"))


def _closings(period: Period, name: sa.ColumnElement[Any]) -> sa.Select[Any]:
    columns, event = table_of(ConversationRow).c, table_of(EventRow)
    to, before = event.c.payload["to"].as_string(), event.c.payload["from"].as_string()
    of_period_events = (
        event.c.kind == EventKind.CONVERSATION_STATUS_CHANGED.value,
        # Ids are in the order of time, and the events have no index of their own for it.
        *(event.c.id >= first_id_at(period.since), event.c.id < first_id_at(period.until)),
    )
    rows = (
        sa.select(
            name,
            sa.case((to == Status.RESOLVED, seconds_between(columns.opened_at, event.c.at))).label("seconds"),
            sa.case((before == Status.RESOLVED, 1), else_=0).label("reopened"),
        )
        .join_from(event, table_of(ConversationRow), columns.id == event.c.conversation_id)
        .where(*of_period_events, *of_period(period))
        .subquery()
    )
    return _ranked(rows, number="resolved", quantiles=("resolve_median",), more=(rows.c.reopened,))


def _emergencies(period: Period, name: sa.ColumnElement[Any]) -> sa.Select[Any]:
    emergency, case = table_of(EmergencyRow), table_of(ConversationRow)
    verdicts = (
        sa.func.sum(sa.case((emergency.c.confirmed == said, 1), else_=0)).label(label)
        for said, label in ((sa.true(), "confirmed"), (sa.false(), "released"))
    )
    counted = sa.select(name, sa.func.count().label("called"), *verdicts)
    joined = counted.join_from(emergency, case, case.c.id == emergency.c.conversation_id)
    within = (emergency.c.at >= period.since, emergency.c.at < period.until, is_counted())
    return joined.where(*within, *of_period(period)).group_by(sa.literal_column("1"))


def _ratings(period: Period, name: sa.ColumnElement[Any]) -> sa.Select[Any]:
    rating, case = table_of(RatingRow), table_of(ConversationRow)
    counted = sa.select(name, sa.func.count().label("ratings"), sa.func.sum(rating.c.score).label("stars"))
    joined = counted.join_from(rating, case, case.c.id == rating.c.conversation_id)
    within = (IS_GIVEN, rating.c.rated_at >= period.since, rating.c.rated_at < period.until)
    return joined.where(*within, *of_period(period)).group_by(sa.literal_column("1"))


def _ranked(
    rows: sa.Subquery, *, number: str, quantiles: tuple[str, ...], more: tuple[sa.ColumnElement[Any], ...] = ()
) -> sa.Select[Any]:
    """Return the quantiles of `seconds` by name, by nearest rank, which both databases can compute.

    rows: with `name` and `seconds`, which may be null.  number: the label of the count.  more: columns to add up.
    """
    # Rows without seconds come last in no order that matters: the count leaves them out.
    order = (rows.c.seconds.is_(None), rows.c.seconds)
    place = sa.func.row_number().over(partition_by=rows.c.name, order_by=order).label("place")
    count = sa.func.count(rows.c.seconds).over(partition_by=rows.c.name).label("number")
    ranked = sa.select(*rows.c, place, count).subquery()
    found = (
        sa.func.min(sa.case((ranked.c.place >= share * ranked.c.number, ranked.c.seconds))).label(label)
        for share, label in zip(_QUANTILES, quantiles, strict=False)
    )
    sums = (sa.func.sum(ranked.c[column.name]).label(column.name) for column in more)
    statement = sa.select(ranked.c.name, sa.func.max(ranked.c.number).label(number), *found, *sums)
    return statement.group_by(ranked.c.name)
