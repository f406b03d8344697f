"""A polled Telegram bot: nothing is confirmed before it is stored, and the token is never shown."""

from __future__ import annotations

import io
import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from connectors.base import Batch, Cursor
from connectors.json_messages import attachment_content
from connectors.normalise import normalise_batch
from connectors.social.telegram.connector import TelegramConnector
from router.envelope import PartyKind, from_json
from router.errors import PermanentError, RateLimited, TransientError
from router.settings.channels.telegram import TelegramSettings
from router.settings.secret import Secret
from tests.connectors.stopped_clock import NOW, StoppedClock
from tests.fakes.server import DemoAnswer, Fault
from tests.fakes.telegram import BOT, CUSTOMER, TOKEN, FakeTelegram, error
from workers.runtime.logs import configure_logging


@pytest.fixture
def telegram(clock: StoppedClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTelegram]:
    monkeypatch.setenv("BOT_TOKEN", TOKEN)
    fake = FakeTelegram(clock=clock)
    yield fake
    fake.stop()
    assert fake.contract is None or fake.contract.violations == []


@pytest.fixture
def connect(telegram: FakeTelegram, clock: StoppedClock) -> Callable[[], TelegramConnector]:
    settings = TelegramSettings(kind="telegram", token=Secret("env:BOT_TOKEN"), api_base=telegram.base)
    return lambda: TelegramConnector("telegram", settings, clock=clock)


@pytest.fixture
def connector(connect: Callable[[], TelegramConnector]) -> TelegramConnector:
    return connect()


def read(batch: Batch):
    return normalise_batch(batch.messages, channel=batch.channel, form=batch.form)


def texts(batch: Batch) -> list[str]:
    return [from_json(arrival.envelope).text for arrival in read(batch)]


def test_a_message_is_read_with_its_senders_number_and_names(connector, telegram):
    number = telegram.receive("钱没到账")
    (arrival,) = read(connector.fetch(None))
    envelope = from_json(arrival.envelope)
    assert arrival.source_key == f"{BOT}:{number}"
    assert (envelope.sender.kind, envelope.sender.handle) == (PartyKind.TELEGRAM, str(CUSTOMER))
    assert (envelope.sender.name, envelope.text) == ("Li Na @lina", "钱没到账")


def test_nothing_is_confirmed_before_it_is_kept(connector, connect, telegram):
    """What was fetched and not kept is there for the next process."""
    telegram.receive("precious")
    batch = connector.fetch(None)
    connector.close()
    assert (telegram.forgotten, texts(connect().fetch(None))) == ([], ["precious"])
    # Once it is kept, the next question confirms it.
    assert texts(connect().fetch(batch.cursor)) == []
    assert len(telegram.forgotten) == 1


def test_the_open_question_confirms_nothing_that_is_not_kept(connector, telegram):
    telegram.receive("first")
    connector.fetch(None)
    telegram.receive("second")
    began = time.monotonic()
    connector.wait(120)
    assert time.monotonic() - began < 60
    assert [each["message"]["text"] for each in telegram.updates] == ["second"]


def test_a_wait_ends_when_a_message_comes(connector, telegram):
    batch = connector.fetch(None)
    threading.Timer(0.3, telegram.receive, ("hello",)).start()
    began = time.monotonic()
    connector.wait(120)
    assert time.monotonic() - began < 60
    assert texts(connector.fetch(batch.cursor)) == ["hello"]


def test_after_a_week_of_silence_the_old_offset_throws_nothing_away(connector, telegram, clock):
    """Telegram then numbers updates again, from a random number (Bot API, Update)."""
    telegram.receive("before")
    batch = connector.fetch(None)
    batch = connector.fetch(batch.cursor)
    clock.at += timedelta(days=8)
    telegram.ids = iter([5, 6])
    telegram.receive("with a lower number")
    assert texts(connector.fetch(batch.cursor)) == ["with a lower number"]


def test_another_bot_starts_again(connector, telegram):
    telegram.receive("hello")
    assert texts(connector.fetch(Cursor("12345", f"99999999 {NOW.isoformat()}"))) == ["hello"]


def test_batches_go_on_and_nothing_comes_twice(connector, telegram):
    for number in range(250):
        telegram.receive(str(number))
    batch, seen = connector.fetch(None), []
    seen += texts(batch)
    while batch.more:
        batch = connector.fetch(batch.cursor)
        seen += texts(batch)
    assert seen == [str(number) for number in range(250)]
    assert texts(connector.fetch(batch.cursor)) == []


def test_groups_are_passed_over_and_reported(connector, telegram):
    telegram.receive("not for us", chat="group")
    telegram.receive("for us")
    batch = connector.fetch(None)
    assert (texts(batch), "groups" in batch.notice) == (["for us"], True)


