"""Answering: once even if repeated, refused on an outdated version, now or later; and the settlement by agents."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa

from router.delivery import DeliveryReport, DeliveryStatus
from router.settings import Settings
from store.db.bulk import table_of
from store.db.engine import Database
from store.outbound import ledger
from store.outbound.delivery_receipts import note_delivery
from store.tables.desk import PauseRow
from store.tables.messages import ConversationRow, MessageRow
from store.tables.operations import EventRow, IdempotencyRow, OutboundRow
from tests.api.conftest import settings_in
from tests.app_client import AppClient
from tests.inbox_builder import Builder

CHANNEL = """
[calendars.office]
week = {{ {weekday} = ["09:00-10:00"] }}
[channels.out]
kind = "smtp"
listen = "127.0.0.1:2526"
address = "help@desk.example"
calendar = "office"
[channels.out.send]
host = "127.0.0.1"
security = "none"
[channels.chat]
kind = "telegram"
token = "env:OMNIYARD_TEST"
calendar = "office"
[channels.chat.send]
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    # A day on which the office is closed now, whatever the day is.
    weekday = (datetime.now(UTC) + timedelta(days=3)).strftime("%a").lower()
    return settings_in(tmp_path / "data", more=CHANNEL.format(weekday=weekday))


@pytest.fixture
def case(database: Database) -> UUID:
    """A conversation with one message, at version 1."""
    with database.write() as connection:
        build = Builder(connection)
        opened = build.conversation(channel="out", first_reply_due_at=build.now, waiting_since=build.now, sla=None)
        build.message(opened, channel="out", rfc_message_id="first@example.com")
        return opened


def order(text: str = "We look into it.", **more: Any) -> dict[str, Any]:
    return {"text": text, "based_on_version": 1} | more


def post(client: AppClient, case: UUID, *, key: str = "key-00000001", **body: Any) -> httpx.Response:
    return client.post(f"/api/v1/conversations/{case}/messages", json=order(**body), headers={"Idempotency-Key": key})


def rows(database: Database, model: type[Any], *names: str) -> list[Any]:
    columns = table_of(model).c
    with database.read() as connection:
        return list(connection.execute(sa.select(*(columns[name] for name in names)).order_by(columns[names[0]])))


def change(database: Database, model: type[Any], **values: object) -> None:
    with database.write() as connection:
        connection.execute(sa.update(table_of(model)).values(**values))


def test_a_reply_is_a_message_and_a_row_that_leaves(client: AppClient, database: Database, case: UUID) -> None:
    answer = post(client, case)

    assert answer.status_code == 201, answer.text
    shown = answer.json()
    assert (shown["message"]["direction"], shown["message"]["delivery"]) == ("outgoing", "queued")
    assert shown["outbound"]["recipient"] == "li@example.com"
    (row,) = rows(database, OutboundRow, "in_reply_to", "ancestors", "subject", "rfc_message_id")
    assert (row.in_reply_to, row.ancestors) == ("first@example.com", ["first@example.com"])
    assert row.subject.startswith("Re: Payment failed [")
    assert row.rfc_message_id.endswith("@desk.example")
    story = client.get(f"/api/v1/conversations/{case}").json()
    assert [entry["direction"] for entry in story["entries"]] == ["incoming", "outgoing"]
    assert story["version"] == shown["version"] > 1


def test_the_first_reply_stops_its_clock_and_waits_for_the_customer(
    client: AppClient, database: Database, case: UUID
) -> None:
    post(client, case)

    (row,) = rows(database, ConversationRow, "status", "first_reply_due_at", "waiting_since", "replied_at")
    assert (row.status, row.first_reply_due_at, row.waiting_since) == ("pending", None, None)
    assert row.replied_at is not None
    assert len(rows(database, PauseRow, "since")) == 1


def test_a_double_click_sends_one_reply(client: AppClient, database: Database, case: UUID) -> None:
    first, second = post(client, case), post(client, case)

    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert len(rows(database, OutboundRow, "id")) == 1


def test_a_lost_answer_is_given_again_word_by_word_after_the_reply_has_left(
    client: AppClient, database: Database, case: UUID
) -> None:
    first = post(client, case)
    change(database, OutboundRow, state="sent")

    assert post(client, case).content == first.content


