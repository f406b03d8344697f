"""An SMS provider described in the file: its deliveries are verified, and requests have its format."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from connectors.normalise import normalise_batch
from connectors.registry import open_senders
from connectors.sender_contract import Outgoing, SendVerdict
from connectors.sms.http_api import webhook as http_webhook
from connectors.sms.http_api.sender import open_sender
from router.envelope import from_json
from router.errors import ConfigError, PermanentError
from router.settings import Settings, read_settings
from router.settings.validation import examine_settings
from tests.fakes.server import DemoAnswer, DemoRequest, FakeServer, Fault

NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
KEY = "key-of-the-provider"
TOML = """
[omniyard]
public_url = "https://desk.wallet.example"
[channels.sms]
kind = "http_sms"
number = "10690000"
region = "CN"
secret = "env:SMS_SECRET"
fields = {{ id = "msgId", sender = "mobile", text = "content", to = "extend", list = "data.messages" }}
answer = "OK"
{more}
[channels.sms.send]
url = "{base}/v1/send?app=7"
headers = {{ Authorization = "env:SMS_AUTHORIZATION" }}
body = {{ phone = "{{national}}", content = "{{text}}", outId = "{{id}}", sign = "wallet" }}
accepted = {{ code = "OK" }}
id_field = "data.bizId"
{send}
[[routes]]
name = "all"
team = "front"
"""


class Provider(FakeServer):
    def answer(self, asked: DemoRequest) -> DemoAnswer:
        return DemoAnswer(document={"code": "OK", "data": {"bizId": f"B{len(self.asked)}"}})


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMS_SECRET", KEY)
    monkeypatch.setenv("SMS_AUTHORIZATION", "Bearer of-ours")


@pytest.fixture
def provider() -> Iterator[Provider]:
    fake = Provider()
    yield fake
    fake.stop()


def desk(base: str = "https://sms.example", *, more: str = "", send: str = "") -> Settings:
    return read_settings(TOML.format(base=base, more=more, send=send))


def outgoing(text: str = "退款已到账 {national}") -> Outgoing:
    return Outgoing(
        outbound_id=uuid.UUID(int=7), attempt_id=uuid.uuid4(), attempt=1, channel="sms", recipient="+8613800138000",
        text=text, rfc_message_id="1@desk", dated_at=NOW,
    )  # fmt: skip


def body(*messages: dict) -> bytes:
    return json.dumps({"data": {"messages": list(messages)}}).encode()


MESSAGE = {"msgId": 77001, "mobile": "13800138000", "content": "我的钱呢", "extend": "10690000"}


def sign(content: bytes) -> str:
    return hmac.new(KEY.encode(), content, hashlib.sha256).hexdigest()


def test_a_brought_message_is_found_by_its_fields_and_its_number_made_comparable():
    settings = desk().channels["sms"]
    batch = http_webhook.batch_of("sms", settings, body=body(MESSAGE), media_type="application/json", now=NOW)
    (arrival,) = normalise_batch(batch.messages, channel="sms", form=batch.form)
    envelope = from_json(arrival.envelope)
    assert (arrival.source_key, envelope.text, envelope.sender.handle) == ("77001", "我的钱呢", "+8613800138000")
    assert envelope.to[0].handle == "10690000"


def test_a_form_is_understood_as_well():
    settings = desk(more="").channels["sms"].model_copy(update={"fields": {"id": "i", "sender": "p", "text": "t"}})
    form = b"i=5&p=%2B447700900123&t=hello+there"
    batch = http_webhook.batch_of("sms", settings, body=form, media_type="application/x-www-form-urlencoded", now=NOW)
    envelope = from_json(normalise_batch(batch.messages, channel="sms", form=batch.form)[0].envelope)
    assert (envelope.text, envelope.sender.handle) == ("hello there", "+447700900123")


def test_one_odd_message_costs_one_message():
    settings = desk().channels["sms"]
    odd = {"msgId": 2, "mobile": None, "content": ["?"]}
    batch = http_webhook.batch_of("sms", settings, body=body(MESSAGE, odd), media_type="application/json", now=NOW)
    unreadable = [bool(each.unreadable) for each in normalise_batch(batch.messages, channel="sms", form=batch.form)]
    assert unreadable == [False, True]


@pytest.mark.parametrize(
    "content", [b"", b"<xml/>", b'{"data": {}}', b'{"data": {"messages": []}}', b'{"data": {"messages": [1]}}']
)
def test_what_is_no_message_is_refused(content):
    with pytest.raises(PermanentError):
        http_webhook.batch_of("sms", desk().channels["sms"], body=content, media_type="application/json", now=NOW)


def test_the_signature_is_over_the_raw_bytes():
    settings, content = desk().channels["sms"], body(MESSAGE)
    signed = lambda given, what=content: http_webhook.is_signed(settings, body=what, headers=given, now=NOW)  # noqa: E731
    assert signed({"x-signature": sign(content)})
    assert signed({"x-signature": f"sha256={sign(content).upper().lower()}"})
    assert not signed({})
    assert not signed({"x-signature": sign(content)[:32]})
    assert not signed({"x-signature": sign(content)}, content + b" ")
    assert not signed({"x-signature": "ü" * 64})


def test_base64_and_a_signed_time_are_understood_and_old_ones_refused():
    more = 'signature = "base64"\ntimestamp_header = "X-Time"'
    settings, content = desk(more=more).channels["sms"], body(MESSAGE)

    def signed(at: datetime, *, stated: datetime | None = None) -> bool:
        stamp = str(int(at.timestamp()))
        digest = hmac.new(KEY.encode(), stamp.encode() + b"." + content, hashlib.sha256).digest()
        shown = str(int((stated or at).timestamp()))
        headers = {"x-signature": base64.b64encode(digest).decode(), "x-time": shown}
        return http_webhook.is_signed(settings, body=content, headers=headers, now=NOW)

    assert signed(NOW - timedelta(minutes=4))
    assert not signed(NOW - timedelta(hours=1))
    assert not signed(NOW - timedelta(hours=1), stated=NOW)
    assert not signed(NOW + timedelta(minutes=6))


def test_an_sms_leaves_as_the_file_describes_it(provider):
    sender = open_sender("sms", desk(provider.base).channels["sms"], desk(provider.base).omniyard)
    receipt = sender.send(outgoing())
    (asked,) = provider.asked
    assert (receipt.verdict, receipt.provider_id) == (SendVerdict.ACCEPTED, "B1")
    assert (asked.path, asked.params, asked.headers["Authorization"]) == ("/v1/send", {"app": "7"}, "Bearer of-ours")
    # The customer's own braces stay what they are.
    assert asked.json == {
        "phone": "13800138000", "content": "退款已到账 {national}", "outId": uuid.UUID(int=7).hex, "sign": "wallet",
    }  # fmt: skip


def test_a_form_leaves_where_the_provider_wants_one(provider):
    settings = desk(provider.base, send='encoding = "form"')
    open_sender("sms", settings.channels["sms"], settings.omniyard).send(outgoing("hello & you"))
    assert provider.asked[0].form["content"] == "hello & you"


@pytest.mark.parametrize(
    ("fault", "verdict", "whole", "words"),
    [
        (
            Fault(answer=DemoAnswer(200, {"code": "isv.BLACK_LIST", "message": "secret words"})),
            SendVerdict.REFUSED,
            False,
            "isv.BLACK_LIST",
        ),
        (Fault(answer=DemoAnswer(200, {"code": "words with blanks"})), SendVerdict.REFUSED, False, "something else"),
        (Fault(answer=DemoAnswer(200, content=b"<html>")), SendVerdict.UNKNOWN, False, "no JSON"),
        (Fault(answer=DemoAnswer(400, {})), SendVerdict.REFUSED, False, "400"),
        (Fault(answer=DemoAnswer(401, {})), SendVerdict.NOT_SENT, True, "check `headers`"),
        (Fault(answer=DemoAnswer(429, {}, headers={"Retry-After": "8"})), SendVerdict.NOT_SENT, True, "429"),
        (
            Fault(answer=DemoAnswer(302, headers={"Location": "https://evil.example"})),
            SendVerdict.UNKNOWN,
            False,
            "302",
        ),
        (Fault(answer=DemoAnswer(500, {})), SendVerdict.UNKNOWN, False, "500"),
        (Fault(lose=True), SendVerdict.UNKNOWN, False, "did not come"),
    ],
)
def test_each_answer_has_its_verdict(provider, fault, verdict, whole, words):
    provider.script(fault)
    sender = open_sender("sms", desk(provider.base).channels["sms"], desk(provider.base).omniyard)
    receipt = sender.send(outgoing())
    assert (receipt.verdict, receipt.whole_channel) == (verdict, whole)
    assert words in receipt.why
    assert "secret words" not in receipt.why


def test_a_text_that_is_too_long_is_refused_here(provider):
    settings = desk(provider.base, send="longest = 5")
    assert (
        open_sender("sms", settings.channels["sms"], settings.omniyard).send(outgoing("123456")).verdict
        is SendVerdict.REFUSED
    )
    assert provider.asked == []


def test_doctor_says_where_messages_must_be_brought(monkeypatch):
    sender = open_senders(desk())["http_sms"]["sms"]
    assert "https://desk.wallet.example/webhooks/sms" in sender.probe().findings[0]
    monkeypatch.delenv("SMS_AUTHORIZATION")
    assert not sender.probe().ok


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("{{text}}", "{{words}}"), "unknown placeholder {words}"),
        (("{{national}}", "fixed"), "the recipient is missing"),
        (('sender = "mobile", ', ""), "expected id, sender, text"),
        (("https://sms.example", "http://sms.example"), "expected https"),
    ],
)
def test_a_description_that_cannot_work_is_an_error_of_the_file(change, sentence):
    text = TOML.replace(*change) if change[0] in TOML else TOML
    base = change[1] if change[0] == "https://sms.example" else "https://sms.example"
    with pytest.raises(ConfigError, match=sentence.replace("{", r"\{")):
        read_settings(text.format(base=base, more="", send=""))


def test_check_says_when_the_provider_has_no_address_to_deliver_to():
    text = TOML.replace("public_url", "#public_url").format(base="https://sms.example", more="", send="")
    findings = examine_settings(text).findings
    assert [(finding.key, finding.level) for finding in findings] == [("channels.sms.kind", "warning")]


def test_check_says_that_a_number_of_mainland_china_takes_no_sms_at_twilio():
    text = """
    [channels.sms]
    kind = "twilio"
    account = "env:A"
    token = "env:B"
    number = "+8610690000"
    [[routes]]
    name = "all"
    team = "front"
    """
    (finding,) = examine_settings(text).findings
    assert (finding.key, finding.level) == ("channels.sms.number", "warning")
    assert "no two-way SMS in mainland China" in finding.message
