"""Agents' changes to conversations over REST."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from store.conversations.corrections import corrected_texts
from store.db.bulk import table_of
from store.db.engine import Database
from store.desk.agents import add_agent
from store.desk.assignment import set_duty
from store.tables.agents import SkillKind
from store.tables.desk import PauseRow
from store.tables.messages import ConversationRow
from store.tables.operations import EventRow, IdempotencyRow
from tests.app_client import AppClient
from tests.inbox_builder import NOON, Builder

LIST = "/api/v1/conversations"
KEY = f"{LIST}/K7QF2MXD4"


def event_kinds(database: Database) -> list[str]:
    table = table_of(EventRow)
    with database.read() as connection:
        return list(connection.execute(sa.select(table.c.kind).order_by(table.c.at, table.c.id)).scalars())


def shown(client: AppClient, **query: Any) -> list[str]:
    answer = client.get(LIST, params=query)
    assert answer.status_code == 200, answer.text
    return [row["reference"] for row in answer.json()["conversations"]]


def test_one_order_changes_several_things_and_reports_each(client: AppClient, database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        build.message(build.conversation(reference="K7QF2MXD4", waiting_since=NOON))
        add_agent(connection, name="Ann", role="agent")
    tag = client.get(KEY).headers["ETag"]
    order = {"take": True, "team": "risk", "priority": "urgent", "category": "refund", "add_labels": ["money", "vip"]}
    answer = client.patch(KEY, json=order, headers={"If-Match": tag})
    assert answer.status_code == 200, answer.text

    now = client.get(KEY)
    assert now.headers["ETag"] == answer.headers["ETag"] == f'"{answer.json()["version"]}"' != tag
    case = now.json()
    assert (case["team"], case["assignee"], case["priority"]) == ("risk", "the admin", "urgent")
    assert (case["category"], case["labels"]) == ("refund", ["money", "vip"])
    with database.read() as connection:
        [taught] = corrected_texts(connection)
    assert (taught.text, taught.old_category, taught.category) == (
        "My payment failed but the money was taken.",
        "failed_transaction",
        "refund",
    )
    assert set(event_kinds(database)) == {
        f"conversation.{verb}" for verb in ("assigned", "moved", "prioritised", "recategorised", "labelled")
    }
    # The same again is no change; what is stale is refused and does nothing.
    assert client.patch(KEY, json=order).json()["version"] == case["version"]
    stale = client.patch(KEY, json={"priority": "low"}, headers={"If-Match": tag})
    assert (stale.status_code, stale.json()["type"]) == (412, "urn:omniyard:problem:stale")
    # Another team assigns it again; a name assigns it, null removes the assignee.
    assert client.patch(KEY, json={"team": "payments", "remove_labels": ["vip"]}).status_code == 200
    assert client.get(KEY).json()["assignee"] is None
    assert client.patch(KEY, json={"assignee": "Ann"}).status_code == 200
    assert client.patch(KEY, json={"take": True}).status_code == 409
    assert client.patch(KEY, json={"assignee": None}).status_code == 200
    assert shown(client, unassigned=True, label="money") == ["K7QF2MXD4"]
    assert shown(client, label="vip") == shown(client, mine=True) == []


def test_what_makes_no_sense_is_refused(client: AppClient, database: Database) -> None:
    with database.write() as connection:
        Builder(connection).conversation(reference="K7QF2MXD4")
    for order in (
        {},
        {"nonsense": 1},
        {"team": "nobodys"},
        {"category": "nothing"},
        {"sub_intent": "x"},
        {"priority": "extreme"},
        {"status": "snoozed"},
        {"snoozed_until": "2096-11-20T04:00:00Z"},
        {"status": "snoozed", "snoozed_until": "2016-11-20T04:00:00Z"},
        {"take": True, "assignee": "the admin"},
        {"add_labels": [" "]},
    ):
        assert client.patch(KEY, json=order).status_code == 422, order
    assert client.patch(KEY, json={"assignee": "Nobody"}).status_code == 404
    assert client.patch(KEY, json={"take": True}, headers={"If-Match": "3"}).status_code == 422
    assert client.get(KEY).json()["version"] == 1


def test_the_clock_stands_while_it_is_resolved_and_runs_while_it_is_snoozed(
    client: AppClient, database: Database
) -> None:
    with database.write() as connection:
        Builder(connection).conversation(reference="K7QF2MXD4")
    pauses = sa.select(table_of(PauseRow).c.until).order_by(table_of(PauseRow).c.since)

    def standing() -> list[bool]:
        with database.read() as connection:
            return [until is None for until in connection.execute(pauses).scalars()]

    assert client.patch(KEY, json={"status": "resolved"}).status_code == 200
    assert standing() == [True]
    assert client.patch(KEY, json={"status": "open"}).status_code == 200
    assert standing() == [False]
    # Nothing is planned for longer than a year ahead of the database's clock.
    until = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%dT%H:%M:%SZ}"
    assert client.patch(KEY, json={"status": "snoozed", "snoozed_until": until}).status_code == 200
    assert standing() == [False]
    case = client.get(KEY).json()
    assert (case["held_until"], case["snoozed_by"]) == (until, "the admin")


def test_a_customer_whose_case_was_resolved_without_an_answer_waits_again_when_it_is_reopened(
    client: AppClient, database: Database
) -> None:
    waiting = sa.select(table_of(ConversationRow).c.waiting_since)
    with database.write() as connection:
        Builder(connection).conversation(reference="K7QF2MXD4", waiting_since=NOON)
    for status in ("resolved", "open"):
        assert client.patch(KEY, json={"status": status}).status_code == 200
    with database.read() as connection:
        assert connection.execute(waiting).scalar_one() == NOON
    # A request cannot say since when, nor anything else that only an undo knows.
    assert client.patch(KEY, json={"status": "open", "former": {"case": {}}}).status_code == 422


def test_an_order_with_a_key_is_done_once(client: AppClient, database: Database) -> None:
    with database.write() as connection:
        Builder(connection).conversation(reference="K7QF2MXD4")
    key = {"Idempotency-Key": "once-and-no-more"}
    first = client.patch(KEY, json={"priority": "low"}, headers=key)
    client.patch(KEY, json={"priority": "urgent"})
    again = client.patch(KEY, json={"priority": "low"}, headers=key)
    assert (again.status_code, again.text, again.headers["ETag"]) == (200, first.text, first.headers["ETag"])
    assert client.get(KEY).json()["priority"] == "urgent"
    assert client.patch(KEY, json={"priority": "high"}, headers=key).status_code == 422


def test_a_key_with_a_card_in_it_is_kept_as_a_hash(client: AppClient, database: Database) -> None:
    with database.write() as connection:
        Builder(connection).conversation(reference="K7QF2MXD4")
    key = {"Idempotency-Key": "card-4111111111111111"}
    first, again = (client.patch(KEY, json={"priority": "low"}, headers=key) for _ in range(2))
    assert (first.status_code, again.text) == (200, first.text)
    with database.read() as connection:
        kept = str(connection.execute(sa.select(table_of(IdempotencyRow))).all())
    assert kept != "[]"
    assert "4111111111111111" not in kept
    labelled = client.patch(KEY, json={"add_labels": ["4111111111111111"]})
    assert labelled.status_code == 422


def test_many_are_changed_each_by_itself(client: AppClient, database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        keys = [str(build.conversation()) for _ in range(3)]
    order = {"keys": [*keys, "NOSUCHKEY"], "change": {"status": "resolved"}}
    results = client.post(f"{LIST}/bulk", json=order).json()["results"]
    assert [(result["key"], result["status"]) for result in results] == [
        *((key, 200) for key in keys),
        ("NOSUCHKEY", 404),
    ]
    assert client.get(f"{LIST}/counts").json()["statuses"]["open"] == 0
    assert client.post(f"{LIST}/bulk", json={"keys": ["x"] * 101, "change": {"take": True}}).status_code == 422


def test_counts_and_unread_are_each_agents_own(
    client: AppClient, client_of: Callable[[str], AppClient], database: Database
) -> None:
    with database.write() as connection:
        build = Builder(connection)
        build.conversation(reference="K7QF2MXD4", assignee="the admin", next_reply_due_at=NOON - timedelta(hours=1))
        build.conversation(team="risk", last_message_at=NOON - timedelta(hours=2), reference="000000001")
    assert client.get(f"{LIST}/counts").json() == {
        "statuses": {"open": 2, "pending": 0, "snoozed": 0},
        "teams": {"payments": 1, "risk": 1}, "mine": 1, "unassigned": 1, "overdue": 1,
    }  # fmt: skip
    assert shown(client, unread=True) == ["K7QF2MXD4", "000000001"]
    assert client.post(f"{KEY}/read").status_code == 204
    assert shown(client, unread=True) == ["000000001"]
    assert [row["unread"] for row in client.get(LIST).json()["conversations"]] == [False, True]
    assert shown(client_of("agent"), unread=True) == ["K7QF2MXD4", "000000001"]
    with database.write() as connection:
        set_duty(connection, name="the agent", skills={SkillKind.TEAM: ["risk"]})
    agent = client_of("agent")
    assert shown(agent) == ["000000001"]
    assert agent.get(f"{LIST}/counts").json()["teams"] == {"risk": 1}
    assert agent.get(KEY).status_code == agent.patch(KEY, json={"take": True}).status_code == 404


def test_what_is_merged_split_or_unlinked_is_undone_by_its_id(client: AppClient, database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        older = build.conversation(reference="000000001")
        build.message(older, mail=b"Subject: a\r\n\r\na")
        build.message(build.conversation(reference="K7QF2MXD4", linked_to=older), mail=b"Subject: b\r\n\r\nb")
    unlinked = client.post(f"{KEY}/unlink").json()
    assert client.get(KEY).json()["linked_to"] is None
    assert client.post(f"{KEY}/unlink").status_code == 409
    stale = client.post(f"{KEY}/merge", json={"into": "000000001"}, headers={"If-Match": '"0"'})
    assert (stale.status_code, stale.json()["type"]) == (412, "urn:omniyard:problem:stale")
    tag = client.get(KEY).headers["ETag"]
    merged = client.post(f"{KEY}/merge", json={"into": "000000001"}, headers={"If-Match": tag})
    assert merged.status_code == 200, merged.text
    assert merged.json()["conversation_id"] == client.get(KEY).json()["merged_into"] == str(older)
    assert client.patch(KEY, json={"take": True}).status_code == 409
    messages = client.get(f"{LIST}/000000001").json()["entries"]
    going = {"message_ids": [messages[0]["id"]]}
    assert client.post(f"{LIST}/000000001/split", json=going, headers={"If-Match": '"0"'}).status_code == 412
    split = client.post(f"{LIST}/000000001/split", json=going)
    assert split.status_code == 200, split.text
    entries = client.get(f"{LIST}/000000001/regroupings").json()["regroupings"]
    assert [entry["kind"] for entry in entries] == ["split", "merge", "unlink"]
    undo = "/api/v1/regroupings/{}/undo"
    assert client.post(undo.format(merged.json()["regrouping_id"])).status_code == 409
    for each in (split, merged):
        assert client.post(undo.format(each.json()["regrouping_id"])).status_code == 200
    undone = client.post(undo.format(unlinked["regrouping_id"])).json()
    assert undone["undone_by"] == "the admin"
    assert (client.get(KEY).json()["linked_to"], client.get(KEY).json()["messages"]) == (str(older), 1)