def test_many_requests_at_once_with_one_key_are_one_reply(client: AppClient, database: Database, case: UUID) -> None:
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: post(client, case).content, range(60)))

    assert len(set(answers)) == 1
    assert len(rows(database, OutboundRow, "id")) == len(rows(database, IdempotencyRow, "key")) == 1


def test_a_key_with_another_body_is_refused(client: AppClient, database: Database, case: UUID) -> None:
    post(client, case)
    other = post(client, case, text="Something else.")

    assert (other.status_code, other.json()["type"]) == (422, "urn:omniyard:problem:invalid")
    assert len(rows(database, OutboundRow, "id")) == 1


def test_two_agents_may_use_one_key(client_of: Callable[[str], AppClient], database: Database, case: UUID) -> None:
    post(client_of("agent"), case, kind="note")
    post(client_of("senior"), case, kind="note", text="Another.", based_on_version=2)

    assert len(rows(database, MessageRow, "id")) == 3


def test_a_reply_past_news_is_refused_with_what_is_new(client: AppClient, database: Database, case: UUID) -> None:
    with database.write() as connection:
        Builder(connection).message(case, text="I found my card again.", channel="out")
    change(database, ConversationRow, version=2)

    refused = post(client, case)

    assert (refused.status_code, refused.json()["version"]) == (409, 2)
    assert [message["text"] for message in refused.json()["newer"]] == ["I found my card again."]
    assert rows(database, OutboundRow, "id") == []
    # The key is free again: nothing was done under it.
    assert post(client, case, based_on_version=2, text="How good.").status_code == 201


def test_of_two_agents_the_second_sees_the_first_ones_answer(client_of: Callable[[str], AppClient], case: UUID) -> None:
    post(client_of("agent"), case, text="I have it.")
    second = post(client_of("senior"), case, text="No, I have it.")

    assert second.status_code == 409
    assert "I have it." in [message["text"] for message in second.json()["newer"]]


@pytest.mark.parametrize(
    ("more", "detail"),
    [
        ({"based_on_version": None}, "based_on_version"),
        ({"send_at": "2030-01-01T00:00:00Z", "hold_until_opening": True}, "not both"),
        ({"text": "Your card 4111 1111 1111 1111 works."}, "card number"),
        ({"text": "   "}, ""),
        ({"copies": ["two@a.example, three@b.example"]}, ""),
        ({"extra": 1}, ""),
    ],
)
def test_what_cannot_be_sent_is_refused(
    client: AppClient, database: Database, case: UUID, more: dict[str, Any], detail: str
) -> None:
    refused = post(client, case, **more)

    assert refused.status_code == 422
    assert detail in refused.json()["detail"]
    assert rows(database, OutboundRow, "id") == rows(database, IdempotencyRow, "key") == []


def test_a_request_without_a_key_is_refused(client: AppClient, case: UUID) -> None:
    assert client.post(f"/api/v1/conversations/{case}/messages", json=order()).status_code == 422


