"""The bell: what happened to the cases of agents, written once with the numbers of the events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from router.event_kinds import EventKind
from store.db.engine import Database
from store.desk.agents import add_agent
from store.desk.notices import (
    count_unread,
    has_unread,
    notices_between,
    notices_of,
    prefer,
    preferences_of,
    read_notices,
    write_notices,
)
from store.desk.view_counts import count_waiting, unread_by_assignee, views_of
from store.events.append import NewEvent, append_events
from store.events.feed import newest_number, number_events
from tests.inbox_builder import NOON, Builder


@pytest.fixture
def agents(database: Database) -> dict[str, UUID]:
    with database.write() as connection:
        return {name: add_agent(connection, name=name, role="agent")[0].id for name in ("Li", "Ming")}


def happened(database: Database, *events: NewEvent) -> int:
    """Publish the events as the publisher does."""
    with database.write() as connection:
        append_events(connection, events)
        before = newest_number(connection)
        number_events(connection, after=before, limit=100)
        return write_notices(connection, after=before)


def test_a_notice_about_a_customer_without_a_name_has_their_handle(database: Database, agents: dict[str, UUID]) -> None:
    with database.write() as connection:
        case = Builder(connection).conversation(assignee="Li", handle="+8613800138000", name="")
    assert happened(database, NewEvent(EventKind.MESSAGE_RECEIVED, case, at=NOON)) == 1
    with database.read() as connection:
        (found,) = notices_of(connection, agents["Li"], only_teams=None, limit=9)
    assert (found.customer, found.handle_kind) == ("+8613800138000", "phone")


def test_an_agent_hears_what_happened_to_their_cases(database: Database, agents: dict[str, UUID]) -> None:
    with database.write() as connection:
        build = Builder(connection)
        case = build.conversation(assignee="Li", subject="Refund", team="payments")
        note = build.message(case, direction="note", text="@Li please look, @Ming too", sender_name="Ming")
        free = build.conversation(subject="Nobody has it")
    said = [
        NewEvent(EventKind.MESSAGE_RECEIVED, case, at=NOON),
        NewEvent(EventKind.MESSAGE_RECEIVED, free, at=NOON),
        NewEvent(EventKind.CONVERSATION_ASSIGNED, case, {"assignee": "Li", "by": "Ming"}, at=NOON),
        # What agents do to themselves is no news to them.
        NewEvent(EventKind.CONVERSATION_ASSIGNED, free, {"assignee": "Ming", "by": "Ming"}, at=NOON),
        NewEvent(EventKind.MESSAGE_NOTED, case, {"message_id": str(note), "author": "Ming"}, at=NOON),
        NewEvent(EventKind.OUTBOUND_FAILED, case, at=NOON),
        NewEvent(EventKind.CONVERSATION_LABELLED, case, at=NOON),
    ]
    assert happened(database, *said) == 4
    with database.read() as connection:
        found = notices_of(connection, agents["Li"], only_teams=None, limit=9)
        assert {each.kind: each.by for each in found} == {
            "answered": "", "assigned": "Ming", "mentioned": "Ming", "undelivered": "",
        }  # fmt: skip
        assert {(each.subject, each.customer) for each in found} == {("Refund", "Li Wei")}
        assert notices_of(connection, agents["Li"], only_teams=["risk"], limit=9) == []
        assert notices_of(connection, agents["Ming"], only_teams=None, limit=9) == []
        assert [each.kind for each in notices_between(connection, agents.values(), first=5, last=5)] == ["mentioned"]
        assert count_unread(connection, agents.values()) == {agents["Li"]: 4}


def test_what_was_read_comes_back_when_it_happens_again(database: Database, agents: dict[str, UUID]) -> None:
    with database.write() as connection:
        case = Builder(connection).conversation(assignee="Li")
    answered = NewEvent(EventKind.MESSAGE_RECEIVED, case, at=NOON)
    happened(database, answered, answered)
    with database.write() as connection:
        assert count_unread(connection, agents.values())[agents["Li"]] == 1, "one line, however often"
        read_notices(connection, agents["Li"], now=NOON, conversation_id=case)
        assert not has_unread(connection, agents["Li"], conversation_id=case)
    happened(database, answered)
    with database.write() as connection:
        assert has_unread(connection, agents["Li"], conversation_id=case)
        read_notices(connection, agents["Li"], now=NOON)
        read_notices(connection, agents["Li"], now=NOON + timedelta(days=40))
        assert notices_of(connection, agents["Li"], only_teams=None, limit=9) == []


def test_the_news_of_many_cases_is_written_by_one_statement(database: Database, agents: dict[str, UUID]) -> None:
    with database.write() as connection:
        build = Builder(connection)
        cases = [build.conversation(assignee="Li") for _ in range(20)]
    assert happened(database, *(NewEvent(EventKind.MESSAGE_RECEIVED, case, at=NOON) for case in cases[:10])) == 10
    later = NOON + timedelta(hours=1)
    written: list[str] = []

    @sa.event.listens_for(database.engine, "before_cursor_execute")
    def _count(*asked: Any) -> None:
        written.extend([asked[2]] if asked[2].startswith("INSERT INTO agent_notice") else [])

    # Each twice: of a case and a kind the newest event counts.
    again = [NewEvent(EventKind.MESSAGE_RECEIVED, case, at=at) for at in (NOON, later) for case in cases]
    assert happened(database, *again) == 20

    assert len(written) == 1
    with database.read() as connection:
        found = notices_of(connection, agents["Li"], only_teams=None, limit=50)
    assert {(each.conversation_id, each.at) for each in found} == {(case, later) for case in cases}
    assert sorted(each.number for each in found) == list(range(31, 51))


def test_preferences_are_kept_by_agent(database: Database, agents: dict[str, UUID]) -> None:
    with database.write() as connection:
        prefer(connection, agents["Li"], name="calls", value="mine")
        prefer(connection, agents["Li"], name="calls", value="mine sound")
        assert preferences_of(connection, agents.values(), name="calls") == {agents["Li"]: "mine sound"}


def test_the_numbers_of_all_agents_come_from_one_count(database: Database, agents: dict[str, UUID]) -> None:
    with database.write() as connection:
        build = Builder(connection)
        build.conversation(assignee="Li", team="payments", first_reply_due_at=NOON - timedelta(hours=1))
        build.conversation(team="risk", emergency=True)
        build.conversation(team="risk", status="pending")
        build.conversation(team="risk", status="resolved")
    with database.read() as connection:
        groups = count_waiting(connection, now=datetime.now(UTC))
        li = views_of(groups, agent="Li", teams=None)
        risk = views_of(groups, agent="Ming", teams=frozenset({"risk"}))
        assert unread_by_assignee(connection, ["Li", "Ming"]) == {"Li": 1}
    assert (li["mine"], li["unassigned"], li["open"], li["pending"], li["emergencies"]) == (1, 1, 2, 1, 1)
    assert (risk["mine"], risk["open"], risk["overdue"], risk["emergencies"]) == (0, 1, 0, 1)
    assert li["overdue"] == 1
