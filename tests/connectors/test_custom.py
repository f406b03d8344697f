"""The gate for systems of the operator's own: signatures against vectors, answers by signed call, lists by cursor."""

from __future__ import annotations

import base64
import hmac
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from connectors.base import Cursor, WebhookRequest
from connectors.custom.connector import CustomConnector
from connectors.custom.messages import ids_in_name
from connectors.custom.sender import open_sender
from connectors.custom.webhook import CustomEndpoint, file_request
from connectors.normalise import normalise_batch
from connectors.registry import open_polled, probe_channel
from connectors.safe_http import Forbidden
from connectors.sender_contract import Outgoing, SendVerdict
from router.envelope import from_json
from router.errors import ConfigError, PermanentError, RateLimited, TransientError
from router.settings import read_settings
from router.settings.channels.custom import CustomSettings
from router.settings.validation import examine_settings
from router.webhook_signature import read_keys
from tests.absent_inputs import NO_SPECS
from tests.custom_desk import SECRET, message, signed
from tests.fakes.contract import specs_folder
from tests.fakes.custom_app import App
from tests.fakes.server import DemoAnswer, Fault

TOML = """
[omniyard]
public_url = "https://desk.wallet.example"
[channels.app]
kind = "custom"
secret = "env:APP_SECRET"
{more}
[[routes]]
name = "all"
team = "front"
"""
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_SECRET", SECRET)
    monkeypatch.setenv("OUR_SECRET", SECRET)


def desk(more: str = ""):
    return read_settings(TOML.format(more=more))


def channel(more: str = "") -> CustomSettings:
    return desk(more).channels["app"]


def endpoint(more: str = "") -> CustomEndpoint:
    settings = desk(more)
    return CustomEndpoint("app", settings.channels["app"], settings.omniyard)


# 1. Signatures


@pytest.fixture(scope="module")
def vectors() -> dict[str, dict[str, str]]:
    folder = specs_folder()
    if folder is None:
        pytest.skip(NO_SPECS)
    return json.loads((folder / "vectors.json").read_text(encoding="utf-8"))


def test_the_vector_of_standard_webhooks(vectors, monkeypatch):
    vector = vectors["standard_webhooks_own"]
    headers = {
        "webhook-id": vector["id"],
        "webhook-timestamp": vector["timestamp"],
        "webhook-signature": vector["webhook_signature"],
    }
    body, at = vector["body"].encode(), datetime.fromtimestamp(int(vector["timestamp"]), UTC)

    def accepts(secret: str = vector["secret"], off: int = 0, **over: str) -> bool:
        monkeypatch.setenv("APP_SECRET", secret)
        request = WebhookRequest(body=body, headers=headers | over)
        return endpoint().is_signed(request, now=at + timedelta(seconds=off))

    assert [accepts(off=off) for off in (0, 299, -299, 301, -301)] == [True, True, True, False, False]
    assert accepts(f"{SECRET} {vector['secret']}")
    assert accepts(**{"webhook-signature": f"v2,AAAA {vector['webhook_signature']}"})
    assert not accepts(**{"webhook-signature": "v1,AAAA"})
    assert not accepts(**{"webhook-id": "msg_2"})
    assert not accepts(SECRET)


@pytest.mark.parametrize(
    ("auth", "vector", "secret", "signature", "stamp"),
    [
        (
            "zendesk",
            "zendesk_own",
            "secret",
            "x_zendesk_webhook_signature",
            "x-zendesk-webhook-signature-timestamp",
        ),
        ("slack", "slack_own", "signing_secret", "x_slack_signature", "x-slack-request-timestamp"),
        ("github", "meta_own", "app_secret", "x_hub_signature_256", ""),
    ],
)
def test_the_vectors_of_other_houses(vectors, monkeypatch, auth, vector, secret, signature, stamp):
    given = vectors[vector]
    monkeypatch.setenv("APP_SECRET", given[secret])
    headers = {signature.replace("_", "-"): given[signature]} | ({stamp: given["timestamp"]} if stamp else {})
    webhook = endpoint(f'auth = "{auth}"')
    at = NOW if auth != "github" else datetime.now(UTC)
    assert webhook.is_signed(WebhookRequest(body=given["body"].encode(), headers=headers), now=at)
    assert not webhook.is_signed(WebhookRequest(body=given["body"].encode() + b" ", headers=headers), now=at)
    if stamp:
        late = WebhookRequest(body=given["body"].encode(), headers=headers)
        assert not webhook.is_signed(late, now=at + timedelta(minutes=6))