def test_a_changed_message_comes_again_and_says_so(connector, telegram):
    telegram.receive("order 17")
    telegram.receive("order 18", kind="edited_message")
    defects = [from_json(arrival.envelope).defects for arrival in read(connector.fetch(None))]
    assert defects == [(), ("The customer changed an earlier message to this.",)]


def test_a_file_comes_with_a_name_that_is_safe(connector, telegram):
    telegram.receive("receipt", file=("../../etc/\u202egpj.exe", b"%PDF-1.7"))
    batch = connector.fetch(None)
    (attachment,) = from_json(read(batch)[0].envelope).attachments
    assert (attachment.name, attachment.media_type) == ("gpj.exe", "application/pdf")
    assert attachment_content(batch.messages[0].content, 0) == b"%PDF-1.7"


def test_a_file_that_is_gone_costs_the_file_and_not_the_words(connector, telegram):
    telegram.receive("receipt", file=("a.pdf", b"%PDF-1.7"))
    telegram.files.clear()
    envelope = from_json(read(connector.fetch(None))[0].envelope)
    assert (envelope.text, envelope.attachments, len(envelope.defects)) == ("receipt", (), 1)


def test_a_file_that_may_still_come_is_waited_for_and_then_given_up(connector, telegram):
    telegram.receive("receipt", file=("a.pdf", b"%PDF-1.7"))
    telegram.receive("later")
    telegram.script(Fault(when=lambda asked: "getFile" in asked.path, answer=error(500, "Internal"), times=5))
    for _ in range(4):
        assert texts(connector.fetch(None)) == []
    batch = connector.fetch(None)
    assert texts(batch) == ["receipt", "later"]
    assert telegram.forgotten == []


def test_an_odd_update_costs_one_update(connector, telegram):
    telegram.contract = None
    telegram.receive("before")
    telegram.receive("no sender", **{"from": None})
    telegram.updates.append({"update_id": next(telegram.ids), "surprise": {"text": "?"}})
    telegram.receive("odd")
    telegram.updates[-1]["message"]["text"] = ["not", "text"]
    telegram.receive("after")
    batch = connector.fetch(None)
    assert [bool(arrival.unreadable) for arrival in read(batch)] == [False, True, True, True, False]


def test_old_messages_are_marked(connector, telegram):
    telegram.receive("old", at=NOW - timedelta(days=2))
    telegram.receive("new")
    first = connector.fetch(None)
    second = connector.fetch(first.cursor)
    assert [(texts(batch), batch.backfill) for batch in (first, second)] == [(["old"], True), (["new"], False)]


@pytest.mark.parametrize(
    ("answer", "expected", "sentence"),
    [
        (error(401, "Unauthorized"), PermanentError, "check `token`"),
        (error(409, "Conflict"), PermanentError, "deleteWebhook"),
        (error(502, "Bad Gateway"), TransientError, "out of order"),
        (DemoAnswer(200, content=b"<html>"), TransientError, "no JSON"),
    ],
)
def test_each_refusal_says_what_to_do(connector, telegram, answer, expected, sentence):
    telegram.script(Fault(answer=answer))
    with pytest.raises(expected, match=sentence):
        connector.fetch(None)


def test_retry_after_is_honoured(connector, telegram):
    telegram.script(Fault(answer=error(429, "Too Many Requests", retry_after=33)))
    with pytest.raises(RateLimited) as caught:
        connector.fetch(None)
    assert caught.value.seconds == 33


def test_the_token_is_in_no_log_at_any_level(connector, telegram):
    written = io.StringIO()
    configure_logging("debug", stream=written)
    telegram.receive("private words", file=("a.pdf", b"%PDF"))
    connector.fetch(None)
    logging.getLogger("a.library").debug("this much is logged")
    assert "this much is logged" in written.getvalue()
    assert not any(word in written.getvalue() for word in ("secret-of-the-bot", "private words", str(CUSTOMER)))


def test_the_token_is_in_no_error(connector, telegram):
    telegram.script(Fault(reset=True))
    with pytest.raises(TransientError) as caught:
        connector.fetch(None)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "secret-of-the-bot" not in str(caught.value)


def test_doctor_greets_the_bot_and_sees_a_webhook_in_the_way(connector, telegram):
    assert connector.probe().findings[0] == "the bot @wallet_bot answers"
    telegram.webhook = "https://elsewhere.example/hook"
    health = connector.probe()
    assert (health.ok, "deleteWebhook" in health.findings[-1]) == (False, True)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (Fault(answer=error(401, "Unauthorized")), "refuses the token"),
        (Fault(answer=error(429, "Too Many Requests", retry_after=3)), "asked too often"),
        (Fault(answer=error(500, "Internal")), "out of order"),
        (Fault(reset=True), "cannot be reached"),
    ],
)
def test_doctor_says_in_one_sentence_what_is_wrong(connector, telegram, fault, sentence):
    telegram.script(fault)
    health = connector.probe()
    assert (health.ok, len(health.findings)) == (False, 1)
    assert sentence in health.findings[0]
