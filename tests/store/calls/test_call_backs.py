"""The calls to make: one line for a number, for as long as someone has to call it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from store.calls.call_backs import CallKind, list_call_backs, settle_call_back, settle_call_backs_of, settled_lately
from store.db.bulk import insert_rows, table_of
from store.db.engine import Database, read_clock
from store.db.ids import new_id
from store.tables.gates import PhoneCallRow
from store.tables.messages import ConversationRow
from tests.inbox_builder import Builder
from tests.phone_calls import MISSED, called

LEFT = '[["RE1", "ready", 4]]'
NOTHING_LEFT = '[["RE1", "absent", 0]]'


@pytest.mark.parametrize(
    ("over", "kind"),
    [
        ({}, CallKind.MISSED),
        ({"recordings": NOTHING_LEFT}, CallKind.MISSED),
        ({"recordings": LEFT}, CallKind.VOICEMAIL),
        ({"wants_callback": True, "recordings": LEFT}, CallKind.REQUEST),
        # It was asked for, though the emergency number was reached.
        ({"wants_callback": True, "talked": True}, CallKind.REQUEST),
        ({"talked": True}, None),
        ({"rejected": True}, None),
        ({"caller": ""}, None),
    ],
)
def test_a_call_waits_if_no_one_spoke_or_it_was_asked_for(
    database: Database, over: dict[str, Any], kind: CallKind | None
) -> None:
    with database.write() as connection:
        called(connection, **{"caller": "+8613800138000", "minutes": 5, **over})
        found = list_call_backs(connection, only_teams=None, limit=9)
    assert [each.kind for each in found] == ([kind] if kind else [])


def test_danger_comes_first_then_requests_then_the_oldest(database: Database) -> None:
    with database.write() as connection:
        called(connection, "+861", minutes=60)
        called(connection, "+862", minutes=90)
        called(connection, "+863", minutes=5, wants_callback=True)
        called(connection, "+864", minutes=1, danger=True)
        called(connection, "+861", minutes=2, recordings=LEFT)
        called(connection, "+865", minutes=2, team="risk")
        found = list_call_backs(connection, only_teams=["payments"], limit=9)
    assert [(each.caller, each.calls, each.kind) for each in found] == [
        ("+864", 1, CallKind.MISSED),
        ("+863", 1, CallKind.REQUEST),
        ("+862", 1, CallKind.MISSED),
        ("+861", 2, CallKind.VOICEMAIL),
    ]


def test_a_missed_call_ends_with_its_case_and_a_request_does_not(database: Database) -> None:
    case = table_of(ConversationRow)
    with database.write() as connection:
        called(connection, "+861", minutes=5)
        called(connection, "+862", minutes=5, wants_callback=True)
        connection.execute(sa.update(case).values(status="resolved"))
        found = list_call_backs(connection, only_teams=None, limit=9)
    assert [each.caller for each in found] == ["+862"]


def test_who_settled_a_number_is_shown_and_a_later_call_waits(database: Database) -> None:
    with database.write() as connection:
        called(connection, "+861", minutes=9)
        called(connection, "+861", minutes=6)
        (line,) = list_call_backs(connection, only_teams=None, limit=9)
        # It comes while the agent reads the page.
        called(connection, "+861", minutes=1)
        assert not settle_call_back(connection, line.id, by="Bo", only_teams=["risk"])
        assert settle_call_back(connection, line.id, by="Ann", only_teams=None)
        assert not settle_call_back(connection, line.id, by="Bo", only_teams=None)
        (later,) = list_call_backs(connection, only_teams=None, limit=9)
        assert (later.calls, later.id != line.id) == (1, True)
        (settled,) = settled_lately(connection, only_teams=None, limit=9)
        assert (settled.caller, settled.by) == ("+861", "Ann")
        assert settled_lately(connection, only_teams=["risk"], limit=9) == []
        assert settle_call_backs_of(connection, channel="hotline", caller="+861", by="Bo", only_teams=None) == 1
        assert list_call_backs(connection, only_teams=None, limit=9) == []


def test_a_number_that_calls_all_day_hides_no_other(database: Database) -> None:
    with database.write() as connection:
        called(connection, "+861", minutes=2_000, wants_callback=True)
        case = called(connection, "+862", minutes=1_500)
        build = Builder(connection, now=read_clock(connection))
        for minutes in range(1_100):
            call_id = new_id()
            inbound = build.inbound(call_id.bytes, channel="hotline", source_key=call_id.hex)
            build.message(case, channel="hotline", inbound_id=inbound, text="Missed call 未接来电")
            row = {"id": call_id, "channel": "hotline", "sid": call_id.hex, "caller": "+862"}
            at = build.now - timedelta(minutes=minutes)
            insert_rows(connection, PhoneCallRow, rows=[MISSED | row | {"started_at": at}])
        found = list_call_backs(connection, only_teams=None, limit=9)
    assert [(each.caller, each.calls) for each in found] == [("+861", 1), ("+862", 1_101)]


def test_what_opens_an_answered_case_again_does_not_bring_its_missed_call_back(database: Database) -> None:
    case = table_of(ConversationRow)
    with database.write() as connection:
        answered = called(connection, "+861", minutes=600)
        waits = called(connection, "+862", minutes=600)
        now = read_clock(connection)
        # Another message waits in the one since later than the call, in the other since before it.
        for each, since in ((answered, now + timedelta(minutes=1)), (waits, now - timedelta(days=1))):
            connection.execute(sa.update(case).where(case.c.id == each).values(waiting_since=since))
        found = list_call_backs(connection, only_teams=None, limit=9)
    assert [each.caller for each in found] == ["+862"]


def test_a_missed_call_ends_when_its_number_was_spoken_with(database: Database) -> None:
    with database.write() as connection:
        called(connection, "+861", minutes=9)
        called(connection, "+861", minutes=5, talked=True)
        called(connection, "+862", minutes=5, talked=True)
        called(connection, "+862", minutes=2)
        found = list_call_backs(connection, only_teams=None, limit=9)
    assert [(each.caller, each.calls) for each in found] == [("+862", 1)]


def test_an_agent_settles_only_the_calls_that_they_see(database: Database) -> None:
    with database.write() as connection:
        called(connection, "+861", minutes=9, team="risk", wants_callback=True)
        called(connection, "+861", minutes=5)
        (mine,) = list_call_backs(connection, only_teams=["payments"], limit=9)
        assert settle_call_back(connection, mine.id, by="Ann", only_teams=["payments"])
        called(connection, "+861", minutes=4)
        number = {"channel": "hotline", "caller": "+861", "by": "Ann"}
        assert settle_call_backs_of(connection, **number, only_teams=["payments"]) == 1
        (theirs,) = list_call_backs(connection, only_teams=None, limit=9)
    assert (theirs.calls, theirs.kind) == (1, CallKind.REQUEST)
