"""Service accounts and mini programs: callbacks against vectors, kinds of messages, answers; numbers of the checks."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlencode

import pytest

from connectors.base import WebhookRequest
from connectors.normalise import normalise_batch
from connectors.registry import probe_channel
from connectors.sender_contract import Outgoing, SendVerdict
from connectors.social.tencent import callback_cipher
from connectors.social.tencent.access_token import IssuedToken, TokenHolder
from connectors.social.tencent.callback_xml import read_fields
from connectors.social.wechat.client import WechatApi
from connectors.social.wechat.sender import open_sender
from connectors.social.wechat.webhook import WechatEndpoint, file_request
from router.envelope import from_json
from router.errors import NotFound, PermanentError
from router.settings import read_settings
from router.settings.validation import examine_settings
from tests.absent_inputs import NO_SPECS
from tests.fakes.contract import specs_folder
from tests.fakes.server import Fault
from tests.fakes.wechat import ACCOUNT, AES_KEY, APP, CUSTOMER, SECRET, TOKEN, FakeWechat

NOW = datetime.now(UTC)
TOML = """
[omniyard]
{public}
[channels.wechat]
kind = "wechat"
app = "{app}"
secret = "env:WECHAT_SECRET"
callback_token = "env:WECHAT_TOKEN"
aes_key = "env:WECHAT_KEY"
api_base = "{base}"
{more}
[[routes]]
name = "all"
team = "front"
"""


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"WECHAT_SECRET": SECRET, "WECHAT_TOKEN": TOKEN, "WECHAT_KEY": AES_KEY}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def wechat() -> Iterator[FakeWechat]:
    fake = FakeWechat()
    yield fake
    fake.stop()
    assert fake.violations == []


def text_of(base: str = "https://api.weixin.qq.com", *, more: str = "", public: bool = True) -> str:
    url = 'public_url = "https://desk.wallet.example"' if public else ""
    return TOML.format(app=APP, base=base, more=more, public=url)


def desk(base: str = "https://api.weixin.qq.com", *, more: str = ""):
    return read_settings(text_of(base, more=more))


def endpoint(more: str = "") -> WechatEndpoint:
    settings = desk(more=more)
    return WechatEndpoint("wechat", settings.channels["wechat"], settings.omniyard)


def envelopes(*requests: WebhookRequest):
    batches = [endpoint().batch(each, now=NOW) for each in requests]
    raw = [message for batch in batches for message in batch.messages]
    arrivals = normalise_batch(raw, channel="wechat", form="wechat")
    assert [each.unreadable for each in arrivals if each.unreadable] == []
    return [from_json(each.envelope) for each in arrivals]


# Callbacks


def changed(request: WebhookRequest, name: str) -> WebhookRequest:
    values = {key: value[0] for key, value in parse_qs(request.query).items()}
    return WebhookRequest(body=request.body, headers={}, query=urlencode(values | {name: values[name] + "0"}))


def test_a_changed_bit_of_a_callback_is_no_callback(wechat):
    request = wechat.request(text="钱没到账")
    assert endpoint().is_signed(request, now=NOW)
    for name in ("timestamp", "nonce", "msg_signature"):
        assert not endpoint().is_signed(changed(request, name), now=NOW)
    # The plain signature, which a compatible mode adds, proves no message
    values = parse_qs(request.query)
    plain = urlencode({"msg_signature": values["signature"][0]} | {n: values[n][0] for n in ("timestamp", "nonce")})
    assert not endpoint().is_signed(WebhookRequest(body=request.body, headers={}, query=plain), now=NOW)
    other = request.body.replace(b"<Encrypt><![CDATA[", b"<Encrypt><![CDATA[A")
    assert not endpoint().is_signed(WebhookRequest(body=other, headers={}, query=request.query), now=NOW)


def test_a_callback_for_another_app_under_the_same_keys_is_refused(wechat):
    key = callback_cipher.read_key(AES_KEY)
    sealed = callback_cipher.encrypt("<xml><MsgId>1</MsgId></xml>", key=key, receiver="wx-other", random=b"0" * 16)
    query = urlencode(
        {"timestamp": "1", "nonce": "n", "msg_signature": callback_cipher.signature_of(TOKEN, "1", "n", sealed)}
    )
    request = WebhookRequest(body=json.dumps({"Encrypt": sealed}).encode(), headers={}, query=query)
    assert endpoint().is_signed(request, now=NOW)
    with pytest.raises(PermanentError, match="another account"):
        endpoint().batch(request, now=NOW)


def test_the_vectors_of_the_address_test_and_the_cipher(monkeypatch):
    folder = specs_folder()
    if folder is None:
        pytest.skip(NO_SPECS)
    vectors = json.loads((folder / "vectors.json").read_text(encoding="utf-8"))
    plain = vectors["wechat_plain_own"]
    monkeypatch.setenv("WECHAT_TOKEN", plain["token"])
    asked = {name: plain[name] for name in ("timestamp", "nonce", "signature")} | {"echostr": "5927782489442352469"}
    request = WebhookRequest(body=b"", headers={}, query=urlencode(asked))
    answer = endpoint().challenge(request)
    # Check 2: as it is, without quotes or a line's end
    assert (answer.text, answer.media_type) == ("5927782489442352469", "text/plain")
    for name in ("timestamp", "nonce", "signature"):
        with pytest.raises(PermanentError):
            endpoint().challenge(changed(request, name))
    aes = vectors["wechat_aes_public"]
    key = callback_cipher.read_key(aes["aes_key"])
    assert callback_cipher.decrypt(aes["cipher"], key=key, receiver=aes["receive_id"]) == aes["plain"]


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE x [<!ENTITY a "b"><!ENTITY b "&a;&a;">]><xml><Encrypt>&b;</Encrypt></xml>',
        b'<!DOCTYPE x SYSTEM "http://127.0.0.1/x"><xml/>',
        b"<xml><Encrypt>" + b"A" * 2_000_000 + b"</Encrypt></xml>",
        b"{" + b'"a":{' * 5_000,
        b'{"Encrypt": 1e999}',
        b"[]",
        b"",
    ],
)
def test_hostile_bodies_are_refused_at_once(body):
    request = WebhookRequest(body=body, headers={}, query="timestamp=1&nonce=n&msg_signature=x")
    # Of this thread: what else the machine does is no matter.
    began = time.thread_time()
    assert not endpoint().is_signed(request, now=NOW)
    assert time.thread_time() - began < 0.5


def test_sharp_edge_characters_that_xml_forbids_are_in_what_users_write(wechat):
    fields = wechat.message("a\x0bb ]]]]><![CDATA[> c", sender=CUSTOMER)
    (message,) = envelopes(wechat.request(fields))
    assert message.text == "a\N{REPLACEMENT CHARACTER}b ]]> c"


# Messages


def test_a_message_is_of_its_sender_under_wechats_id(wechat):
    request = wechat.request(text="钱没到账 /::)")
    (message,) = envelopes(request)
    assert (message.sender.kind, message.sender.handle, message.text) == ("wechat", CUSTOMER, "钱没到账 /::)")
    assert message.source_key == f"{APP}:24000000000000000"
    assert message.rfc_message_id == "24000000000000000@wechat.wechat"
    assert endpoint().answer(request, taken={}).text == "success"
    with pytest.raises(NotFound):
        endpoint().delivery(request)


def test_each_kind_of_message_says_what_it_is(wechat):
    kinds = [
        ({"MsgType": "image", "MediaId": "M1", "PicUrl": "http://mmbiz.qpic.cn/1"}, "", "image.jpg"),
        (
            {"MsgType": "voice", "MediaId": "M2", "Recognition": "钱没到账"},
            "Transcript by machine 机器转写: 钱没到账",
            "voice.amr",
        ),
        ({"MsgType": "location", "Label": "Tower", "Location_X": "1.5", "Location_Y": "2.5"}, "Tower\n1.5\n2.5", ""),
        (
            {"MsgType": "link", "Title": "T", "Description": "D", "Url": "https://x.example"},
            "T\nD\nhttps://x.example",
            "",
        ),
        ({"MsgType": "miniprogrampage", "Title": "Refund", "PagePath": "p/1"}, "Refund\np/1", ""),
        ({"MsgType": "new_kind", "Order": "9", "Content": "x"}, '[new_kind]\n{"Order": "9", "Content": "x"}', ""),
    ]
    for fields, words, name in kinds:
        said = {k: v for k, v in wechat.message(sender=CUSTOMER).items() if k != "Content"} | fields
        (message,) = envelopes(wechat.request(said))
        assert (message.text, [each.name for each in message.attachments]) == (words, [name] if name else [])


@pytest.mark.parametrize("kind", ["subscribe", "CLICK", "user_enter_tempsession"])
def test_events_open_no_case(wechat, kind):
    fields = wechat.message(sender=CUSTOMER)
    del fields["MsgId"], fields["Content"]
    request = wechat.request(fields | {"MsgType": "event", "Event": kind})
    assert endpoint().batch(request, now=NOW).messages == []
    assert endpoint().replied_to(request) == ""


def test_a_mini_program_in_json_has_whole_ids_of_64_bits():
    plain = json.dumps(
        {"ToUserName": ACCOUNT, "FromUserName": CUSTOMER, "CreateTime": 1772445600, "MsgType": "text"}
        | {"Content": "退款", "MsgId": 9_223_372_036_854_775_807}
    )
    key = callback_cipher.read_key(AES_KEY)
    sealed = callback_cipher.encrypt(plain, key=key, receiver=APP, random=b"0" * 16)
    query = {"timestamp": "1", "nonce": "n", "msg_signature": callback_cipher.signature_of(TOKEN, "1", "n", sealed)}
    body = json.dumps({"ToUserName": ACCOUNT, "Encrypt": sealed}).encode()
    (message,) = envelopes(WebhookRequest(body=body, headers={}, query=urlencode(query)))
    assert (message.source_key, message.text) == (f"{APP}:9223372036854775807", "退款")
    assert message.sent_at == datetime.fromtimestamp(1772445600, UTC)


def test_a_reply_in_the_response_is_encrypted_for_the_account(wechat):
    request = wechat.request(text="hello")
    answer = endpoint("passive = true").reply(request, text="We open <tomorrow> & answer")
    fields = read_fields(answer.text.encode())
    parts = (fields["TimeStamp"], fields["Nonce"], fields["Encrypt"])
    assert callback_cipher.is_signed(fields["MsgSignature"], token=TOKEN, parts=parts)
    plain = callback_cipher.decrypt(fields["Encrypt"], key=callback_cipher.read_key(AES_KEY), receiver=APP)
    said = read_fields(plain.encode())
    assert (said["ToUserName"], said["FromUserName"], said["MsgType"]) == (CUSTOMER, ACCOUNT, "text")
    assert said["Content"] == "We open <tomorrow> & answer"


# Answers


def outgoing(text: str = "在路上", **over) -> Outgoing:
    values = {"attempt_id": uuid.uuid4(), "attempt": 1, "channel": "wechat", "recipient": CUSTOMER, "text": text}
    return Outgoing(**values | {"rfc_message_id": "x@y", "dated_at": NOW, "outbound_id": uuid.uuid4()} | over)


def sender(fake: FakeWechat):
    settings = desk(fake.base)
    return open_sender("wechat", settings.channels["wechat"], settings.omniyard)


def test_an_answer_is_a_customer_service_message_in_plain_letters(wechat):
    assert sender(wechat).send(outgoing("在路上 😀")).verdict is SendVerdict.ACCEPTED
    assert wechat.sent == [{"touser": CUSTOMER, "msgtype": "text", "text": {"content": "在路上 😀"}}]


def test_the_window_is_two_days_and_five_messages():
    window = desk().channels["wechat"].window
    assert (window.lasts, window.messages) == (timedelta(hours=48), 5)
    assert window.refusal(last_heard_at=NOW, sent_since=5, now=NOW) is not None
    late = NOW + timedelta(hours=48, minutes=1)
    assert window.refusal(last_heard_at=NOW, sent_since=0, now=late) is not None
    assert window.refusal(last_heard_at=NOW, sent_since=4, now=NOW) is None


def test_a_text_is_measured_in_bytes_and_never_cut(wechat):
    assert sender(wechat).send(outgoing("字" * 682)).verdict is SendVerdict.ACCEPTED
    long = sender(wechat).send(outgoing("a" * 2045 + "😀"))
    assert (long.verdict, "2049" in long.why) == (SendVerdict.REFUSED, True)
    assert len(wechat.sent) == 1


@pytest.mark.parametrize(
    ("code", "verdict", "whole", "words"),
    [
        (-1, SendVerdict.NOT_SENT, True, "busy"),
        (45011, SendVerdict.NOT_SENT, True, "too often"),
        (45009, SendVerdict.NOT_SENT, True, "too often"),
        (40164, SendVerdict.NOT_SENT, True, "IP list"),
        (45015, SendVerdict.REFUSED, False, "48 hours"),
        (45047, SendVerdict.REFUSED, False, "five messages"),
        (43004, SendVerdict.REFUSED, False, "does not follow"),
        (43019, SendVerdict.REFUSED, False, "blocks"),
        (40003, SendVerdict.REFUSED, False, "check `app`"),
        (45002, SendVerdict.REFUSED, False, "too long"),
        (48001, SendVerdict.REFUSED, False, "verified"),
        (50002, SendVerdict.REFUSED, False, "restricts"),
        (99999, SendVerdict.REFUSED, False, "99999"),
    ],
)
def test_each_code_has_its_verdict_in_words(wechat, code, verdict, whole, words):
    wechat.errors["/cgi-bin/message/custom/send"] = [code]
    receipt = sender(wechat).send(outgoing())
    assert (receipt.verdict, receipt.whole_channel, words in receipt.why) == (verdict, whole, True)
    assert wechat.sent == []


def test_a_token_that_ended_is_renewed_once(wechat):
    sends = sender(wechat)
    assert sends.send(outgoing()).verdict is SendVerdict.ACCEPTED
    wechat.end_token()
    assert sends.send(outgoing()).verdict is SendVerdict.ACCEPTED
    assert (wechat.issued, wechat.forced, len(wechat.sent)) == (2, 0, 2)
    # One that is refused although it is the valid one is renewed by force, once
    wechat.errors["/cgi-bin/message/custom/send"] = [40014]
    assert sends.send(outgoing()).verdict is SendVerdict.ACCEPTED
    assert (wechat.issued, wechat.forced) == (3, 1)
    wechat.errors["/cgi-bin/message/custom/send"] = [40001, 40001]
    receipt = sends.send(outgoing())
    assert (receipt.verdict, receipt.whole_channel, "check `secret`" in receipt.why) == (
        SendVerdict.NOT_SENT,
        True,
        True,
    )
    assert wechat.forced == 1


def test_two_processes_that_send_a_thousand_messages_renew_the_token_once_a_period():
    class Clock:
        at = 0.0

        def __call__(self) -> float:
            return self.at

    clock = Clock()
    fake = FakeWechat(clock=clock)
    settings = desk(fake.base).channels["wechat"]
    # Each process holds the token of its own.
    processes = [WechatApi(settings) for _ in range(2)]
    errors: list[Exception] = []

    def send(api: WechatApi) -> None:
        try:
            for _ in range(100):
                api.call("message/custom/send", {"touser": CUSTOMER, "msgtype": "text", "text": {"content": "hi"}})
        except Exception as error:  # noqa: BLE001  (shown by the test)
            errors.append(error)

    periods = 5
    for _ in range(periods):
        threads = [threading.Thread(target=send, args=(api,)) for api in processes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        clock.at = fake.until + 1
    fake.stop()
    assert (errors, len(fake.sent), fake.violations) == ([], 1_000, [])
    assert (fake.issued, fake.forced) == (periods, 0)
    # At the most one call of each process and period comes with the ended token: no storm
    assert fake.stale <= 2 * periods


def test_a_holder_asks_once_for_all_threads_and_renews_by_force_at_most_twice_a_minute():
    now, asked = [0.0], []

    def issue(forced: bool) -> IssuedToken:
        asked.append(forced)
        return IssuedToken("same", 7200)

    holder = TokenHolder(issue, clock=lambda: now[0])
    threads = [threading.Thread(target=holder.token) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert asked == [False]
    for _ in range(3):
        holder.renew("same")
    assert asked.count(True) == 1
    now[0] = 31
    holder.renew("same")
    assert asked.count(True) == 2
    now[0] = 31 + 7200 - 299
    holder.token()
    assert asked[-1] is False


def test_a_lost_answer_is_unknown_for_ever_and_no_token_is_shown(wechat):
    wechat.script(Fault(lose=True, when=lambda asked: asked.path.endswith("send")))
    sends = sender(wechat)
    receipt = sends.send(outgoing())
    assert (receipt.verdict, len(wechat.sent), sends.repeatable) == (SendVerdict.UNKNOWN, 1, False)
    assert sends.reconcile(outgoing(), since=NOW) is None
    assert "access-" not in receipt.why
    wechat.stop()
    gone = sender(wechat).send(outgoing())
    assert (gone.verdict, gone.whole_channel, SECRET in gone.why) == (SendVerdict.NOT_SENT, True, False)


# What the operator asks


def test_doctor_says_what_to_change_and_that_nothing_is_kept_at_wechat(wechat):
    settings = desk(wechat.base)
    health = probe_channel("wechat", settings.channels["wechat"], desk=settings.omniyard)
    assert (health.ok, "three tries" in str(health.findings)) == (True, True)
    for code, words in (
        (40164, "IP list"),
        (40125, "check `secret`"),
        (40013, "check `app`"),
        (89503, "administrator"),
    ):
        wechat.errors["/cgi-bin/stable_token"] = [code]
        health = probe_channel("wechat", settings.channels["wechat"], desk=settings.omniyard)
        assert (health.ok, words in str(health.findings)) == (False, True)


def test_check_says_what_cannot_work():
    (finding,) = examine_settings(text_of(public=False)).findings
    assert (finding.level, "public_url" in finding.message) == ("warning", True)
    (finding,) = examine_settings(text_of(more='program = "mini_program"\npassive = true')).errors
    assert finding.place[-1] == "passive"


def test_a_file_is_fetched_with_a_token_that_no_message_keeps(wechat):
    channel = desk(wechat.base).channels["wechat"]
    request = file_request(channel, "wechat-media:M1")
    assert ("media_id=M1" in request.url, request.json_is_refusal) == (True, True)
    with pytest.raises(PermanentError):
        file_request(channel, "https://elsewhere.example/1")
