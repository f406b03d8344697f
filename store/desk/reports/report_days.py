"""The supervisor's figures by day and hour: the backlog with its age, first replies, and when cases arrive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from router.event_kinds import EventKind
from store.db.bulk import among, table_of
from store.db.ids import first_id_at
from store.desk.reports.report_groups import Period, of_period
from store.tables.messages import ConversationRow
from store.tables.operations import EventRow

# Up to this age a case belongs to the first, second and third band; older ones to the fourth.
AGES: Final = (timedelta(days=1), timedelta(days=3), timedelta(days=7))
# A page of a large desk's quarter; what is beyond is left out, and the page says so.
_MOST_ROWS: Final = 200_000
_UNRESOLVED: Final = tuple(status for status in Status if status != Status.RESOLVED)


@dataclass(frozen=True, slots=True)
class _Span:
    """A time in which a case was not resolved. opened_at: the case's."""

    opened_at: datetime
    begin: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigures:
    """One day in the desk's zone. backlog: unresolved cases at its end, by age.  median, ninetieth: first replies."""

    day: date
    backlog: tuple[int, int, int, int]
    replied: int = 0
    median: float | None = None
    ninetieth: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """hours: by weekday (Monday first) and hour, how many cases were opened.  cut: not all rows were read."""

    days: Sequence[DayFigures]
    hours: Sequence[Sequence[int]]
    cut: bool = False


def read_days(connection: Connection, period: Period, *, zone: ZoneInfo, now: datetime) -> Days:
    """Return the figures of every day of the period. now: the database's clock."""
    days = _days(period, zone)
    spans, cut = _spans(connection, period)
    backlog = _backlog(spans, ends=[min(_end(day, zone), now) for day in days])
    opened = _opened(connection, period)
    replies: dict[date, list[float]] = {}
    hours = [[0] * 24 for _ in range(7)]
    for row in opened:
        local = row.opened_at.astimezone(zone)
        hours[local.weekday()][local.hour] += 1
        if row.replied_at is not None:
            replies.setdefault(local.date(), []).append((row.replied_at - row.opened_at).total_seconds())
    figures = [_of_day(day, at_end, sorted(replies.get(day, ()))) for day, at_end in zip(days, backlog, strict=True)]
    return Days(days=figures, hours=hours, cut=cut or len(opened) == _MOST_ROWS)


def _of_day(day: date, backlog: tuple[int, int, int, int], taken: Sequence[float]) -> DayFigures:
    def rank(share: float) -> float | None:
        # The nearest rank, as in the other figures.
        return taken[max(0, -int(-share * len(taken) // 1) - 1)] if taken else None

    return DayFigures(day=day, backlog=backlog, replied=len(taken), median=rank(0.5), ninetieth=rank(0.9))


def _days(period: Period, zone: ZoneInfo) -> list[date]:
    first = period.since.astimezone(zone).date()
    last = (period.until - timedelta(microseconds=1)).astimezone(zone).date()
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _end(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), zone)


def _opened(connection: Connection, period: Period) -> Sequence[Any]:
    columns = table_of(ConversationRow).c
    within = (columns.opened_at >= period.since, columns.opened_at < period.until, *of_period(period))
    statement = sa.select(columns.opened_at, columns.replied_at).where(*within)
    return connection.execute(statement.order_by(columns.opened_at.desc()).limit(_MOST_ROWS)).all()


def _spans(connection: Connection, period: Period) -> tuple[list[_Span], bool]:
    """Return when cases were not resolved, from the changes of the period backwards; and whether rows were left out."""
    changes = _changes(connection, period)
    columns = table_of(ConversationRow).c
    found = [span for _, rows in groupby(changes, key=attrgetter("conversation_id")) for span in _walk(list(rows))]
    changed = {row.conversation_id for row in changes}
    # What is not resolved now, and has not changed in the period, was not resolved all the time.
    statement = sa.select(columns.id, columns.opened_at).where(
        among(columns.status, _UNRESOLVED), columns.opened_at < period.until, *of_period(period)
    )
    rows = connection.execute(statement.limit(_MOST_ROWS)).all()
    found += [_Span(row.opened_at, row.opened_at, None) for row in rows if row.id not in changed]
    return found, len(changes) == _MOST_ROWS or len(rows) == _MOST_ROWS


def _changes(connection: Connection, period: Period) -> Sequence[Any]:
    """Return the changes of status since the period began, by case and time, with the case as it is now."""
    event, case = table_of(EventRow), table_of(ConversationRow)
    statement = (
        sa.select(
            event.c.conversation_id,
            event.c.at,
            event.c.payload["from"].as_string().label("before"),
            event.c.payload["to"].as_string().label("after"),
            *(case.c[name] for name in ("opened_at", "status", "last_message_at")),
        )
        .join_from(event, case, case.c.id == event.c.conversation_id)
        .where(event.c.kind == EventKind.CONVERSATION_STATUS_CHANGED.value, event.c.id >= first_id_at(period.since))
        .where(*of_period(period))
    )
    return connection.execute(statement.order_by(event.c.conversation_id, event.c.at).limit(_MOST_ROWS)).all()


def _walk(changes: Sequence[Any]) -> Iterator[_Span]:
    """Yield a case's unresolved times. changes: its changes of status, in order."""
    first, last = changes[0], changes[-1]
    begin = first.opened_at if first.before != Status.RESOLVED else None
    for row in changes:
        if row.after == Status.RESOLVED and begin is not None:
            yield _Span(first.opened_at, begin, row.at)
            begin = None
        elif row.after != Status.RESOLVED and begin is None:
            begin = row.at
    if last.status != Status.RESOLVED:
        # A customer's message opens a case again without an event of its own.
        yield _Span(first.opened_at, begin or max(last.at, last.last_message_at), None)
    elif begin is not None:
        yield _Span(first.opened_at, begin, last.at)


def _backlog(spans: Sequence[_Span], *, ends: Sequence[datetime]) -> list[tuple[int, int, int, int]]:
    counts = [[0] * (len(AGES) + 1) for _ in ends]
    for span in spans:
        for place, end in enumerate(ends):
            if span.begin < end and (span.end is None or span.end >= end):
                age = end - span.opened_at
                counts[place][sum(age > limit for limit in AGES)] += 1
    return [(one, two, three, four) for one, two, three, four in counts]
