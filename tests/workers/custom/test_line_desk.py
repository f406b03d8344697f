"""A LINE account on a desk: batches, redelivery, withdrawals, pushes sent once, free replies, the quota, files later.

Numbers are those of the gate's acceptance checks.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from api.rest.queries import Story
from connectors.base import WebhookRequest
from store.conversations.read import find_conversation
from store.tables.gates import FetchedFileRow
from store.tables.messages import ConversationRow, IdentityRow, InboundRow, MessageRow
from store.tables.operations import OutboundRow
from tests.custom_desk import CustomDesk
from tests.fakes.line import CUSTOMER, OTHER, SECRET, TOKEN, FakeLine, error
from tests.fakes.server import DemoAnswer, Fault
from tests.workers.custom.answers import deliver_lane, reply
from workers.chores.fetch_files import FileFetcher
from workers.intake.provider_webhooks import ProviderWebhooks, Unsigned

CHANNEL = """
[channels.line]
kind = "line"
secret = "env:LINE_SECRET"
token = "env:LINE_TOKEN"
calendar = "office"
api_base = "BASE"
MORE
"""


@pytest.fixture
def line() -> Iterator[FakeLine]:
    fake = FakeLine()
    yield fake
    fake.stop()
    assert fake.violations + (fake.contract.violations if fake.contract else []) == []


@pytest.fixture
def more() -> str:
    return ""


@pytest.fixture
def desk(database, tmp_path, monkeypatch, line, more) -> CustomDesk:
    monkeypatch.setenv("LINE_SECRET", SECRET)
    monkeypatch.setenv("LINE_TOKEN", TOKEN)
    return CustomDesk(database, tmp_path, monkeypatch, more=CHANNEL.replace("BASE", line.base).replace("MORE", more))


def call(desk: CustomDesk, request: WebhookRequest, *, webhooks: ProviderWebhooks | None = None) -> int:
    return (webhooks or desk.webhooks).message("line", request, now=datetime.now(UTC)).status


def send(desk: CustomDesk) -> None:
    desk.make_due(OutboundRow)
    deliver_lane(desk, "line")


def test_a_message_opens_a_case_and_an_answer_is_pushed_to_the_exact_id(desk, line):
    assert call(desk, line.request(line.event("钱没到账"))) == 200
    desk.work()
    reply(desk, "在路上", to=None)
    send(desk)
    assert line.sent == [(CUSTOMER, "在路上")]
    assert desk.rows(OutboundRow, "state") == ["sent"]
    ((outbound_id, provider_id),) = desk.rows(OutboundRow, "id", "provider_id")
    assert line.keys == {str(outbound_id): provider_id}


def test_a_batch_with_two_customers_who_differ_in_case_makes_two_contacts_and_two_cases(desk, line):
    call(desk, line.request(line.event("mine"), line.event("theirs", sender=OTHER)))
    desk.work()
    assert sorted(desk.rows(IdentityRow, "handle")) == sorted([CUSTOMER, OTHER])
    assert len(set(desk.rows(ConversationRow, "contact_id"))) == 2


def test_one_message_five_times_over_two_processes_is_one_message(desk, line):
    event = line.event("钱没到账")
    again = event | {"deliveryContext": {"isRedelivery": True}}
    requests = [line.request(event), *(line.request(again) for _ in range(4))]
    processes = [desk.webhooks, ProviderWebhooks(desk.settings, desk.database)]
    call(desk, requests[0])
    with ThreadPoolExecutor(2) as threads:
        said = [*threads.map(lambda number: call(desk, requests[number], webhooks=processes[number % 2]), range(5))]
    processes[1].close()
    desk.work()
    assert (set(said), len(desk.rows(InboundRow, "id")), desk.messages("text")) == ({200}, 1, ["钱没到账"])


def test_an_unsent_message_loses_its_words_and_stays_in_the_audit(desk, line):
    event = line.event("my password is 123")
    call(desk, line.request(event))
    desk.work()
    call(desk, line.request(line.unsend(event)))
    desk.work()
    ((text, at),) = desk.rows(MessageRow, "text", "withdrawn_at")
    assert "password" not in text
    assert at
    assert len(desk.rows(InboundRow, "id")) == 2


def test_the_file_of_an_unsent_message_is_shown_no_more(desk, line):
    event = line.event(type="image", contentProvider={"type": "line"})
    shown = []
    for request in (line.request(event), line.request(line.unsend(event))):
        call(desk, request)
        desk.work()
        (case,) = desk.rows(ConversationRow, "id")
        with desk.database.read() as connection:
            story = Story(connection, find_conversation(connection, case), limit=9)
        shown.append([file.name for message in story.messages for file in story.files(message)])
    assert shown == [["image.jpg"], []]


def test_a_push_whose_answer_is_lost_is_repeated_under_its_key_and_is_one_copy(desk, line):
    call(desk, line.request(line.event("hello")))
    desk.work()
    reply(desk, "on its way", to=None)
    line.script(Fault(lose=True, when=lambda asked: asked.path.endswith("/push")))
    send(desk)
    assert desk.rows(OutboundRow, "state") == ["unknown"]
    desk.make_due(OutboundRow)
    deliver_lane(desk, "line")
    send(desk)
    assert desk.rows(OutboundRow, "state", "provider_id") == [("sent", *line.keys.values())]
    assert line.sent == [(CUSTOMER, "on its way")]
    assert len([each for each in line.asked if each.path.endswith("/push")]) == 2


def test_a_used_up_quota_makes_the_channel_wait_and_does_not_loop(desk, line):
    line.quota = 0
    call(desk, line.request(line.event("hello")))
    desk.work()
    reply(desk, "one", to=None)
    send(desk)
    ((state, why, due),) = desk.rows(OutboundRow, "state", "error", "due_at")
    assert (state, "used up" in why) == ("queued", True)
    assert (due - datetime.now(UTC)).total_seconds() > 600
    deliver_lane(desk, "line")
    assert len([each for each in line.asked if each.path.endswith("/push")]) == 1


def test_what_is_not_signed_stores_nothing(desk, line):
    with pytest.raises(Unsigned):
        call(desk, line.request(line.event("hello"), secret="another"))
    assert desk.rows(InboundRow, "id") == []


# Free replies


def test_an_automatic_reply_is_free_by_the_reply_token(desk, line):
    desk.close()
    desk.webhooks = ProviderWebhooks(desk.settings, desk.database)
    event = line.event("hello")
    call(desk, line.request(event))
    desk.work()
    send(desk)
    assert [to for to, _ in line.sent] == [event["replyToken"]]
    assert desk.rows(OutboundRow, "state") == ["sent"]


@pytest.mark.parametrize(("more", "sent"), [("", 1), ("push_automatic = false", 0)])
def test_an_automatic_reply_whose_token_has_ended_is_pushed_or_dropped(desk, line, sent):
    desk.close()
    desk.webhooks = ProviderWebhooks(desk.settings, desk.database)
    call(desk, line.request(line.event("hello")))
    line.reply_tokens.clear()
    desk.work()
    send(desk)
    assert len(line.sent) == sent
    assert desk.rows(OutboundRow, "state") == ["sent" if sent else "failed"]


# Files


def test_each_file_that_cannot_be_had_is_a_sentence_and_one_in_preparation_comes_later(desk, line):
    made = [line.event(type="image", contentProvider={"type": "line"}) for _ in range(3)]
    fine, slow, gone = (each["message"]["id"] for each in made)
    line.media |= {fine: b"\xff\xd8\xff\xe0 a picture", slow: b"\xff\xd8\xff\xe0 slow"}
    private = {"type": "external", "originalContentUrl": "http://169.254.169.254/x", "previewImageUrl": "http://a.b/"}
    call(desk, line.request(*made, line.event(type="image", contentProvider=private)))
    line.script(Fault(answer=DemoAnswer(202), when=lambda asked: slow in asked.path))
    line.script(Fault(answer=error(410, "Gone"), when=lambda asked: gone in asked.path))
    desk.work()
    fetcher = FileFetcher(desk.database, desk.settings, seconds=60)
    fetcher.once()
    while "waiting" in desk.rows(FetchedFileRow, "state"):
        desk.make_due(FetchedFileRow, lease_until=None)
        fetcher.once()
    found = sorted(desk.rows(FetchedFileRow, "state", "error"))
    assert found == [("failed", "forbidden"), ("failed", "refused"), ("fetched", ""), ("fetched", "")]
    assert len(desk.messages("id")) == 4