def test_tokens_passwords_and_a_described_signature(monkeypatch):
    body = b"{}"

    def accepts(more: str, secret: str, headers: dict[str, str]) -> bool:
        monkeypatch.setenv("APP_SECRET", secret)
        return endpoint(more).is_signed(WebhookRequest(body=body, headers=headers), now=NOW)

    assert accepts('auth = "bearer"', "old new", {"authorization": "Bearer new"})
    assert not accepts('auth = "bearer"', "old new", {"authorization": "Bearer ol"})
    basic = base64.b64encode(b"tccc:secret").decode()
    assert accepts('auth = "basic"', "tccc:secret", {"authorization": f"Basic {basic}"})
    assert not accepts('auth = "basic"', "tccc:secret", {})
    stamp = str(int(NOW.timestamp()))
    digest = hmac.digest(b"key", stamp.encode() + b"." + body, "sha256")
    described = 'auth = "hmac"\nheader = "X-Sign"\ntimestamp_header = "X-Time"\nencoding = "base64"'
    assert accepts(described, "key", {"x-sign": base64.b64encode(digest).decode(), "x-time": stamp})
    assert not accepts(described, "key", {"x-sign": base64.b64encode(digest).decode(), "x-time": "1"})
    assert not accepts(described, "key", {"x-sign": "ü", "x-time": stamp})


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ("push = false", "push and pull are both off"),
        ('auth = "morse"', "standard"),
        ('auth = "hmac"', "needs the header"),
        ('header = "X"', "has keys of its own"),
        ('[channels.app.pull]\nurl = "http://list.example/"', "https"),
        ('[channels.app.send]\nurl = "http://app.example/"\nsecret = "env:OUR_SECRET"', "https"),
        ('[channels.app.send]\nurl = "https://app.example/"', "our calls are signed"),
        ("[channels.app.send]", "exactly one of the two"),
        ("[channels.app.send]\ncollect = true\ndeduplicates = true", "nothing can be looked up"),
    ],
)
def test_a_channel_that_cannot_work_is_an_error_of_the_file(more, sentence):
    with pytest.raises(ConfigError, match=sentence):
        desk(more)


def test_a_missing_secret_and_a_missing_address_are_reported():
    text = TOML.format(more="")
    with pytest.raises(ConfigError, match="must be signed"):
        read_settings(text.replace('secret = "env:APP_SECRET"', ""))
    findings = examine_settings(text.replace("public_url", "#public_url")).findings
    assert [(finding.key, finding.level) for finding in findings] == [("channels.app.kind", "warning")]


# 2. Answers


@pytest.fixture
def app() -> Iterator[App]:
    server = App()
    yield server
    server.stop()


def sender(app: App, more: str = ""):
    way = f'[channels.app.send]\nurl = "{app.base}/answers"\nsecret = "env:OUR_SECRET"\nallow_private = true\n{more}'
    settings = desk(f'users = "wallet"\n{way}')
    return open_sender("app", settings.channels["app"], settings.omniyard)


def outgoing(**over) -> Outgoing:
    values = {"attempt_id": uuid.uuid4(), "attempt": 1, "channel": "app", "recipient": "wallet:u-7", "text": "在路上"}
    values |= {"rfc_message_id": "x@y", "dated_at": NOW, "outbound_id": uuid.UUID(int=7), "reply_token": "0ABC-12"}
    return Outgoing(**values | over)


