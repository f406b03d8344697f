"""WeCom's customer service: callbacks against vectors, messages by cursor, answers; the numbers of the checks."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest

from connectors.base import Cursor, WebhookRequest
from connectors.normalise import normalise_batch
from connectors.registry import probe_channel
from connectors.sender_contract import Outgoing, SendVerdict
from connectors.social.tencent import callback_cipher
from connectors.social.wecom.connector import WecomConnector, file_request
from connectors.social.wecom.sender import open_sender
from connectors.social.wecom.webhook import WecomEndpoint
from router.delivery import DeliveryStatus
from router.envelope import RevisionKind, from_json
from router.errors import ConfigError, PermanentError, RateLimited, TransientError
from router.settings import read_settings
from tests.absent_inputs import NO_SPECS
from tests.fakes.contract import specs_folder
from tests.fakes.server import DemoAnswer, Fault
from tests.fakes.wecom import ACCOUNT, CORP, CUSTOMER, SECRET, FakeWecom

NOW = datetime.now(UTC)
KEY = "OmniyardOmniyardOmniyardOmniyardOmniyard123"
TOML = """
[omniyard]
public_url = "https://desk.wallet.example"
[channels.wecom]
kind = "wecom"
corp = "{corp}"
secret = "env:WECOM_SECRET"
account = "{account}"
callback_token = "env:WECOM_TOKEN"
aes_key = "env:WECOM_KEY"
api_base = "{base}"
[[routes]]
name = "all"
team = "front"
"""


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"WECOM_SECRET": SECRET, "WECOM_TOKEN": "omni-token", "WECOM_KEY": KEY}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def wecom() -> Iterator[FakeWecom]:
    fake = FakeWecom()
    yield fake
    fake.stop()
    assert fake.violations == []


def desk(base: str = "https://qyapi.weixin.qq.com"):
    return read_settings(TOML.format(corp=CORP, account=ACCOUNT, base=base))


def connect(fake: FakeWecom) -> WecomConnector:
    return WecomConnector("wecom", desk(fake.base).channels["wecom"])


def envelopes(batch):
    arrivals = normalise_batch(batch.messages, channel="wecom", form=batch.form)
    assert [each.unreadable for each in arrivals if each.unreadable] == []
    return [from_json(each.envelope) for each in arrivals]


def test_the_schema_of_the_fake_is_there():
    if specs_folder() is None:
        pytest.skip(NO_SPECS)
    assert FakeWecom.answer


# Callbacks


@pytest.fixture(scope="module")
def vectors():
    folder = specs_folder()
    if folder is None:
        pytest.skip(NO_SPECS)
    return json.loads((folder / "vectors.json").read_text(encoding="utf-8"))


def test_the_vectors_of_the_envelope(vectors):
    own, public, plain = vectors["wecom_callback_own"], vectors["wecom_echostr_public"], vectors["wechat_plain_own"]
    for vector, sealed in ((own, own["encrypt"]), (public, public["echostr"])):
        parts = (vector["timestamp"], vector["nonce"], sealed)
        assert callback_cipher.is_signed(vector["msg_signature"], token=vector["token"], parts=parts)
        key = callback_cipher.read_key(vector["aes_key"])
        assert callback_cipher.decrypt(sealed, key=key, receiver=vector["receive_id"]) == vector["plain"]
        with pytest.raises(PermanentError):
            callback_cipher.decrypt(sealed, key=key, receiver="another")
        with pytest.raises(PermanentError):
            callback_cipher.decrypt(sealed[:-4] + "AAA=", key=key, receiver=vector["receive_id"])
        for place in range(3):
            changed = tuple(part + "x" if at == place else part for at, part in enumerate(parts))
            assert not callback_cipher.is_signed(vector["msg_signature"], token=vector["token"], parts=changed)
    assert callback_cipher.signature_of(plain["token"], plain["timestamp"], plain["nonce"]) == plain["signature"]
    aes = vectors["wechat_aes_public"]
    sealed = callback_cipher.encrypt(
        aes["plain"],
        key=callback_cipher.read_key(aes["aes_key"]),
        receiver=aes["receive_id"],
        random=aes["random16"].encode(),
    )
    assert sealed == aes["cipher"]


def callback(vectors, *, signature: str = "", body: bytes = b"") -> WebhookRequest:
    own = vectors["wecom_callback_own"]
    query = f"msg_signature={signature or own['msg_signature']}&timestamp={own['timestamp']}&nonce={own['nonce']}"
    plain = f"<xml><ToUserName>{CORP}</ToUserName><Encrypt><![CDATA[{own['encrypt']}]]></Encrypt></xml>".encode()
    return WebhookRequest(body=body or plain, headers={}, query=query)


def endpoint() -> WecomEndpoint:
    settings = desk()
    return WecomEndpoint("wecom", settings.channels["wecom"], settings.omniyard)


def test_a_callback_wakes_its_account_and_brings_no_message(vectors):
    request = callback(vectors)
    assert endpoint().is_signed(request, now=NOW)
    batch = endpoint().batch(request, now=NOW)
    assert (batch.messages, batch.wakes) == ((), {f"{CORP}:wk0001": "TOK1"})
    assert endpoint().answer(request, taken={}).text == "success"
    assert not endpoint().is_signed(callback(vectors, signature="0" * 40), now=NOW)
    assert desk().channels["wecom"].wake_topic == f"{CORP}:wk0001"


def test_the_address_test_is_answered_in_plain_text(monkeypatch):
    key = callback_cipher.read_key(KEY)
    sealed = callback_cipher.encrypt("5927782489442352469", key=key, receiver=CORP, random=b"0" * 16)
    signature = callback_cipher.signature_of("omni-token", "1", "n", sealed)

    query = urlencode({"msg_signature": signature, "timestamp": "1", "nonce": "n", "echostr": sealed})
    assert endpoint().challenge(WebhookRequest(body=b"", headers={}, query=query)).text == "5927782489442352469"
    with pytest.raises(PermanentError):
        endpoint().challenge(WebhookRequest(body=b"", headers={}, query=query.replace("nonce=n", "nonce=m")))
    monkeypatch.setenv("WECOM_KEY", "short")
    with pytest.raises(ConfigError, match="43 characters"):
        endpoint().challenge(WebhookRequest(body=b"", headers={}, query=query))


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE x [<!ENTITY a "b">]><xml><Encrypt>&a;</Encrypt></xml>',
        b'<!DOCTYPE x SYSTEM "http://127.0.0.1/x"><xml/>',
        b"<xml><Encrypt>" + b"A" * 2_000_000 + b"</Encrypt></xml>",
        b"<xml>",
        b"",
    ],
)
def test_hostile_documents_are_refused_at_once(vectors, body):
    # Of this thread: what else the machine does is no matter.
    began = time.thread_time()
    assert not endpoint().is_signed(callback(vectors, body=body or b"?"), now=NOW)
    assert time.thread_time() - began < 0.5


# Messages


def test_many_messages_come_once_and_in_order(wecom):
    wanted = [wecom.receive(f"message {number}") for number in range(250)]
    connector, cursor, found, more = connect(wecom), None, [], True
    connector.wake("TOK1")
    while more:
        batch = connector.fetch(cursor)
        found += [each.source_key for each in batch.messages]
        cursor, more = batch.cursor, batch.more
    assert found == [f"{ACCOUNT}:{msgid}" for msgid in wanted]
    pulls = [asked.json for asked in wecom.asked if asked.path.endswith("sync_msg")]
    assert [(each.get("token"), each["open_kfid"]) for each in pulls] == [("TOK1", ACCOUNT)] * 3
    assert connector.fetch(cursor).messages == []
    assert "token" not in wecom.asked[-1].json


def test_empty_pages_are_passed_and_endless_ones_are_an_error(wecom):
    wecom.receive("hello")
    wecom.empty = 3
    assert len(connect(wecom).fetch(None).messages) == 1
    wecom.empty = 1000
    with pytest.raises(TransientError, match="again and again"):
        connect(wecom).fetch(None)
    assert len(wecom.asked) < 40


def test_what_is_older_than_a_day_is_archive_and_the_rest_is_not(wecom):
    wecom.receive("old", at=time.time() - 2 * 86_400)
    wecom.receive("new")
    connector = connect(wecom)
    first = connector.fetch(None)
    second = connector.fetch(first.cursor)
    assert [(batch.backfill, [each.text for each in envelopes(batch)]) for batch in (first, second)] == [
        (True, ["old"]),
        (False, ["new"]),
    ]
    assert (first.more, second.more, second.cursor.position) == (True, False, "2")
    # A process that dies between the two reads both again.
    assert len(connect(wecom).fetch(first.cursor).messages) == 1


def test_messages_that_are_no_text_say_what_they_are(wecom):
    wecom.receive(msgtype="location", location={"name": "Tower", "address": "1 Road", "latitude": 1.0})
    wecom.receive(msgtype="channels_shop_order", channels_shop_order={"order_id": "9"})
    wecom.receive(msgtype="image", image={"media_id": "M1"})
    place, order, picture = envelopes(connect(wecom).fetch(None))
    assert place.text == "Tower\n1 Road"
    assert order.text == '[channels_shop_order]\n{"order_id": "9"}'
    assert [(each.name, each.url) for each in picture.attachments] == [("image.jpg", "wecom-media:M1")]
    assert (place.sender.kind, place.sender.handle) == ("wecom", CUSTOMER)
    request = file_request(desk(wecom.base).channels["wecom"], "wecom-media:M1")
    assert "media_id=M1" in request.url
    assert request.json_is_refusal


def test_checks_11_to_13_events_and_colleagues(wecom):
    first = wecom.receive("a mistake")
    wecom.event("enter_session", welcome_code="W", scene="1")
    wecom.event("user_recall_msg", recall_msgid=first)
    wecom.event("msg_send_fail", fail_msgid="f" * 32, fail_type=6)
    wecom.receive(origin=5, msgtype="text", text={"content": "we look"}, servicer_userid="li")
    batch = connect(wecom).fetch(None)
    message, recall, colleague = envelopes(batch)
    assert (recall.revision.kind, recall.revision.of) == (RevisionKind.WITHDRAWN, message.source_key)
    assert (colleague.from_colleague, colleague.sender.name, colleague.to[0].handle) == (True, "li", CUSTOMER)
    (report,) = batch.reports
    assert (report.report.delivery, report.report.provider_id) == (DeliveryStatus.UNDELIVERED, "f" * 32)
    assert "five messages" in report.report.why


# Answers


def outgoing(text: str = "在路上", **over) -> Outgoing:
    values = {"attempt_id": uuid.uuid4(), "attempt": 1, "channel": "wecom", "recipient": CUSTOMER, "text": text}
    return Outgoing(**values | {"rfc_message_id": "x@y", "dated_at": NOW, "outbound_id": uuid.UUID(int=7)} | over)


def sender(fake: FakeWecom):
    settings = desk(fake.base)
    return open_sender("wecom", settings.channels["wecom"], settings.omniyard)


def test_an_answer_leaves_under_our_own_id(wecom):
    receipt = sender(wecom).send(outgoing())
    assert (receipt.verdict, receipt.provider_id) == (SendVerdict.ACCEPTED, uuid.UUID(int=7).hex)
    (sent,) = wecom.sent.values()
    assert (sent["touser"], sent["text"]) == (CUSTOMER, {"content": "在路上"})


def test_the_window_is_two_days_and_five_messages():
    window = desk().channels["wecom"].window
    assert (window.lasts, window.messages) == (timedelta(hours=48), 5)


def test_a_text_is_measured_in_bytes_and_never_cut(wecom):
    assert sender(wecom).send(outgoing("字" * 682)).verdict is SendVerdict.ACCEPTED
    long = sender(wecom).send(outgoing("a" * 2045 + "😀"))
    assert (long.verdict, "2049" in long.why) == (SendVerdict.REFUSED, True)
    assert len(wecom.sent) == 1


def test_a_session_is_taken_once_or_left_to_the_colleague(wecom):
    wecom.state = 2
    assert sender(wecom).send(outgoing()).verdict is SendVerdict.ACCEPTED
    wecom.state = 3
    refused = sender(wecom).send(outgoing(outbound_id=uuid.UUID(int=8)))
    assert (refused.verdict, "a colleague answers" in refused.why) == (SendVerdict.REFUSED, True)
    assert [asked.path for asked in wecom.asked].count("/cgi-bin/kf/service_state/trans") == 2


def test_a_token_that_ended_is_renewed_once(wecom):
    wecom.errors["kf/send_msg"] = [40014]
    assert sender(wecom).send(outgoing()).verdict is SendVerdict.ACCEPTED
    assert (wecom.tokens, len(wecom.sent)) == (2, 1)
    wecom.errors["kf/send_msg"] = [42001, 42001]
    receipt = sender(wecom).send(outgoing(outbound_id=uuid.UUID(int=8)))
    assert (receipt.verdict, receipt.whole_channel, "clock" in receipt.why) == (SendVerdict.NOT_SENT, True, True)


@pytest.mark.parametrize(
    ("code", "verdict", "whole"),
    [
        (-1, SendVerdict.NOT_SENT, True),
        (45009, SendVerdict.NOT_SENT, True),
        (60020, SendVerdict.NOT_SENT, True),
        (48002, SendVerdict.NOT_SENT, True),
        (40058, SendVerdict.REFUSED, False),
        (40003, SendVerdict.REFUSED, False),
    ],
)
def test_each_code_has_its_verdict(wecom, code, verdict, whole):
    wecom.errors["kf/send_msg"] = [code]
    receipt = sender(wecom).send(outgoing())
    assert (receipt.verdict, receipt.whole_channel) == (verdict, whole)
    assert wecom.sent == {}


def test_a_lost_answer_is_unknown_and_no_token_is_shown(wecom):
    wecom.script(Fault(lose=True, when=lambda asked: asked.path.endswith("send_msg")))
    receipt = sender(wecom).send(outgoing())
    assert (receipt.verdict, len(wecom.sent)) == (SendVerdict.UNKNOWN, 1)
    assert "token-" not in receipt.why
    wecom.stop()
    gone = sender(wecom).send(outgoing())
    assert (gone.verdict, gone.whole_channel, SECRET in gone.why) == (SendVerdict.NOT_SENT, True, False)


# What the operator asks


def test_doctor_says_what_to_change(wecom):
    settings = desk(wecom.base)
    assert probe_channel("wecom", settings.channels["wecom"], desk=settings.omniyard).ok
    for path, code, words in (
        ("gettoken", 60020, "trusted IPs"),
        ("gettoken", 40001, "check `secret`"),
        ("kf/account/list", 48002, "allow it in the console"),
    ):
        wecom.errors[path] = [code]
        health = probe_channel("wecom", settings.channels["wecom"], desk=settings.omniyard)
        assert (health.ok, words in str(health.findings)) == (False, True)
    other = settings.channels["wecom"].model_copy(update={"account": "wk9"})
    assert "check `account`" in str(probe_channel("wecom", other, desk=settings.omniyard).findings)


@pytest.mark.parametrize(("code", "error"), [(45009, RateLimited), (-1, TransientError), (95017, PermanentError)])
def test_a_pull_that_fails_says_whether_it_may_work_later(wecom, code, error):
    wecom.errors["kf/sync_msg"] = [code]
    with pytest.raises(error):
        connect(wecom).fetch(None)
    wecom.script(Fault(answer=DemoAnswer(200, content=b"<html>"), when=lambda asked: "sync_msg" in asked.path))
    with pytest.raises(TransientError):
        connect(wecom).fetch(Cursor(f"{CORP}:{ACCOUNT}", "0"))
