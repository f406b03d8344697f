"""The supervisor's report, and the presence of agents, on both databases."""

from __future__ import annotations

from datetime import timedelta

from store.conversations.readers import LASTS, be_present, present_at
from store.db.bulk import insert_rows
from store.db.engine import Database
from store.db.ids import new_id
from store.desk.agents import add_agent
from store.desk.supervisor_report import Load, Promises, read_insight
from store.tables.desk import NoticeKind, SlaNoticeRow
from store.tables.emergencies import EmergencyRow
from tests.inbox_builder import NOON, Builder

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def test_the_numbers_are_of_what_was_opened_in_these_days(database: Database) -> None:
    # Given ten conversations answered after 1 to 10 hours, one of another channel without an answer, one of yesterday
    with database.write() as connection:
        build = Builder(connection)
        add_agent(connection, name="Ann", role="agent")
        cases = [build.conversation(replied_at=NOON + number * HOUR, assignee="Ann") for number in range(1, 11)]
        quiet = build.conversation(channel="sms", category=None, sla=None)
        build.conversation(opened_at=NOON - DAY)
        breach = {"conversation_id": cases[0], "kind": NoticeKind.BREACH, "due_at": NOON, "at": NOON}
        notices = [breach | {"id": new_id(), "promise": promise} for promise in ("first_reply", "resolve")]
        insert_rows(connection, SlaNoticeRow, rows=notices)
        called = {"inbound_id": new_id(), "at": NOON, "evidence": {}, "by": "Ann", "confirmed_at": None}
        found = [(cases[0], True), (cases[1], False), (cases[2], None)]
        insert_rows(
            connection,
            EmergencyRow,
            rows=[called | {"conversation_id": case, "confirmed": verdict} for case, verdict in found],
        )
    # When
    with database.read() as connection:
        seen = read_insight(connection, since=NOON, until=NOON + DAY)
        nothing = read_insight(connection, since=NOON + DAY, until=NOON + 2 * DAY)
    # Then
    assert quiet
    assert {(each.hour, each.channel, each.category, each.number) for each in seen.volumes} == {
        ("2026-11-20 04", "support-mail", "failed_transaction", 10),
        ("2026-11-20 04", "sms", None, 1),
    }
    rounded = [(each.channel, each.replied, round(each.median), round(each.ninetieth)) for each in seen.reply_times]
    assert rounded == [("", 10, 5 * 3600, 9 * 3600), ("support-mail", 10, 5 * 3600, 9 * 3600)]
    assert seen.promises == [Promises(sla="money", number=10, broken=1)]
    assert (seen.called, seen.confirmed, seen.released) == (3, 1, 1)
    assert seen.load == [Load(name="Ann", available=False, capacity=20, open=10)]
    assert (nothing.volumes, nothing.reply_times, nothing.promises) == ([], [], [])


def test_who_is_at_a_conversation_is_forgotten_by_itself(database: Database) -> None:
    with database.write() as connection:
        case = Builder(connection).conversation()
        ann, _ = add_agent(connection, name="Ann", role="agent")
        for writing in (False, True):
            be_present(connection, agent_id=ann.id, conversation_id=case, writing=writing, now=NOON)
        [there] = present_at(connection, case, now=NOON)
        assert (there.name, there.writing) == ("Ann", True)
        assert not there.must_renew(writing=True, now=NOON)
        assert there.must_renew(writing=False, now=NOON)
        assert there.must_renew(writing=True, now=NOON + LASTS * 0.6)
        assert present_at(connection, case, now=NOON + LASTS) == []
