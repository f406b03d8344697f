"""The supervisor's figures by group and by day, on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from router.conversation_status import Status
from store.conversations.sla import change_status
from store.db.bulk import insert_rows
from store.db.engine import Database
from store.db.ids import new_id
from store.desk.reports.report_days import read_days
from store.desk.reports.report_groups import GroupBy, Period, read_groups
from store.tables.case_records import RatingRow
from store.tables.desk import NoticeKind, SlaNoticeRow
from store.tables.emergencies import EmergencyRow
from tests.inbox_builder import Builder

ZONE = ZoneInfo("Asia/Shanghai")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def today() -> datetime:
    """The last midnight of the desk's zone when the test begins: a run of all tests may last beyond the next one.

    Of now, because ids, by which events are found, are of now.
    """
    return datetime.now(ZONE).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


@pytest.fixture
def period(today: datetime) -> Period:
    return Period(since=today - 2 * DAY, until=today + DAY)


def fill(database: Database, today: datetime) -> None:
    """Three cases of two teams: answered after one and three hours, and never."""
    with database.write() as connection:
        build = Builder(connection)

        def case(*, opened: timedelta, reply: timedelta | None = None, **over: object) -> object:
            at = today + opened
            return build.conversation(
                opened_at=at, last_message_at=at, replied_at=at + reply if reply else None, **over
            )

        first = case(opened=-2 * DAY + HOUR, reply=HOUR, assignee="Ming")
        second = case(opened=-30 * HOUR, reply=3 * HOUR, team="risk", assignee="Li", category=None)
        case(opened=-10 * DAY, team="risk", sla=None)
        for conversation_id, status, at in (
            (first, Status.RESOLVED, today - 20 * HOUR),
            (first, Status.OPEN, today - 10 * HOUR),
            (second, Status.RESOLVED, today + 2 * HOUR),
        ):
            change_status(connection, conversation_id=conversation_id, status=status, at=at)
        notice = {"id": new_id(), "conversation_id": first, "promise": "first_reply", "kind": NoticeKind.BREACH}
        insert_rows(connection, SlaNoticeRow, rows=[notice | {"due_at": today, "at": today}])
        alarm = {"conversation_id": second, "inbound_id": new_id(), "at": today - 30 * HOUR, "confirmed": False}
        insert_rows(connection, EmergencyRow, rows=[alarm | {"by": "Li"}])
        rating = {"closing": new_id(), "conversation_id": first, "contact_id": build.contacts["li@example.com"]}
        insert_rows(connection, RatingRow, rows=[rating | {"score": 4, "word": "", "rated_at": today}])


def test_groups_are_compared_by_team_agent_and_category(database: Database, today: datetime, period: Period) -> None:
    fill(database, today)
    with database.read() as connection:
        teams = {each.name: each for each in read_groups(connection, period, by=GroupBy.TEAM)}
        agents = {each.name: each.opened for each in read_groups(connection, period, by=GroupBy.AGENT)}
        categories = {each.name for each in read_groups(connection, period, by=GroupBy.CATEGORY)}
        [everything] = read_groups(connection, period, by=None)
        one = Period(since=period.since, until=period.until, team="payments")
        assert [each.name for each in read_groups(connection, one, by=GroupBy.CHANNEL)] == ["support-mail"]
        none = Period(since=period.since, until=period.until, channel="nothing")
        assert read_groups(connection, none, by=None) == []
    pay, risk = teams["payments"], teams["risk"]
    assert (pay.opened, pay.promised, pay.broken, round(pay.reply_median or 0), pay.ratings, pay.stars) == (
        1,
        1,
        1,
        3600,
        1,
        4,
    )
    assert (pay.resolved, pay.reopened) == (1, 1)
    assert round((pay.resolve_median or 0) / 3600) == 27
    assert (risk.opened, risk.broken, round(risk.reply_ninetieth or 0), risk.called, risk.released, risk.confirmed) == (
        *(1, 0, 3 * 3600),
        *(1, 1, 0),
    )
    assert agents == {"Ming": 1, "Li": 1}
    assert categories == {"failed_transaction", ""}
    assert (everything.opened, everything.replied, round(everything.reply_ninetieth or 0)) == (2, 2, 3 * 3600)


def test_the_backlog_has_the_age_that_it_had_then(database: Database, today: datetime, period: Period) -> None:
    fill(database, today)
    with database.read() as connection:
        read = read_days(connection, period, zone=ZONE, now=today + 12 * HOUR)
    first = date.fromisoformat(str((today - 2 * DAY).astimezone(ZONE).date()))
    assert [each.day for each in read.days] == [first + number * DAY for number in range(3)]
    # Yesterday's end: the first case is open again, the second still open; then the second is resolved.
    assert [each.backlog for each in read.days] == [(2, 0, 0, 1), (0, 2, 0, 1), (0, 1, 0, 1)]
    assert [each.replied for each in read.days] == [2, 0, 0]
    assert (read.days[0].median, read.days[0].ninetieth) == (3600, 3 * 3600)
    assert sum(map(sum, read.hours)) == 2
    assert read.hours[first.weekday()][1] == 1
