"""The calls to make: one line for a number, for as long as someone has to call it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.calls.call_backs import CallKind, list_call_backs, settle_call_back, settle_call_backs_of, settled_lately
from store.db.bulk import insert_rows, table_of
from store.db.engine import Database, read_clock
from store.db.ids import new_id
from store.tables.gates import PhoneCallRow
from store.tables.messages import ConversationRow
from tests.inbox_builder import Builder

MISSED: dict[str, Any] = {
    "phase": 2,
    "dial": "",
    "recordings": "[]",
    "transcript": "",
    "called_back_by": "",
    **dict.fromkeys(("danger", "wants_callback", "talked", "rejected", "backfill"), False),
}
LEFT = '[["RE1", "ready", 4]]'
NOTHING_LEFT = '[["RE1", "absent", 0]]'


def called(connection: Connection, caller: str, *, minutes: int, team: str = "payments", **over: Any) -> None:
    """Write a call that began so many minutes ago, with its case."""
    now, call_id = read_clock(connection), new_id()
    build = Builder(connection, now=now)
    case = build.conversation(handle=f"{caller or 'withheld'}-{call_id.hex}", channel="hotline", team=team)
    inbound = build.inbound(call_id.bytes, channel="hotline", source_key=call_id.hex)
    build.message(case, channel="hotline", inbound_id=inbound, text="Missed call 未接来电")
    row = {"id": call_id, "channel": "hotline", "sid": call_id.hex, "caller": caller}
    insert_rows(connection, PhoneCallRow, rows=[MISSED | row | {"started_at": now - timedelta(minutes=minutes)} | over])


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
        assert settle_call_backs_of(connection, channel="hotline", caller="+861", by="Bo") == 1
        assert list_call_backs(connection, only_teams=None, limit=9) == []