def test_an_answer_names_the_user_the_conversation_and_what_it_answers(app):
    batch = endpoint('users = "wallet"').batch(signed(json.dumps(message(conversation="c-9")).encode()), now=NOW)
    envelope = from_json(normalise_batch(batch.messages, channel="app", form=batch.form)[0].envelope)
    receipt = sender(app).send(outgoing(in_reply_to=envelope.rfc_message_id))
    assert (receipt.verdict, receipt.provider_id) == (SendVerdict.ACCEPTED, "theirs-1")
    (asked,) = app.asked
    assert asked.json == {
        "type": "message", "id": str(uuid.UUID(int=7)), "user": {"id": "u-7"}, "text": "在路上", "automatic": False,
        "case": "0ABC", "sent_at": NOW.isoformat(), "conversation": "c-9", "in_reply_to": "m-1",
    }  # fmt: skip
    assert asked.headers["webhook-id"] == str(uuid.UUID(int=7))
    assert ids_in_name("customer@mail.example") == ("", "")


@pytest.mark.parametrize(
    ("fault", "verdict", "whole", "words"),
    [
        (Fault(answer=DemoAnswer(409)), SendVerdict.ACCEPTED, False, ""),
        (Fault(answer=DemoAnswer(422, {"error": {"code": "no_user"}})), SendVerdict.REFUSED, False, "no_user"),
        (Fault(answer=DemoAnswer(400, {"error": {"code": "our own words"}})), SendVerdict.REFUSED, False, "no code"),
        (Fault(answer=DemoAnswer(410)), SendVerdict.REFUSED, True, "410"),
        (Fault(answer=DemoAnswer(401)), SendVerdict.NOT_SENT, True, "secret"),
        (Fault(answer=DemoAnswer(429, headers={"Retry-After": "30"})), SendVerdict.NOT_SENT, True, "429"),
        (Fault(answer=DemoAnswer(503)), SendVerdict.NOT_SENT, False, "503"),
        (Fault(answer=DemoAnswer(500)), SendVerdict.UNKNOWN, False, "500"),
        (Fault(answer=DemoAnswer(302, headers={"Location": "https://b.example"})), SendVerdict.UNKNOWN, False, "302"),
        (Fault(lose=True), SendVerdict.UNKNOWN, False, "did not come"),
    ],
)
def test_each_answer_of_theirs_has_its_verdict(app, fault, verdict, whole, words):
    app.script(fault)
    receipt = sender(app).send(outgoing())
    assert (receipt.verdict, receipt.whole_channel) == (verdict, whole)
    assert words in receipt.why
    if "429" in words:
        assert receipt.retry_after == timedelta(seconds=30)


def test_a_receiver_that_is_not_there_costs_no_attempt(app):
    gone = sender(app)
    app.stop()
    receipt = gone.send(outgoing())
    assert (receipt.verdict, receipt.whole_channel) == (SendVerdict.NOT_SENT, True)


def test_a_lost_answer_is_found_by_its_id_or_repeated_under_it(app):
    app.script(Fault(lose=True))
    way = sender(app, f'deduplicates = true\nlookup = "{app.base}/known/{{id}}"')
    assert way.repeatable
    assert not sender(app).repeatable
    assert way.send(outgoing()).verdict is SendVerdict.UNKNOWN
    assert way.reconcile(outgoing(), since=NOW).provider_id == "theirs-1"
    assert way.send(outgoing(attempt=2)).verdict is SendVerdict.ACCEPTED
    assert len(app.known) == 1
    assert {asked.headers["webhook-id"] for asked in app.asked if asked.method == "POST"} == {str(uuid.UUID(int=7))}


def test_a_long_text_and_a_public_answer_by_machine_never_leave(app):
    assert sender(app, "longest = 3").send(outgoing(text="1234")).verdict is SendVerdict.REFUSED
    public = desk(f'public = true\n[channels.app.send]\nurl = "{app.base}"\nsecret = "env:OUR_SECRET"')
    way = open_sender("app", public.channels["app"], public.omniyard)
    assert way.send(outgoing(automatic=True)).verdict is SendVerdict.REFUSED
    assert app.asked == []


