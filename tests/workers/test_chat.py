"""Chat messages from a provider to the desk: polled, stored once, joined by sender, stopped by STOP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from connectors.base import Batch
from connectors.registry import open_senders
from connectors.sms.twilio.connector import TwilioConnector
from router.reason import ReasonKey
from router.settings import read_settings
from router.settings.channels.sms import TwilioSettings
from store.conversations import merge as merging
from store.db.bulk import insert_rows
from store.db.engine import Database, read_clock
from store.db.ids import new_id
from store.outbound.limits import refusal
from store.tables.messages import ConversationRow, Direction, InboundRow, InboundState, MessageRow
from store.tables.operations import OutboundRow, SuppressionRow
from tests.desk import TOML, Desk, envelope
from tests.fakes.server import Fault
from tests.fakes.twilio import ACCOUNT, CUSTOMER, NUMBER, TOKEN, FakeTwilio
from tests.outgoing_desk import AT_ONCE
from workers.broker.doorbell import Bell
from workers.intake.intake import Intake
from workers.sending.deliver import Deliverer, InFlight, SendingPace

SMS = f"""
[channels.sms]
kind = "twilio"
account = "env:TWILIO_SID"
token = "env:TWILIO_TOKEN"
number = "{NUMBER}"
calendar = "office"
"""


@pytest.fixture
def twilio(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTwilio]:
    monkeypatch.setenv("TWILIO_SID", ACCOUNT)
    monkeypatch.setenv("TWILIO_TOKEN", TOKEN)
    fake = FakeTwilio()
    yield fake
    fake.stop()
    assert fake.contract is None or fake.contract.violations == []


class ChatDesk(Desk):
    """A desk with a Twilio number."""

    def __init__(self, database: Database, folder: Path, twilio: FakeTwilio, *, more: str = "") -> None:
        sms = SMS + f'api_base = "{twilio.base}"\n' + more
        super().__init__(database, folder, toml=TOML.replace("[calendars.office]", f"{sms}\n[calendars.office]", 1))
        self.intake = Intake(database, bell=Bell(lambda: None))
        settings = self.settings.channels["sms"]
        assert isinstance(settings, TwilioSettings)
        self.connector = TwilioConnector("sms", settings)

    def poll(self) -> int:
        """Poll once like the daemon, store and route the messages; return how many there were."""
        ownership = self.intake.own("sms")
        assert ownership
        page = self.connector.fetch(ownership.cursor)
        ownership.accept(page, ownership.read(page))
        count = len(page.messages)
        while page.more:
            page = self.connector.fetch(page.cursor)
            ownership.accept(page, ownership.read(page))
            count += len(page.messages)
        ownership.release()
        while self.router.route_oldest() or self.router.route_alone():
            pass
        return count


@pytest.fixture
def desk(database: Database, tmp_path: Path, twilio: FakeTwilio) -> Iterator[ChatDesk]:
    made = ChatDesk(database, tmp_path, twilio)
    made.poll()
    yield made
    made.intake.close()


def test_an_sms_becomes_a_conversation_with_its_reasons(desk: ChatDesk, twilio: FakeTwilio) -> None:
    sid = twilio.receive("我的账户被盗了，钱没了")
    assert desk.poll() == 1
    (conversation,) = desk.rows(ConversationRow)
    (message,) = desk.rows(MessageRow)
    assert (conversation.channel, conversation.emergency, conversation.team) == ("sms", True, "risk")
    assert (message.sender_handle, message.text) == (CUSTOMER, "我的账户被盗了，钱没了")
    assert desk.states() == {sid: InboundState.ROUTED}


def test_short_messages_of_one_sender_join_the_open_conversation(desk: ChatDesk, twilio: FakeTwilio) -> None:
    now = datetime.now(UTC)
    for number, text in enumerate(("my refund", "did not arrive", "order 77")):
        twilio.receive(text, at=now + timedelta(seconds=number))
    twilio.receive("something else", sender="+447700900123")
    desk.poll()
    twilio.receive("hello?")
    desk.poll()
    assert sorted(desk.rows(MessageRow, "channel")) == ["sms"] * 5
    threads = desk.rows(MessageRow, "conversation_id", "sender_handle")
    assert len({thread for thread, handle in threads if handle == CUSTOMER}) == 1
    assert len(desk.rows(ConversationRow)) == 2


def test_the_same_words_twice_are_two_messages(desk: ChatDesk, twilio: FakeTwilio) -> None:
    twilio.receive("ok")
    twilio.receive("ok")
    desk.poll()
    assert len(desk.rows(MessageRow)) == 2


def test_after_a_resolved_case_a_new_one_names_the_old(desk: ChatDesk, twilio: FakeTwilio) -> None:
    twilio.receive("my refund")
    desk.poll()
    desk.change(ConversationRow, status="resolved")
    twilio.receive("now I cannot log in")
    desk.poll()
    first, second = sorted(desk.rows(ConversationRow), key=lambda each: each.opened_at)
    assert second.linked_to == first.id


def test_after_a_long_silence_a_new_case_is_opened(desk: ChatDesk, twilio: FakeTwilio) -> None:
    twilio.receive("my refund")
    desk.poll()
    desk.change(ConversationRow, last_message_at=datetime.now(UTC) - timedelta(days=8))
    twilio.receive("hello again")
    desk.poll()
    assert len(desk.rows(ConversationRow)) == 2


def test_a_mail_sender_does_not_join_by_being_the_same_person(desk: ChatDesk, twilio: FakeTwilio) -> None:
    twilio.receive("by SMS")
    desk.poll()
    desk.route(envelope("1"), envelope("2", subject="Other"))
    assert len(desk.rows(ConversationRow)) == 3


def test_replayed_and_shuffled_polls_add_nothing(desk: ChatDesk, twilio: FakeTwilio) -> None:
    for number in range(30):
        twilio.receive(f"message {number}")
    for _ in range(5):
        desk.poll()
        desk.connector.close()
        twilio.messages.reverse()
    assert len(desk.rows(MessageRow)) == 30
    assert not any(desk.rows(InboundRow, "conflict"))


def test_two_first_messages_of_one_sender_at_once_make_one_conversation(desk: ChatDesk, twilio: FakeTwilio) -> None:
    """Also where the sender writes in a chat."""
    ownership = desk.intake.own("sms")
    for pair in range(10):
        for text in ("first", "second"):
            twilio.receive(text, sender=f"+4477009000{pair:02}")
    page = desk.connector.fetch(ownership.cursor)
    for message in page.messages:
        desk.intake.keep(Batch(channel="sms", messages=[message], form="twilio"))
    start = threading.Barrier(4)

    def work() -> None:
        start.wait()
        while desk.router.route_alone() or desk.router.route_oldest():
            pass

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: work(), range(4)))
    desk.let_waits_end()
    while desk.router.route_oldest():
        pass
    assert len(desk.rows(MessageRow)) == 20
    assert len(desk.rows(ConversationRow)) == 10


@pytest.mark.parametrize("word", ["STOP", " stop. ", "TD", "退订", "“退订”"])
def test_stop_is_recorded_and_never_answered(desk: ChatDesk, twilio: FakeTwilio, word: str) -> None:
    desk.close()
    twilio.receive(word)
    desk.poll()
    (entry,) = desk.rows(SuppressionRow)
    assert (entry.channel, entry.handle, entry.stopped) == ("sms", CUSTOMER, True)
    assert desk.rows(OutboundRow) == []
    with desk.database.read() as connection:
        refused = refusal(connection, channel="sms", handle=CUSTOMER)
        assert refused
        assert refused.key == ReasonKey.CUSTOMER_OPTED_OUT


def test_a_chat_has_its_first_words_as_title(desk: ChatDesk, twilio: FakeTwilio) -> None:
    twilio.receive("where is my refund? It was on Monday.")
    desk.poll()
    assert [row.subject for row in desk.rows(ConversationRow)] == ["where is my refund?"]
    assert [row.subject for row in desk.rows(MessageRow)] == [""]


def test_a_message_that_is_split_off_gives_its_case_a_title_as_if_it_had_opened_it(
    desk: ChatDesk, twilio: FakeTwilio
) -> None:
    for text in ("where is my refund?", "I cannot log in either. It says locked."):
        twilio.receive(text)
        desk.poll()
    ((home, _), (_, second)) = [
        (row.conversation_id, row.id) for row in desk.rows(MessageRow) if row.direction == Direction.INCOMING
    ]
    with desk.database.write() as connection:
        now = read_clock(connection)
        new, _ = merging.split(connection, conversation_id=home, message_ids=[second], by="Ann", now=now)
    assert {row.id: row.subject for row in desk.rows(ConversationRow)} == {
        home: "where is my refund?",
        new: "I cannot log in either.",
    }


def test_an_ordinary_sms_gets_an_automatic_reply_while_closed(desk: ChatDesk, twilio: FakeTwilio) -> None:
    desk.close()
    twilio.receive("where is my refund")
    desk.poll()
    (reply,) = desk.rows(OutboundRow)
    assert (reply.channel, reply.recipient) == ("sms", CUSTOMER)


def test_a_short_code_is_not_answered(desk: ChatDesk, twilio: FakeTwilio) -> None:
    desk.close()
    twilio.receive("Your code is 123456", sender="10086")
    desk.poll()
    assert desk.rows(OutboundRow) == []


def test_start_ends_a_stop_and_the_later_word_counts_in_any_order(desk: ChatDesk, twilio: FakeTwilio) -> None:
    now = datetime.now(UTC)
    desk.route()
    twilio.receive("START", at=now)
    desk.poll()
    twilio.receive("STOP", at=now - timedelta(minutes=5))
    desk.connector.close()
    desk.poll()
    with desk.database.read() as connection:
        assert refusal(connection, channel="sms", handle=CUSTOMER) is None
    twilio.receive("stop", at=now + timedelta(seconds=1))
    desk.poll()
    with desk.database.read() as connection:
        assert refusal(connection, channel="sms", handle=CUSTOMER)


def test_a_sentence_with_the_word_stop_is_a_message(desk: ChatDesk, twilio: FakeTwilio) -> None:
    twilio.receive("please stop the payment to this shop")
    desk.poll()
    assert desk.rows(SuppressionRow) == []


def test_the_settings_are_those_of_the_file() -> None:
    text = TOML.replace("[calendars.office]", f"{SMS}\n[calendars.office]", 1)
    assert read_settings(text.format(data="var")).channels["sms"].kind == "twilio"


# Outgoing messages


def deliverer(desk: ChatDesk, *, pace: SendingPace = AT_ONCE) -> Deliverer:
    lanes = open_senders(desk.settings)
    return Deliverer(
        desk.database, desk.brain, lane="twilio", senders=lanes["twilio"], in_flight=InFlight(),
        stopped=threading.Event(), pace=pace,
    )  # fmt: skip


def answer(desk: ChatDesk, text: str = "we look into it") -> UUID:
    """Queue an agent's answer in the only conversation; return the row's id."""
    (conversation,) = desk.rows(ConversationRow)
    outbound_id, now = new_id(), datetime.now(UTC)
    row = {
        "id": outbound_id, "dedupe_key": str(outbound_id), "conversation_id": conversation.id, "kind": "reply",
        "channel": "sms", "recipient": CUSTOMER, "text": text, "rfc_message_id": f"{outbound_id.hex}@desk",
        "created_at": now, "due_at": now - timedelta(seconds=1),
    }  # fmt: skip
    with desk.database.write() as connection:
        insert_rows(connection, OutboundRow, rows=[row])
    return outbound_id


def state(desk: ChatDesk, outbound_id: UUID) -> tuple[str, str]:
    (row,) = [each for each in desk.rows(OutboundRow) if each.id == outbound_id]
    return row.state, row.error


def let_time_pass(desk: ChatDesk) -> None:
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    desk.change(OutboundRow, due_at=long_ago, lease_until=long_ago)


def ours(twilio: FakeTwilio) -> list[str]:
    return [each["body"] for each in twilio.messages if each["direction"] == "outbound-api"]


def test_an_answer_leaves_by_the_channel_it_came_from(desk: ChatDesk, twilio: FakeTwilio) -> None:
    twilio.receive("where is my refund")
    desk.poll()
    outbound_id = answer(desk)
    deliverer(desk).once()
    assert state(desk, outbound_id)[0] == "sent"
    assert ours(twilio) == ["we look into it"]


def test_twilio_time_out_after_create_is_settled_and_leaves_one_message(desk: ChatDesk, twilio: FakeTwilio) -> None:
    twilio.receive("where is my refund")
    desk.poll()
    outbound_id = answer(desk)
    twilio.script(Fault(when=lambda asked: asked.method == "POST", lose=True))
    sending = deliverer(desk)
    sending.once()
    assert state(desk, outbound_id)[0] == "unknown"
    let_time_pass(desk)
    sending.once()
    assert state(desk, outbound_id)[0] == "sent"
    assert ours(twilio) == ["we look into it"]


def test_a_message_that_never_arrived_goes_to_a_person_and_is_not_sent_again(
    desk: ChatDesk, twilio: FakeTwilio
) -> None:
    twilio.receive("where is my refund")
    desk.poll()
    outbound_id = answer(desk)
    twilio.script(Fault(when=lambda asked: asked.method == "POST", reset=True))
    sending = deliverer(desk)
    for _ in range(6):
        sending.once()
        let_time_pass(desk)
    assert state(desk, outbound_id)[0] == "needs_person"
    assert ours(twilio) == []


def test_two_answers_with_the_same_words_are_not_taken_for_one(desk: ChatDesk, twilio: FakeTwilio) -> None:
    twilio.receive("where is my refund")
    desk.poll()
    first = answer(desk, "ok")
    deliverer(desk).once()
    second = answer(desk, "ok")
    twilio.script(Fault(when=lambda asked: asked.method == "POST", reset=True))
    sending = deliverer(desk)
    for _ in range(6):
        sending.once()
        let_time_pass(desk)
    assert [state(desk, each)[0] for each in (first, second)] == ["sent", "needs_person"]


def test_stop_and_start_round_trip_with_21610(desk: ChatDesk, twilio: FakeTwilio) -> None:
    twilio.receive("STOP")
    twilio.blocked.add((NUMBER, CUSTOMER))
    desk.poll()
    held = answer(desk)
    deliverer(desk).once()
    assert state(desk, held)[0] == "needs_person"
    assert ReasonKey.CUSTOMER_OPTED_OUT in state(desk, held)[1]
    # A word that Twilio received and we did not.
    desk.change(SuppressionRow, stopped=False)
    refused = answer(desk)
    deliverer(desk).once()
    assert state(desk, refused)[0] == "failed"
    assert "21610" in state(desk, refused)[1]
    twilio.receive("START", at=datetime.now(UTC) + timedelta(seconds=1))
    twilio.blocked.clear()
    desk.poll()
    sent = answer(desk)
    deliverer(desk).once()
    assert state(desk, sent)[0] == "sent"
    assert len(ours(twilio)) == 1


def test_a_24_h_window_that_passes_while_the_reply_waits_leads_to_a_person(
    database: Database, tmp_path: Path, twilio: FakeTwilio
) -> None:
    """A template or a person, never an unchecked send."""
    desk = ChatDesk(database, tmp_path, twilio, more="whatsapp = true\n")
    desk.poll()
    twilio.receive("hello", sender=f"whatsapp:{CUSTOMER}", to=f"whatsapp:{NUMBER}")
    desk.poll()
    in_time = answer(desk)
    deliverer(desk).once()
    desk.change(MessageRow, received_at=datetime.now(UTC) - timedelta(hours=25))
    late = answer(desk)
    deliverer(desk).once()
    assert [state(desk, each)[0] for each in (in_time, late)] == ["sent", "needs_person"]
    assert ours(twilio) == ["we look into it"]
    desk.intake.close()
