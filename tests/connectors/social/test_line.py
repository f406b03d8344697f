"""LINE: signatures against vectors, kinds of messages, each answer of LINE, the probe; numbers of the checks."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from connectors.base import WebhookRequest
from connectors.normalise import normalise_batch
from connectors.registry import endpoint_of, probe_channel, sender_of
from connectors.sender_contract import Outgoing, SendVerdict
from connectors.social.line.webhook import file_request
from router.envelope import RevisionKind, from_json
from router.errors import PermanentError
from router.settings import Settings, read_settings
from router.settings.validation import examine_settings
from tests.absent_inputs import NO_SPECS
from tests.fakes.contract import specs_folder
from tests.fakes.line import CUSTOMER, OTHER, SECRET, TOKEN, FakeLine, error
from tests.fakes.server import Fault

NOW = datetime.now(UTC)
TOML = """
[omniyard]
PUBLIC
[channels.line]
kind = "line"
secret = "env:LINE_SECRET"
old_secret = "env:LINE_OLD_SECRET"
token = "env:LINE_TOKEN"
MORE
[[routes]]
name = "all"
team = "front"
"""
PUBLIC = 'public_url = "https://d.example"'


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"LINE_SECRET": SECRET, "LINE_OLD_SECRET": "the one before", "LINE_TOKEN": TOKEN}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def server() -> Iterator[FakeLine]:
    fake = FakeLine()
    yield fake
    fake.stop()
    assert fake.violations + (fake.contract.violations if fake.contract else []) == []


@pytest.fixture
def line(server: FakeLine) -> FakeLine:
    """The server of the module without what another test left."""
    server.faults.clear()
    server.asked.clear()
    server.sent.clear()
    server.quota = 200
    server.endpoint = {"endpoint": "https://d.example/webhooks/line", "active": True}
    return server


def text_of(base: str = "", *, public: bool = True) -> str:
    more = f'api_base = "{base}"' if base else ""
    return TOML.replace("PUBLIC", PUBLIC if public else "").replace("MORE", more)


def settings(base: str = "") -> Settings:
    return read_settings(text_of(base))


def endpoint():
    desk = settings()
    return endpoint_of("line", desk.channels["line"], desk=desk.omniyard)


def envelopes(*requests: WebhookRequest):
    raw = [message for each in requests for message in endpoint().batch(each, now=NOW).messages]
    arrivals = normalise_batch(raw, channel="line", form="line")
    assert [each.unreadable for each in arrivals if each.unreadable] == []
    return [from_json(each.envelope) for each in arrivals]


# Webhooks


def test_the_vector_of_the_signature_and_a_batch_without_events(monkeypatch):
    folder = specs_folder()
    if folder is None:
        pytest.skip(NO_SPECS)
    vector = json.loads((folder / "vectors.json").read_text(encoding="utf-8"))["line_own"]
    monkeypatch.setenv("LINE_SECRET", vector["channel_secret"])
    body, headers = vector["body"].encode(), {"x-line-signature": vector["x_line_signature"]}
    request = WebhookRequest(body=body, headers=headers)
    assert endpoint().is_signed(request, now=NOW)
    assert list(endpoint().batch(request, now=NOW).messages) == []
    assert endpoint().answer(request, taken={}).status == 200
    written_again = json.dumps(json.loads(body)).encode()
    assert written_again != body
    assert not endpoint().is_signed(WebhookRequest(body=written_again, headers=headers), now=NOW)
    assert not endpoint().is_signed(WebhookRequest(body=body, headers={}), now=NOW)
    assert not endpoint().is_signed(WebhookRequest(body=body, headers={"x-line-signature": "é"}), now=NOW)


def test_both_secrets_are_accepted_while_one_is_changed(line):
    for secret, fine in ((SECRET, True), ("the one before", True), ("another", False)):
        assert endpoint().is_signed(line.request(line.event("x"), secret=secret), now=NOW) is fine


@pytest.mark.parametrize("body", [b"", b"[]", b'{"events": 1}', b"\xff", b"[" * 100_000])
def test_what_is_no_batch_is_refused(body):
    with pytest.raises(PermanentError):
        endpoint().batch(WebhookRequest(body=body, headers={}), now=NOW)


def test_each_event_of_a_batch_is_read_alone_and_ids_are_exact(line):
    found = envelopes(line.request(line.event("a"), line.event("b", sender=OTHER), line.event("c")))
    assert [(each.sender.handle, each.text) for each in found] == [(CUSTOMER, "a"), (OTHER, "b"), (CUSTOMER, "c")]


def test_groups_standby_following_and_broken_events_are_passed_over_without_the_others(line):
    group = line.event("a") | {"source": {"type": "group", "groupId": "C1", "userId": CUSTOMER}}
    standby, follow = line.event("b") | {"mode": "standby"}, line.event("c") | {"type": "follow"}
    follow = {name: value for name, value in follow.items() if name != "message"} | {"follow": {"isUnblocked": False}}
    found = envelopes(line.request(group, standby, follow, line.event("d")))
    assert [each.text for each in found] == ["d"]
    broken = [{"type": "message", "mode": "active", "source": {"type": "user", "userId": bad}} for bad in (1, "U1")]
    body = json.dumps({"events": [*broken, 7, line.event("e")]}).encode()
    assert [each.text for each in envelopes(WebhookRequest(body=body, headers={}))] == ["e"]


_STICKER = {"type": "sticker", "packageId": "1", "stickerId": "2", "stickerResourceType": "STATIC"}


@pytest.mark.parametrize(
    ("said", "text", "files"),
    [
        (_STICKER | {"keywords": ["sad", "cry"]}, "[sticker] sad, cry", []),
        ({"type": "location", "title": "shop", "latitude": 1.5, "longitude": 2}, "[location] shop\n1.5\n2", []),
        ({"type": "file", "fileName": "单.pdf", "fileSize": 3}, "", ["单.pdf"]),
        ({"type": "video", "duration": 1, "contentProvider": {"type": "line"}}, "", ["video.mp4"]),
        ({"type": "new", "what": "x"}, '[new]\n{"what": "x"}', []),
    ],
)
def test_every_kind_of_message_is_shown(line, said, text, files):
    (envelope,) = envelopes(line.request(line.event(**said)))
    assert (envelope.text, [each.name for each in envelope.attachments]) == (text, files)


def test_an_unsend_names_the_message_and_a_redelivery_is_the_same(line):
    event = line.event("a")
    taken = line.unsend(event)
    again = taken | {"deliveryContext": {"isRedelivery": True}}
    batches = [endpoint().batch(line.request(each), now=NOW).messages for each in (taken, again)]
    first, second = (normalise_batch(batch, channel="line", form="line")[0] for batch in batches)
    assert (first.source_key, first.content_hash) == (second.source_key, second.content_hash)
    revision = from_json(first.envelope).revision
    assert revision
    assert (revision.kind, revision.of) == (RevisionKind.WITHDRAWN, event["message"]["id"])


def test_a_file_is_fetched_with_the_token_from_line_alone(line):
    channel = settings().channels["line"]
    ours, theirs = file_request(channel, "line-media:1/../2"), file_request(channel, "https://a.example/x.jpg")
    assert ours.url == "https://api-data.line.me/v2/bot/message/1%2F..%2F2/content"
    assert ours.headers == {"Authorization": f"Bearer {TOKEN}"}
    assert (theirs.headers, theirs.allow_private, ours.allow_private) == ({}, False, False)


# Answers


def outgoing(text: str = "hello", **more) -> Outgoing:
    made = {"recipient": CUSTOMER, "rfc_message_id": "x@d", "dated_at": NOW, "channel": "line", "attempt": 1}
    return Outgoing(outbound_id=uuid.uuid4(), attempt_id=uuid.uuid4(), text=text, **(made | more))


def sender(line: FakeLine):
    desk = settings(line.base)
    found = sender_of("line", desk.channels["line"], desk=desk.omniyard)
    assert found
    return found


ANSWERS = [
    (400, "The request body has 1 error(s)", SendVerdict.REFUSED, False),
    (401, "Authentication failed", SendVerdict.NOT_SENT, True),
    (403, "Not available for your account", SendVerdict.NOT_SENT, True),
    (429, "The API rate limit has been exceeded. Try again later.", SendVerdict.NOT_SENT, True),
    (429, "You have reached your monthly limit.", SendVerdict.NOT_SENT, True),
    (500, "Internal server error", SendVerdict.UNKNOWN, False),
]


@pytest.mark.parametrize(("status", "said", "verdict", "whole"), ANSWERS)
def test_each_answer_of_line_has_its_verdict_in_words(line, status, said, verdict, whole):
    line.script(Fault(answer=error(status, said)))
    receipt = sender(line).send(outgoing())
    assert (receipt.verdict, receipt.whole_channel) == (verdict, whole)
    assert str(status) in receipt.why
    assert TOKEN not in receipt.why
    assert (receipt.retry_after == timedelta(hours=1)) is ("monthly" in said)


def test_the_same_key_again_is_accepted_with_the_first_id(line):
    message = outgoing()
    line.script(Fault(lose=True))
    first, second = sender(line).send(message), sender(line).send(message)
    assert (first.verdict, second.verdict) == (SendVerdict.UNKNOWN, SendVerdict.ACCEPTED)
    assert (second.provider_id, line.sent) == (line.keys[str(message.outbound_id)], [(CUSTOMER, "hello")])


def test_after_a_day_line_knows_no_key_and_nothing_is_repeated(line):
    old, young = NOW - timedelta(hours=24), NOW - timedelta(hours=1)
    assert sender(line).reconcile(outgoing(), since=young) is None
    receipt = sender(line).reconcile(outgoing(), since=old)
    assert receipt
    assert receipt.verdict is SendVerdict.REFUSED


def test_a_free_reply_whose_answer_is_lost_is_not_repeated(line):
    event = line.event("hello")
    (asked,) = envelopes(line.request(event))
    message = outgoing(automatic=True, in_reply_to=asked.rfc_message_id)
    line.script(Fault(lose=True))
    assert sender(line).send(message).verdict is SendVerdict.UNKNOWN
    receipt = sender(line).reconcile(message, since=NOW)
    assert receipt
    assert (receipt.verdict, [to for to, _ in line.sent]) == (SendVerdict.ACCEPTED, [event["replyToken"]])
    # What a person writes is pushed
    sender(line).send(outgoing(in_reply_to=asked.rfc_message_id))
    assert line.asked[-1].path == "/v2/bot/message/push"


def test_a_text_that_is_too_long_is_refused_before_any_request(line):
    for text in ("", "\N{GRINNING FACE}" * 2501):
        assert sender(line).send(outgoing(text)).verdict is SendVerdict.REFUSED
    assert line.asked == []


# For the operator


def probed(line: FakeLine):
    desk = settings(line.base)
    return probe_channel("line", desk.channels["line"], desk=desk.omniyard)


def test_doctor_says_what_is_left_of_the_quota_and_fails_when_nothing_is(line):
    line.sent += [(CUSTOMER, "x")] * 3
    health = probed(line)
    assert health.ok
    assert "3 of 200 messages of this month are used" in health.findings
    line.quota = 3
    assert not probed(line).ok
    line.quota = None
    assert "messages are not limited" in probed(line).findings


def test_doctor_compares_the_address_and_says_what_is_off(line):
    for found, word in (
        (None, "no webhook URL"),
        ({"endpoint": "https://other.example/x", "active": True}, "another address"),
        ({"endpoint": "https://d.example/webhooks/line", "active": False}, "Use webhook"),
    ):
        line.endpoint = found
        health = probed(line)
        assert not health.ok
        assert word in health.findings[0]


def test_a_dead_token_is_a_sentence_now(line, monkeypatch):
    monkeypatch.setenv("LINE_TOKEN", "ended")
    health = probed(line)
    assert not health.ok
    assert "access token (401)" in health.findings[0]


def test_check_says_that_line_has_no_address_to_call():
    (finding,) = examine_settings(text_of(public=False)).findings
    assert (finding.level, "public_url" in finding.message) == ("warning", True)