# 3. Their list


def pulling(app: App) -> CustomConnector:
    more = f'push = false\n[channels.app.pull]\nurl = "{app.base}/list"\nallow_private = true'
    (polled,) = open_polled(desk(more))
    assert polled.poll == 20.0
    return polled.connector


def test_a_list_is_read_by_its_cursor(app):
    app.items = [message(f"m-{number}") for number in range(7)]
    connector, cursor, keys, more = pulling(app), None, [], True
    while more:
        batch = connector.fetch(cursor)
        keys += [each.source_key for each in batch.messages]
        cursor, more = batch.cursor, batch.more
    assert keys == [f"m:m-{number}" for number in range(7)]
    assert connector.fetch(cursor).messages == []
    # A batch that was fetched and not stored is fetched again.
    assert len(connector.fetch(Cursor(cursor.epoch, "3")).messages) == 3


def test_a_cursor_that_has_ended_begins_again_with_a_notice(app):
    app.items = [message(f"m-{number}") for number in range(7)]
    app.oldest = 5
    batch = pulling(app).fetch(Cursor(f"{app.base}/list", "2"))
    assert [each.source_key for each in batch.messages] == ["m:m-5", "m:m-6"]
    assert batch.notice
    moved = pulling(app).fetch(Cursor("https://old.example", "2"))
    assert (moved.cursor.epoch, bool(moved.notice)) == (f"{app.base}/list", True)


def test_an_odd_item_of_the_list_becomes_a_stub_with_its_reason(app):
    app.items = [message(), {"type": "message", "id": "m-2"}]
    batch = pulling(app).fetch(None)
    arrivals = normalise_batch(batch.messages, channel="app", form=batch.form)
    assert [bool(each.unreadable) for each in arrivals] == [False, True]
    assert "/user" in arrivals[1].unreadable


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (DemoAnswer(429, headers={"Retry-After": "7"}), RateLimited),
        (DemoAnswer(401), PermanentError),
        (DemoAnswer(404), PermanentError),
        (DemoAnswer(500), TransientError),
        (DemoAnswer(200, content=b"<html>"), PermanentError),
        (DemoAnswer(200, {"items": 7}), PermanentError),
        (DemoAnswer(200, {"items": [], "next": {}}), PermanentError),
    ],
)
def test_a_list_that_cannot_be_read_says_so(app, answer, error):
    app.script(Fault(answer=answer))
    with pytest.raises(error):
        pulling(app).fetch(None)


# 4. What the operator asks


def test_doctor_tests_the_secrets_the_list_and_the_address(app, monkeypatch):
    tables = f'[channels.app.pull]\nurl = "{app.base}/list"\nallow_private = true\n'
    tables += f'[channels.app.send]\nurl = "{app.base}/answers"\nsecret = "env:OUR_SECRET"\nallow_private = true'
    settings = desk(tables)
    health = probe_channel("app", settings.channels["app"], desk=settings.omniyard)
    assert health.ok
    assert "/webhooks/app" in health.findings[0]
    assert app.known == {}
    monkeypatch.setenv("OUR_SECRET", "whsec_AAAA")
    app.script(Fault(answer=DemoAnswer(403)))
    broken = probe_channel("app", settings.channels["app"], desk=settings.omniyard)
    assert not broken.ok
    assert "403" in str(broken.findings)
    assert "24" in str(broken.findings)


def test_files_come_from_allowed_hosts_only():
    settings = channel('file_hosts = ["files.wallet.example"]')
    assert file_request(settings, "https://files.wallet.example/1").largest == settings.largest
    with pytest.raises(Forbidden):
        file_request(settings, "https://files.wallet.example.evil.example/1")


def test_short_keys_of_theirs_are_refused():
    assert read_keys("whsec_b21uaXlhcmQtc2VjcmV0LTAwMDE=", shortest=16)
    with pytest.raises(ConfigError):
        read_keys("whsec_b21uaXlhcmQtc2VjcmV0LTAwMDE=")
