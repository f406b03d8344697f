"""Messages are sent by Twilio, X and Telegram once each; every response, and a missing one, has its verdict."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors.registry import open_senders
from connectors.sender_contract import Outgoing, SendVerdict
from connectors.sms.twilio.sender import TwilioSender
from connectors.social.telegram.sender import TelegramSender
from connectors.social.x.sender import XSender
from router.errors import TransientError
from router.settings import read_settings
from router.settings.channels.sms import TwilioSettings
from router.settings.channels.telegram import TelegramSettings
from router.settings.channels.x import XSettings
from router.settings.secret import Secret
from tests.fakes import telegram as telegrams
from tests.fakes import twilio as twilios
from tests.fakes.server import DemoAnswer, Fault
from tests.fakes.telegram import FakeTelegram
from tests.fakes.twilio import ACCOUNT, CUSTOMER, NUMBER, FakeTwilio
from tests.fakes.x import KEYS, FakeX, problem

TEXT = "您的退款已到账 / your refund has arrived"
CALLBACKS = "https://desk.wallet.example/webhooks"


def outgoing(recipient: str = CUSTOMER, **over) -> Outgoing:
    usual = {
        "outbound_id": uuid.uuid4(), "attempt_id": uuid.uuid4(), "attempt": 1, "channel": "c", "text": TEXT,
        "rfc_message_id": "1@desk", "dated_at": datetime.now(UTC),
    }  # fmt: skip
    return Outgoing(recipient=recipient, **usual | over)


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"TWILIO_SID": ACCOUNT, "TWILIO_TOKEN": twilios.TOKEN, "BOT_TOKEN": telegrams.TOKEN, **KEYS}
    for name, value in known.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    fake = FakeTwilio()
    yield fake
    fake.stop()
    assert fake.contract is None or fake.contract.violations == []


@pytest.fixture
def telegram() -> Iterator[FakeTelegram]:
    fake = FakeTelegram()
    yield fake
    fake.stop()
    assert fake.contract is None or fake.contract.violations == []


@pytest.fixture
def x() -> Iterator[FakeX]:
    fake = FakeX()
    yield fake
    fake.stop()
    assert fake.contract is None or fake.contract.violations == []
    assert fake.forged == []


def sms_settings(base: str, **over) -> TwilioSettings:
    usual = {"account": Secret("env:TWILIO_SID"), "token": Secret("env:TWILIO_TOKEN"), "number": NUMBER}
    return TwilioSettings(kind="twilio", api_base=base, **usual | over)


@pytest.fixture
def sms(twilio: FakeTwilio) -> TwilioSender:
    return TwilioSender("sms", sms_settings(twilio.base), callbacks=CALLBACKS)


@pytest.fixture
def bot(telegram: FakeTelegram) -> TelegramSender:
    settings = TelegramSettings(kind="telegram", token=Secret("env:BOT_TOKEN"), api_base=telegram.base)
    return TelegramSender("telegram", settings)


@pytest.fixture
def dm(x: FakeX) -> XSender:
    secrets = {name.removeprefix("X_").lower(): Secret(f"env:{name}") for name in KEYS}
    return XSender("x", XSettings(kind="x", api_base=x.base, **secrets))


def sending(asked) -> bool:
    return asked.method == "POST"


# Twilio


def test_an_sms_leaves_with_our_ids_in_its_callback(sms, twilio):
    message = outgoing()
    receipt = sms.send(message)
    (sent,) = twilio.messages
    assert (receipt.verdict, receipt.provider_id) == (SendVerdict.ACCEPTED, sent["sid"])
    assert (sent["to"], sent["from"], sent["body"]) == (CUSTOMER, NUMBER, TEXT)
    callback = twilio.asked[-1].form["StatusCallback"]
    assert callback == f"{CALLBACKS}/sms/status?outbound={message.outbound_id}&attempt={message.attempt_id}"


def test_without_a_public_address_no_callback_is_asked_for(twilio):
    TwilioSender("sms", sms_settings(twilio.base)).send(outgoing())
    assert "StatusCallback" not in twilio.asked[-1].form


def test_whatsapp_has_a_window_of_24_hours_and_templates(twilio):
    settings = sms_settings(twilio.base, whatsapp=True, templates={"case_answered": "HX" + "0" * 32})
    sender = TwilioSender("whatsapp", settings)
    assert sender.window(CUSTOMER).lasts == timedelta(hours=24)
    receipt = sender.send(outgoing(template="case_answered", variables={"1": "K7QF2MXD4"}))
    form = twilio.asked[-1].form
    assert (receipt.verdict, form["To"], form["From"]) == (
        SendVerdict.ACCEPTED,
        f"whatsapp:{CUSTOMER}",
        f"whatsapp:{NUMBER}",
    )
    assert (form["ContentSid"], form["ContentVariables"]) == ("HX" + "0" * 32, '{"1": "K7QF2MXD4"}')
    assert "Body" not in form


@pytest.mark.parametrize(
    ("fault", "verdict", "whole", "words"),
    [
        (Fault(answer=twilios.error(400, 21610)), SendVerdict.REFUSED, False, "21610"),
        (Fault(answer=twilios.error(400, 63016)), SendVerdict.REFUSED, False, "approved template"),
        (Fault(answer=twilios.error(400, 21606)), SendVerdict.NOT_SENT, True, "check `number`"),
        (Fault(answer=twilios.error(401, 20003)), SendVerdict.NOT_SENT, True, "check `account`"),
        (Fault(answer=twilios.error(500, 20500)), SendVerdict.UNKNOWN, False, "out of order"),
        (Fault(answer=twilios.error(503, 20503)), SendVerdict.UNKNOWN, False, "out of order"),
        (Fault(answer=DemoAnswer(201, content=b"<html>")), SendVerdict.UNKNOWN, False, ""),
        (Fault(lose=True), SendVerdict.UNKNOWN, False, "did not come"),
        (Fault(reset=True), SendVerdict.UNKNOWN, False, "did not come"),
    ],
)
def test_each_answer_of_twilio_has_its_verdict(sms, twilio, fault, verdict, whole, words):
    twilio.script(fault)
    receipt = sms.send(outgoing())
    assert (receipt.verdict, receipt.whole_channel) == (verdict, whole)
    assert words in receipt.why
    assert not any(secret in receipt.why for secret in (ACCOUNT, CUSTOMER, TEXT))


def test_a_429_of_twilio_waits_as_long_as_it_says_and_costs_no_message(sms, twilio):
    document = twilios.error(429, 20429).document
    twilio.script(Fault(answer=DemoAnswer(429, document, headers={"Retry-After": "9"})))
    receipt = sms.send(outgoing())
    assert (receipt.verdict, receipt.retry_after) == (SendVerdict.NOT_SENT, timedelta(seconds=9))
    assert receipt.whole_channel
    assert len(twilio.asked) == 1


def test_without_a_listener_nothing_was_sent(sms, twilio, bot, telegram, dm, x):
    for fake, sender, recipient in ((twilio, sms, CUSTOMER), (telegram, bot, "5"), (x, dm, "12345")):
        fake.stop()
        receipt = sender.send(outgoing(recipient))
        assert (receipt.verdict, receipt.whole_channel) == (SendVerdict.NOT_SENT, True)


def test_what_twilio_took_though_its_answer_was_lost_is_found_and_never_sent_twice(sms, twilio):
    """Without a callback."""
    message = outgoing()
    twilio.script(Fault(when=sending, lose=True))
    assert sms.send(message).verdict is SendVerdict.UNKNOWN
    found = sms.reconcile(message, since=datetime.now(UTC) - timedelta(minutes=5))
    assert (found.verdict, found.provider_id) == (SendVerdict.ACCEPTED, twilio.messages[0]["sid"])
    assert sum(sending(asked) for asked in twilio.asked) == 1


def test_what_never_reached_twilio_is_not_found(sms, twilio):
    message = outgoing()
    twilio.script(Fault(when=sending, reset=True))
    assert sms.send(message).verdict is SendVerdict.UNKNOWN
    assert sms.reconcile(message, since=datetime.now(UTC) - timedelta(minutes=5)) is None


def test_the_same_words_of_another_message_are_not_taken_for_it(sms, twilio):
    earlier = sms.send(outgoing())
    message = replace(outgoing(), others=frozenset({earlier.provider_id}))
    assert sms.reconcile(message, since=datetime.now(UTC) - timedelta(minutes=5)) is None


def test_the_customers_own_message_with_the_same_words_is_not_ours(sms, twilio):
    twilio.receive(TEXT)
    assert sms.reconcile(outgoing(), since=datetime.now(UTC) - timedelta(minutes=5)) is None


def test_a_list_that_cannot_be_had_does_not_count_as_a_look(sms, twilio):
    twilio.script(Fault(answer=twilios.error(503, 20503)))
    with pytest.raises(TransientError):
        sms.reconcile(outgoing(), since=datetime.now(UTC))


def test_a_text_that_twilio_would_not_take_is_refused_here(sms, twilio):
    assert sms.send(outgoing(text="x" * 1601)).verdict is SendVerdict.REFUSED
    assert twilio.asked == []


# Telegram


def test_a_telegram_bot_sends_an_answer(bot, telegram):
    receipt = bot.send(outgoing("5550001"))
    (sent,) = telegram.sent
    assert (receipt.verdict, receipt.provider_id) == (SendVerdict.ACCEPTED, f"5550001:{sent['message_id']}")
    assert (sent["chat"]["id"], sent["text"]) == (5550001, TEXT)


@pytest.mark.parametrize(
    ("fault", "verdict", "whole"),
    [
        (Fault(answer=telegrams.error(403, "Forbidden: bot was blocked by the user")), SendVerdict.REFUSED, False),
        (Fault(answer=telegrams.error(400, "Bad Request: chat not found")), SendVerdict.REFUSED, False),
        (Fault(answer=telegrams.error(401, "Unauthorized")), SendVerdict.NOT_SENT, True),
        (Fault(answer=telegrams.error(500, "Internal")), SendVerdict.UNKNOWN, False),
        (Fault(answer=DemoAnswer(200, content=b"<html>")), SendVerdict.UNKNOWN, False),
        (Fault(lose=True), SendVerdict.UNKNOWN, False),
    ],
)
def test_each_answer_of_telegram_has_its_verdict(bot, telegram, fault, verdict, whole):
    telegram.script(fault)
    receipt = bot.send(outgoing("5550001"))
    assert (receipt.verdict, receipt.whole_channel) == (verdict, whole)
    assert "secret-of-the-bot" not in receipt.why


def test_retry_after_of_telegram_is_kept(bot, telegram):
    telegram.script(Fault(answer=telegrams.error(429, "Too Many Requests", retry_after=21)))
    receipt = bot.send(outgoing("5550001"))
    assert (receipt.verdict, receipt.retry_after) == (SendVerdict.NOT_SENT, timedelta(seconds=21))


@pytest.mark.parametrize("text", ["", "x" * 4097, "😀" * 2049])
def test_a_text_that_telegram_would_not_take_is_refused_here(bot, telegram, text):
    assert bot.send(outgoing("5550001", text=text)).verdict is SendVerdict.REFUSED
    assert telegram.asked == []


# X


def test_a_direct_message_leaves(dm, x):
    receipt = dm.send(outgoing("12345"))
    (event,) = x.events
    assert (receipt.verdict, receipt.provider_id) == (SendVerdict.ACCEPTED, event["id"])
    assert event["text"] == TEXT


@pytest.mark.parametrize(
    ("fault", "verdict", "whole"),
    [
        (Fault(answer=problem(400, "Bad Request")), SendVerdict.REFUSED, False),
        (Fault(answer=problem(403, "Forbidden")), SendVerdict.REFUSED, False),
        (Fault(answer=problem(401, "Unauthorized")), SendVerdict.NOT_SENT, True),
        (Fault(answer=problem(402, "Payment Required")), SendVerdict.NOT_SENT, True),
        (Fault(answer=problem(429, "Too Many Requests")), SendVerdict.NOT_SENT, True),
        (Fault(answer=problem(503, "Unavailable")), SendVerdict.UNKNOWN, False),
        (Fault(answer=DemoAnswer(201, {"data": {}})), SendVerdict.UNKNOWN, False),
        (Fault(lose=True), SendVerdict.UNKNOWN, False),
    ],
)
def test_each_answer_of_x_has_its_verdict(dm, x, fault, verdict, whole):
    x.script(fault)
    receipt = dm.send(outgoing("12345"))
    assert (receipt.verdict, receipt.whole_channel) == (verdict, whole)
    assert not any(secret in receipt.why for secret in KEYS.values())


def test_our_own_message_among_the_latest_settles_what_was_unclear(dm, x):
    """Own sends confirm the ledger."""
    message = outgoing("12345", text="see https://wallet.example/help now")
    x.script(Fault(when=sending, lose=True))
    assert dm.send(message).verdict is SendVerdict.UNKNOWN
    x.events[-1]["text"] = "see https://t.co/abc now"
    found = dm.reconcile(message, since=datetime.now(UTC) - timedelta(minutes=5))
    assert (found.verdict, found.provider_id) == (SendVerdict.ACCEPTED, x.events[0]["id"])
    other = replace(message, others=frozenset({x.events[0]["id"]}))
    assert dm.reconcile(other, since=datetime.now(UTC) - timedelta(minutes=5)) is None


def test_the_days_money_bounds_answers_too(x):
    secrets = {name.removeprefix("X_").lower(): Secret(f"env:{name}") for name in KEYS}
    sender = XSender("x", XSettings(kind="x", api_base=x.base, daily_budget=0.03, **secrets))
    verdicts = [sender.send(outgoing("12345")) for _ in range(3)]
    assert [receipt.verdict for receipt in verdicts] == [
        SendVerdict.ACCEPTED,
        SendVerdict.ACCEPTED,
        SendVerdict.NOT_SENT,
    ]
    assert verdicts[-1].retry_after <= timedelta(days=1)
    assert len(x.events) == 2


def test_every_enabled_chat_channel_has_its_lane():
    settings = read_settings("""
    [channels.a]
    kind = "telegram"
    token = "env:T"
    [channels.b]
    kind = "twilio"
    account = "env:T"
    token = "env:T"
    number = "+15005550006"
    [channels.c]
    kind = "x"
    enabled = false
    consumer_key = "env:T"
    consumer_secret = "env:T"
    access_token = "env:T"
    access_secret = "env:T"
    [[routes]]
    name = "all"
    team = "front"
    """)
    lanes = open_senders(settings)
    assert {lane: list(senders) for lane, senders in lanes.items()} == {"telegram": ["a"], "twilio": ["b"]}