def test_a_channel_without_a_way_out_says_so(client: AppClient, database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        opened = build.conversation()
        build.message(opened)

    refused = post(client, opened)

    assert refused.status_code == 422
    assert "cannot send: it has no `send` table" in refused.json()["detail"]


def test_a_note_is_for_agents_only(client: AppClient, database: Database, case: UUID) -> None:
    answer = post(client, case, kind="note", text="She called as well; her code is 123456.", based_on_version=None)

    assert (answer.json()["message"]["direction"], answer.json()["outbound"]) == ("note", None)
    assert "123456" not in answer.text
    assert rows(database, OutboundRow, "id") == []
    assert rows(database, ConversationRow, "status")[0].status == "open"


def test_a_secret_leaves_as_it_is_written_and_is_masked_in_the_inbox(
    client: AppClient, database: Database, case: UUID
) -> None:
    post(client, case, text="Your verification code: 482913")

    assert "482913" in rows(database, OutboundRow, "text")[0].text
    assert "482913" not in rows(database, MessageRow, "text")[0].text + rows(database, MessageRow, "text")[1].text


# A password, a code; and texts whose original is what is kept.
@pytest.mark.parametrize(
    ("text", "draft"),
    [
        ("您的新密码：Xk29vPq7，请尽快修改", "您的新密码：****"),
        ("Your verification code: 482913", "Your verification code: ****"),
        ("Your refund is on its way", None),
        ("You wrote: my password is ****", None),
    ],
)
def test_what_failed_after_it_was_masked_is_written_again_and_never_sent_with_stars(
    client: AppClient, browser: AppClient, database: Database, case: UUID, text: str, draft: str | None
) -> None:
    # Given a reply that its provider took, and then reported as not delivered
    outbound_id = UUID(post(client, case, text=text).json()["outbound"]["id"])
    with database.write() as connection:
        claim = ledger.find(connection, outbound_id)
        assert claim
        claim = ledger.begin(connection, claim, lease=timedelta(minutes=1))
        ledger.settle_sent(connection, claim, provider_id="SM1")
        failed = DeliveryReport(delivery=DeliveryStatus.UNDELIVERED, provider_id="SM1", why="30005")
        note_delivery(connection, outbound_id, failed)
    (conversation,) = rows(database, ConversationRow, "reference")

    # When an agent sends it again
    page = browser.post(
        f"/conversations/{conversation.reference}/settle",
        data={"outbound": str(outbound_id), "do": "send_again"},
        headers={"Sec-Fetch-Site": "same-origin", "Accept-Language": "zh"},
    )
    answer = client.post(f"/api/v1/outbound/{outbound_id}/send-again")

    # Then the secret is asked for, or the text leaves as it was
    (row,) = rows(database, OutboundRow, "state", "text")
    if draft is None:
        assert (page.status_code, answer.status_code, row.state, row.text) == (303, 409, "queued", text)
    else:
        assert (page.status_code, answer.status_code, row.state) == (422, 422, "failed")
        assert "write it again" in answer.json()["detail"]
        assert draft in re.split("</?textarea", page.text)[1]
        assert "未重新发送" in page.text


def test_a_scheduled_reply_waits_and_is_no_answer_yet(client: AppClient, database: Database, case: UUID) -> None:
    at = (datetime.now(UTC) + timedelta(hours=5)).replace(microsecond=0)
    answer = post(client, case, send_at=at.isoformat())

    assert datetime.fromisoformat(answer.json()["outbound"]["due_at"]) == at
    (row,) = rows(database, ConversationRow, "status", "replied_at")
    assert (row.status, row.replied_at) == ("open", None)


def test_a_held_reply_waits_for_the_opening(client: AppClient, case: UUID) -> None:
    due_at = datetime.fromisoformat(post(client, case, hold_until_opening=True).json()["outbound"]["due_at"])

    assert due_at.astimezone().utcoffset() is not None
    assert due_at.strftime("%H:%M") == "01:00"
    assert due_at > datetime.now(UTC) + timedelta(days=1)


def test_what_waits_can_be_cancelled_and_the_case_is_back(client: AppClient, database: Database, case: UUID) -> None:
    outbound_id = post(client, case).json()["outbound"]["id"]

    cancelled = client.post(f"/api/v1/outbound/{outbound_id}/cancel")
    again = client.post(f"/api/v1/outbound/{outbound_id}/cancel")

    assert (cancelled.json()["state"], again.status_code) == ("cancelled", 409)
    (row,) = rows(database, ConversationRow, "status", "replied_at", "waiting_since")
    assert (row.status, row.replied_at) == ("open", None)
    assert row.waiting_since is not None


def test_messages_with_an_unknown_outcome_are_listed_and_an_agent_decides(
    client: AppClient, database: Database, case: UUID
) -> None:
    outbound_id = post(client, case).json()["outbound"]["id"]
    assert client.get("/api/v1/outbound").json()["messages"] == []
    change(database, OutboundRow, state="needs_person", error="nobody knows", attempts=2)

    listed = client.get("/api/v1/outbound").json()["messages"]
    assert [(row["id"], row["state"]) for row in listed] == [(outbound_id, "needs_person")]

    # A double click sends once.
    clicks = [client.post(f"/api/v1/outbound/{outbound_id}/send-again").status_code for _ in range(2)]
    assert clicks == [200, 409]
    assert client.get(f"/api/v1/outbound/{outbound_id}").json()["state"] == "queued"

    change(database, OutboundRow, state="unknown")
    marked = client.post(f"/api/v1/outbound/{outbound_id}/mark-sent").json()
    assert (marked["state"], "the admin" in marked["error"]) == ("sent", True)
    kinds = [row.kind for row in rows(database, EventRow, "kind")]
    assert {"outbound.sent_again", "outbound.marked_sent"} <= set(kinds)


def test_the_list_comes_in_pages(client: AppClient, database: Database, case: UUID) -> None:
    with database.write() as connection:
        made = {str(Builder(connection).outbound(case, state="failed")) for _ in range(5)}

    cursor = ""
    seen: list[str] = []
    while cursor is not None:
        page = client.get("/api/v1/outbound", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        seen, cursor = [*seen, *(row["id"] for row in page["messages"])], page["next_cursor"]

    assert seen == sorted(made, reverse=True)


def test_a_viewer_may_look_and_not_speak(client_of: Callable[[str], AppClient], case: UUID) -> None:
    viewer = client_of("viewer")

    assert viewer.get("/api/v1/outbound").status_code == 200
    assert post(viewer, case).status_code == 403


# Each shows nothing; the field is named.
@pytest.mark.parametrize("text", ["\u200b\u200d", "\u00a0\u3000", "\u0301", "\u3164\u2800", " \n"])
@pytest.mark.parametrize("kind", ["reply", "note"])
def test_a_text_that_shows_nothing_is_refused(client: AppClient, case: UUID, text: str, kind: str) -> None:
    answer = post(client, case, text=text, kind=kind)

    assert (answer.status_code, answer.json()["errors"][0]["where"]) == (422, "body.text")


@pytest.mark.parametrize(
    ("text", "status"),
    # The limit of SMS counts characters, that of Telegram UTF-16 units.
    [("a" * 4096, 201), ("a" * 4097, 422), ("\U0001f600" * 2048, 201), ("\U0001f600" * 2049, 422)],
)
def test_a_text_too_long_for_its_channel_is_refused_while_it_is_written(
    client: AppClient, database: Database, text: str, status: int
) -> None:
    with database.write() as connection:
        build = Builder(connection)
        case = build.conversation(channel="chat")
        build.message(case, channel="chat")

    answer = post(client, case, text=text)

    assert answer.status_code == status, answer.text
    if status == 422:
        assert [each["where"] for each in answer.json()["errors"]] == ["body.text"]
        assert rows(database, OutboundRow, "id") == []
    # A note goes nowhere.
    assert post(client, case, key="key-00000002", text=text, kind="note", based_on_version=None).status_code == 201


@pytest.mark.parametrize(
    ("planned", "status", "state", "case_is"),
    [(None, 409, "queued", "open"), ("send", 200, "queued", "resolved"), ("cancel", 200, "cancelled", "resolved")],
)
def test_resolving_asks_about_a_planned_reply(
    client: AppClient, database: Database, case: UUID, planned: str | None, status: int, state: str, case_is: str
) -> None:
    post(client, case, send_at=(datetime.now(UTC) + timedelta(hours=1)).isoformat())
    more = {"planned_replies": planned} if planned else {}

    answer = client.patch(f"/api/v1/conversations/{case}", json={"status": "resolved", **more})

    assert answer.status_code == status, answer.text
    assert rows(database, OutboundRow, "state") == [(state,)]
    assert rows(database, ConversationRow, "status") == [(case_is,)]
    approved = rows(database, OutboundRow, "approved_at")[0].approved_at
    assert (approved is not None) is (planned == "send")


def test_resolving_many_asks_about_each_and_without_one_nothing_is_asked(
    client: AppClient, database: Database, case: UUID
) -> None:
    with database.write() as connection:
        other = Builder(connection).conversation(channel="out", handle="wu@example.com")
    post(client, case, hold_until_opening=True)

    body = {"keys": [str(case), str(other)], "change": {"status": "resolved"}}
    results = client.post("/api/v1/conversations/bulk", json=body).json()["results"]

    assert [each["status"] for each in results] == [409, 200]
    assert "planned_replies" in results[0]["detail"]
    alone = client.patch(f"/api/v1/conversations/{case}", json={"planned_replies": "send"})
    assert alone.status_code == 422
