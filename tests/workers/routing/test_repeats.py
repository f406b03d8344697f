"""Repeated messages: one case with several entry points for one customer, one outage for many customers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from router.envelope import Party, PartyKind
from store.conversations.alarms import find_emergency
from store.db.bulk import insert_rows
from store.db.engine import Database
from store.db.ids import new_id
from store.desk.false_alarms import tally
from store.inbound.first_words import answered_last
from store.tables.emergencies import EmergencyRow, OutageRow
from store.tables.messages import ConversationRow, IdentityRow, MessageRow
from store.tables.operations import EventRow
from tests.desk import BOB, TOML, Desk, envelope
from workers.routing.danger_findings import EmergencyService

WORDS = "I transferred 500 yuan to my friend yesterday but he has not received it, order 2026011588123"
PHONE = Party(PartyKind.PHONE, "+8613800001111")


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    toml = TOML.replace("[omniyard]", "[omniyard]\noutage_customers = 3", 1)
    return Desk(database, tmp_path, toml=toml)


def kinds(desk: Desk) -> list[str]:
    return [each for each in desk.rows(EventRow, "kind") if each in {"message.repeated", "outage.suspected"}]


def test_a_customer_who_repeats_it_on_another_channel_has_one_case(desk: Desk) -> None:
    now = datetime.now(UTC)

    def said(key, text, *, at=now, **fields):
        return replace(envelope(key, **{"text": text, "subject": "", **fields}), received_at=at)

    # Given a customer known by mail and by telephone, and another who writes the same words
    desk.route(said("first", WORDS, subject="Transfer"), said("other", WORDS, sender=BOB))
    ann = next(row for row in desk.rows(IdentityRow) if row.handle == "ann@customer.example")
    phone = {"id": new_id(), "kind": "phone", "handle": PHONE.handle, "contact_id": ann.contact_id, "created_at": now}
    with desk.database.write() as connection:
        insert_rows(connection, IdentityRow, rows=[phone])

    # When the first customer repeats it: by telephone with a typo, then in one batch with another number and a denial
    desk.route(said("again", "hello, " + WORDS.replace("friend", "freind") + " thanks", sender=PHONE, channel="sales"))
    desk.route(
        said("page 1", WORDS.replace("88123", "88132"), sender=PHONE, channel="sales"),
        said("page 2", WORDS.replace("88123", "88132").upper(), subject="again"),
        said("denied", WORDS.replace("has not received", "has received")),
        said("late", WORDS, at=now + timedelta(days=3)),
    )

    # Then it is one case with two entry points, and the differing messages make another
    messages = {row.rfc_message_id.partition("@")[0]: row for row in desk.rows(MessageRow)}
    first, again = messages["first"], messages["again"]
    assert (again.conversation_id, again.duplicate_of) == (first.conversation_id, first.id)
    assert again.trace["correlation"]["sign"] == "repeated_words"
    other = messages["page 2"]
    assert (other.conversation_id, other.duplicate_of) == (messages["page 1"].conversation_id, messages["page 1"].id)
    conversations = {row.conversation_id for row in messages.values()}
    assert len(conversations) == 5
    assert kinds(desk) == ["message.repeated", "message.repeated"]


def test_equal_words_of_many_customers_are_one_outage(desk: Desk) -> None:
    now = datetime.now(UTC)

    def written(number: int):
        who = Party(PartyKind.EMAIL, f"c{number}@customer.example")
        mail = envelope(f"m{number}", sender=who, text="The app shows error 500 when I pay")
        return replace(mail, received_at=now)

    desk.route(written(1), written(2))
    assert kinds(desk) == []
    desk.route(written(3))
    desk.route(*(written(number) for number in range(4, 9)))
    assert kinds(desk) == ["outage.suspected"]
    (outage,) = desk.rows(OutageRow)
    assert outage.customers == 3
    # A burst that ends and starts again is reported again.
    desk.change(OutageRow, last_at=now - timedelta(hours=2))
    desk.route(written(9))
    assert kinds(desk) == ["outage.suspected"] * 2
    assert len(desk.rows(ConversationRow)) == 9


ENGLISH = (
    "My payment {0} of {1} yuan failed at the till",
    "my payment of {1} yuan failed at the till, {0}",
    "Hello, my payment {0} ({1} yuan) failed at the till. Thanks!",
)
CHINESE = ("订单{0}付款{1}元一直失败", "你好，订单{0}的付款一直失败了，{1}元", "订单 {0} 付款 {1} 元一直失败啊")


@pytest.mark.parametrize("forms", [ENGLISH, CHINESE])
def test_nearly_equal_texts_with_other_numbers_are_an_outage_of_many_more(desk: Desk, forms: tuple[str, ...]) -> None:
    def written(number: int):
        text = forms[number % 3].format(880_000 + 7 * number, 12 + number)
        who = Party(PartyKind.EMAIL, f"c{number}@customer.example")
        return replace(envelope(f"m{number}", sender=who, text=text), received_at=datetime.now(UTC))

    # Thirty: ten times as many as with an equal text.
    desk.route(*(written(number) for number in range(29)))
    assert kinds(desk) == []
    desk.route(written(29))
    desk.route(*(written(number) for number in range(30, 33)))
    assert kinds(desk) == ["outage.suspected"]
    assert [outage.customers for outage in desk.rows(OutageRow)] == [30]


def test_an_outage_of_equal_texts_is_reported_once_however_many_write(desk: Desk) -> None:
    now = datetime.now(UTC)
    senders = [Party(PartyKind.EMAIL, f"c{number}@customer.example") for number in range(33)]
    text = "The app shows error 500 when I pay with my phone"
    desk.route(*(replace(envelope(who.handle, sender=who, text=text), received_at=now) for who in senders))
    assert kinds(desk) == ["outage.suspected"]


def test_an_emergency_call_is_stored_and_confirmed(desk: Desk) -> None:
    desk.route(envelope("danger", text="my wallet was hacked"), envelope("calm", sender=BOB))
    (called,) = desk.rows(EmergencyRow)
    assert called.evidence["words"] == ["hacked"]
    service = EmergencyService(desk.settings)
    with desk.database.write() as connection:
        service.judge(connection, called.conversation_id, danger=False, by="Li Na")
        service.judge(connection, called.conversation_id, danger=False, by="Bo")
        released = find_emergency(connection, called.conversation_id)
        assert (released.by, released.evidence) == ("Li Na", called.evidence)
        assert (tally(connection).paged, tally(connection).released) == (1, 1)
    conversation = next(row for row in desk.rows(ConversationRow) if row.id == called.conversation_id)
    assert (conversation.emergency, conversation.priority) == (False, "normal")
    # A repeated emergency calls people again.
    desk.route(envelope("more", text="hacked again", in_reply_to=("danger@customer.example",)))
    with desk.database.read() as connection:
        assert find_emergency(connection, called.conversation_id).confirmed is None
    assert [each for each in desk.rows(EventRow, "kind") if each.startswith("emergency.")] == ["emergency.released"]


def test_a_mail_that_comes_again_after_a_holiday_repeats_the_one_before_on_both_databases(desk: Desk) -> None:
    said = {"subject": "Invoice", "text": "When do you send the invoice for 300 yuan?"}
    first = envelope("first", **said)
    desk.route(first)
    desk.route(replace(envelope("again", **said), received_at=first.received_at + timedelta(days=9)))
    desk.route(replace(envelope("late", **said), received_at=first.received_at + timedelta(days=40)))

    one, repeated, late = sorted(desk.rows(MessageRow), key=lambda row: row.received_at)
    assert (repeated.conversation_id, repeated.duplicate_of) == (one.conversation_id, one.id)
    assert (late.conversation_id == one.conversation_id, late.duplicate_of) == (False, None)


def test_whether_an_agent_has_the_last_word_in_a_case(desk: Desk) -> None:
    desk.route(envelope("first"))
    (case,) = desk.rows(ConversationRow)
    answer = {"conversation_id": case.id, "contact_id": case.contact_id, "channel": "mail", "sender_handle": "desk"}
    found = []
    for minutes, direction in enumerate(("incoming", "outgoing", "note", "incoming"), start=1):
        at = case.opened_at + timedelta(minutes=minutes)
        row = answer | {"id": new_id(), "direction": direction, "text": "words", "received_at": at}
        with desk.database.write() as connection:
            insert_rows(connection, MessageRow, rows=[row])
            found.append(answered_last(connection, {case.id}) == {case.id})
    assert found == [False, True, True, False]
