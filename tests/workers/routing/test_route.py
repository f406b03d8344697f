"""Routing a batch: the outcome of each message, once, twice, and after a failure in the middle."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from router.envelope import Bounce, Party, PartyKind
from router.reason import Reason, ReasonKey
from router.threads.correlation import make_token
from store.contacts.contact_labels import label_contact
from store.db.engine import Database
from store.desk.channel_status import GateStatus, read_status
from store.inbound import claims
from store.tables.desk import GateTallyRow
from store.tables.messages import ContactRow, ConversationRow, IdentityRow, InboundRow, MessageRow
from store.tables.operations import EventRow, OutboundRow
from tests.desk import ANN, BOB, Desk, elsewhere, envelope
from workers.routing.route import MessageRouter


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    return Desk(database, tmp_path)


def test_a_mail_opens_a_conversation_with_its_reasons(desk: Desk) -> None:
    desk.route(envelope("1", subject="Refund please", text="I want a refund for order 12."))

    (conversation,) = desk.rows(ConversationRow)
    (message,) = desk.rows(MessageRow)
    assert (conversation.category, conversation.team, conversation.status) == ("refund", "front-line", "open")
    assert message.trace["classification"]["evidence"] == ["refund"]
    assert message.trace["route"]["fired"] in {"closed", "everything else"}
    assert conversation.first_reply_due_at is not None


def test_a_look_that_finds_nothing_is_one_question_and_locks_nothing(desk: Desk) -> None:
    # Given a desk whose messages are routed, and one that another worker holds
    desk.route(envelope("1"))
    desk.accept(envelope("2"))
    desk.claim_and_die()
    ids = desk.rows(InboundRow, "id")
    statements: list[str] = []
    sa.event.listen(desk.database.engine, "before_cursor_execute", lambda *row: statements.append(row[2]))

    # When a bell rings late, and the worker looks for more
    router = desk.router
    others = (router.route_oldest, router.route_ordinary, router.route_urgent, router.route_heavy, router.route_alone)
    found = [look() for look in (lambda: router.route_batch(ids), *others)]

    assert found == [0] * 6
    assert [sql.split()[0] for sql in statements if sql != "BEGIN"] == ["SELECT"] * 6


def test_routed_is_called_after_each_batch_when_its_rows_are_there(database: Database, tmp_path: Path) -> None:
    desk = Desk(database, tmp_path)
    seen: list[int] = []
    router = MessageRouter(database, desk.brain, routed=lambda: seen.append(len(desk.rows(MessageRow))))

    for number, route in enumerate((router.route_oldest, router.route_ordinary, lambda: router.route_batch(()))):
        desk.accept(envelope(f"{number}"))
        assert (route(), route()) == (1, 0)

    assert seen == [1, 2, 3]


def test_an_emergency_goes_to_the_risk_team_before_the_hours_are_checked(desk: Desk) -> None:
    desk.route(envelope("1", text="我的账户被盗了"))

    (conversation,) = desk.rows(ConversationRow)
    assert (conversation.team, conversation.priority, conversation.emergency) == ("risk", "urgent", True)


def test_a_reply_joins_by_the_message_it_answers(desk: Desk) -> None:
    desk.route(envelope("1"))
    desk.route(envelope("2", subject="Re: A question", in_reply_to=("1@customer.example",)))

    assert len(desk.rows(ConversationRow)) == 1
    assert len(desk.rows(MessageRow)) == 2
    assert desk.rows(ConversationRow, "version") == [2]


def test_a_reply_joins_within_one_batch(desk: Desk) -> None:
    desk.route(envelope("1"), envelope("2", references=("1@customer.example",)))

    assert len(desk.rows(ConversationRow)) == 1


def test_a_reply_that_arrives_before_its_original_is_joined(desk: Desk) -> None:
    desk.route(envelope("2", subject="Re: A question", in_reply_to=("1@customer.example",)))
    desk.route(envelope("1"))

    assert len(desk.rows(ConversationRow)) == 1


def test_a_stranger_who_quotes_a_message_does_not_join(desk: Desk) -> None:
    desk.route(envelope("1"))
    desk.route(envelope("2", sender=BOB, in_reply_to=("1@customer.example",)))

    first, second = sorted(desk.rows(ConversationRow), key=lambda row: row.opened_at)
    assert {first.id, second.id} - {row for row in desk.rows(ConversationRow, "linked_to") if row}
    assert first.contact_id != second.contact_id


def test_a_stranger_with_our_token_does_not_join_but_its_owner_does(desk: Desk) -> None:
    desk.route(envelope("1"))
    (conversation,) = desk.rows(ConversationRow)
    token = make_token(desk.brain.key, reference=conversation.reference, contact_id=conversation.contact_id)

    desk.route(envelope("2", subject=f"Re: [{token}]"), envelope("3", sender=BOB, subject=f"Re: [{token}]"))

    messages = {row.sender_handle: row.conversation_id for row in desk.rows(MessageRow)}
    assert messages[ANN.handle] == conversation.id
    assert messages[BOB.handle] != conversation.id


def test_a_new_mail_with_the_reference_alone_joins_for_its_owner_and_is_linked_for_a_stranger(desk: Desk) -> None:
    desk.route(envelope("1"))
    (conversation,) = desk.rows(ConversationRow)
    subject = f"About {conversation.reference}"

    desk.route(envelope("2", subject=subject), envelope("3", sender=BOB, subject=subject))

    messages = {row.sender_handle: row.conversation_id for row in desk.rows(MessageRow)}
    linked = {row.id: row.linked_to for row in desk.rows(ConversationRow)}
    assert messages[ANN.handle] == conversation.id
    assert linked == {conversation.id: None, messages[BOB.handle]: conversation.id}


def test_a_guessed_reference_without_its_proof_joins_nothing(desk: Desk) -> None:
    desk.route(envelope("1"))
    (reference,) = desk.rows(ConversationRow, "reference")

    desk.route(envelope("2", subject=f"[{reference}-0000000000] hello"))

    assert len(desk.rows(ConversationRow)) == 2


def test_the_same_mail_in_two_mailboxes_is_one_message(desk: Desk) -> None:
    first = envelope("1")
    desk.route(first, elsewhere(first, channel="sales"))

    duplicate, routed = sorted(desk.rows(InboundRow), key=lambda row: row.state)
    assert (duplicate.state, routed.state) == ("duplicate", "routed")
    assert duplicate.duplicate_of == routed.id
    assert len(desk.rows(MessageRow)) == 1


def test_one_message_id_with_other_words_is_not_a_duplicate(desk: Desk) -> None:
    desk.route(envelope("1", text="one"), envelope("2", text="another", rfc_message_id="1@customer.example"))

    assert set(desk.states().values()) == {"routed"}


def test_a_mail_without_message_id_is_a_duplicate_only_of_the_same_bytes(desk: Desk) -> None:
    first = envelope("1", text="same", rfc_message_id=None)
    desk.route(first, elsewhere(first, channel="sales"), envelope("2", text="same", rfc_message_id=None, cc=(BOB,)))

    assert sorted(row.state for row in desk.rows(InboundRow)) == ["duplicate", "routed", "routed"]


def test_two_first_messages_of_one_sender_make_one_contact(desk: Desk) -> None:
    desk.route(envelope("1"), envelope("2"))

    assert len(desk.rows(ContactRow)) == len(desk.rows(IdentityRow)) == 1


def test_senders_without_address_share_no_contact(desk: Desk) -> None:
    unknown = Party(PartyKind.EMAIL, "")
    desk.route(envelope("1", sender=unknown), envelope("2", sender=unknown))

    assert len(desk.rows(ContactRow)) == 2


def test_old_mail_gets_no_answer_and_starts_no_clock(desk: Desk) -> None:
    desk.route(envelope("1"), backfill=True)

    assert desk.rows(OutboundRow) == []
    assert desk.rows(ConversationRow, "first_reply_due_at") == [None]


def test_a_later_emergency_escalates_the_case(desk: Desk) -> None:
    desk.route(envelope("1"))
    desk.route(envelope("2", text="my account was hacked", in_reply_to=("1@customer.example",)))

    (conversation,) = desk.rows(ConversationRow)
    assert (conversation.emergency, conversation.team) == (True, "risk")


def test_every_change_leaves_an_event(desk: Desk) -> None:
    first = envelope("1")
    desk.route(first, elsewhere(first, channel="sales"), envelope("2", in_reply_to=("1@customer.example",)))

    assert sorted(desk.rows(EventRow, "kind")) == ["conversation.opened", "message.duplicate", "message.received"]


def test_a_batch_that_fails_goes_one_by_one_and_the_poison_ends_in_quarantine(desk: Desk) -> None:
    desk.accept(envelope("1"), envelope("2"), envelope("3"))
    desk.damage("2")

    for _ in range(4):
        desk.route()
        desk.let_waits_end()

    assert desk.states() == {"1": "routed", "2": "quarantined", "3": "routed"}
    reasons = {row.source_key: row.reason for row in desk.rows(InboundRow)}
    assert reasons["2"] == Reason(ReasonKey.ROUTING_FAILED, {"error": "ValidationError"}).line


def test_a_message_on_which_every_worker_dies_ends_in_quarantine(desk: Desk) -> None:
    desk.accept(envelope("1"))
    for _ in range(4):
        with desk.database.write() as connection:
            if desk.rows(InboundRow, "attempts")[0]:
                claims.claim_alone(connection)
            else:
                claims.claim_batch(connection, limit=1)
        desk.let_waits_end()

    desk.route()

    assert desk.states() == {"1": "quarantined"}


def test_a_batch_is_routed_once_however_often_the_bell_rings(desk: Desk) -> None:
    desk.accept(envelope("1"), envelope("2"))
    ids = desk.rows(InboundRow, "id")

    assert [desk.router.route_batch(ids) for _ in range(3)] == [2, 0, 0]
    assert len(desk.rows(MessageRow)) == 2


def test_an_automatic_reply_is_sent_once_a_period(desk: Desk) -> None:
    desk.close()
    desk.route(envelope("1"))
    desk.route(envelope("2", in_reply_to=("1@customer.example",)), envelope("3", in_reply_to=("1@customer.example",)))

    assert len(desk.rows(OutboundRow)) == 1
    whys = {row.rfc_message_id: row.trace["reply"]["why"] for row in desk.rows(MessageRow)}
    assert whys["3@customer.example"] == {"key": "reply_said_today", "values": {"reply": "closed"}}


def test_a_receipt_names_the_short_reference_and_its_subject_the_token(desk: Desk) -> None:
    desk.route(envelope("1", text="my account was hacked"))

    (case,), (receipt,) = desk.rows(ConversationRow), desk.rows(OutboundRow)
    assert f"has your case {case.reference}." in receipt.text
    assert f"[{case.reference}-" in receipt.subject


def test_a_follow_up_gets_only_replies_that_are_meant_for_it(desk: Desk) -> None:
    desk.route(envelope("1"), envelope("2", text="my account was hacked", in_reply_to=("1@customer.example",)))

    assert [row for row in desk.rows(OutboundRow, "dedupe_key") if ":danger:" in row] != []


def test_an_emergency_never_gets_the_reply_that_we_are_closed(desk: Desk) -> None:
    desk.close()
    desk.route(envelope("1", text="my account was hacked"))
    desk.route(envelope("2", text="here is a picture", in_reply_to=("1@customer.example",)))

    assert [":danger:" in row for row in desk.rows(OutboundRow, "dedupe_key")] == [True]


def test_a_hint_of_danger_at_night_is_released_and_both_are_counted(desk: Desk) -> None:
    desk.close()
    desk.route(envelope("1"), envelope("2", text="all my money is gone"))

    assert [(row.held, row.released) for row in desk.rows(GateTallyRow)] == [(1, 1)]
    teams = {row.emergency: (row.team, row.status) for row in desk.rows(ConversationRow)}
    assert teams == {True: ("risk", "open"), False: ("front-line", "snoozed")}
    assert "message.released" in desk.rows(EventRow, "kind")


def test_a_label_of_the_contact_chooses_the_route(desk: Desk) -> None:
    desk.route(envelope("1"))
    with desk.database.write() as connection:
        label_contact(connection, handle=ANN.handle, labels=["vip"])
    desk.route(envelope("2"), envelope("3", sender=BOB))

    assert sorted(desk.rows(ConversationRow, "priority")) == ["high", "normal", "normal"]


def test_an_absence_note_reopens_nothing_and_starts_no_clock(desk: Desk) -> None:
    desk.route(envelope("1"))
    desk.change(ConversationRow, status="resolved", waiting_since=None)
    note = (("auto-submitted", "auto-replied"),)
    desk.route(envelope("2", subject="Re: A question", in_reply_to=("1@customer.example",), machine_headers=note))

    (conversation,) = desk.rows(ConversationRow)
    assert (conversation.status, conversation.waiting_since) == ("resolved", None)


def test_a_new_message_to_a_resolved_case_begins_a_new_wait(desk: Desk) -> None:
    desk.route(envelope("1"))
    (received,) = desk.rows(MessageRow, "received_at")
    # An agent resolved it without an answer.
    desk.change(ConversationRow, status="resolved", waiting_since=received - timedelta(hours=1))
    desk.route(envelope("2", subject="Re: A question", in_reply_to=("1@customer.example",)))

    (conversation,) = desk.rows(ConversationRow)
    assert (conversation.status, conversation.waiting_since) == ("open", received)


def test_the_status_shows_how_many_the_night_held_and_released(desk: Desk) -> None:
    desk.close()
    desk.route(envelope("1"), envelope("2"), envelope("3", text="all my money is gone"))
    with desk.database.read() as connection:
        status = read_status(connection, channels=["mail"])

    assert status.gate == GateStatus(held=2, released=1)


MAILER = Party(PartyKind.EMAIL, "mailer-daemon@mx.customer.example")


def test_a_bounce_joins_the_case_whose_answer_came_back_and_opens_nothing(desk: Desk) -> None:
    desk.close()
    desk.route(envelope("1"))
    (ours,) = desk.rows(OutboundRow, "rfc_message_id")
    desk.route(envelope("2", sender=MAILER, bounce=Bounce(original_message_id=ours), text="user unknown"))

    assert len(desk.rows(ConversationRow)) == 1
    assert {row.origin for row in desk.rows(MessageRow)} == {"person", "bounce"}
    assert len(desk.rows(OutboundRow)) == 1


def test_a_report_about_another_sites_message_joins_no_case(desk: Desk) -> None:
    desk.route(envelope("1"))
    desk.route(envelope("2", sender=MAILER, bounce=Bounce(original_message_id="1@customer.example")))

    assert desk.states() == {"1": "routed", "2": "quarantined"}


def test_a_sender_with_an_endless_address_gets_a_contact_and_delays_no_message(desk: Desk) -> None:
    endless = "地" * 980 + "@例.example"
    senders = [Party(PartyKind.EMAIL, endless), ANN, Party(PartyKind.EMAIL, endless + "x")]
    desk.route(*(envelope(str(number), sender=sender) for number, sender in enumerate(senders)))

    assert set(desk.states().values()) == {"routed"}
    assert len(desk.rows(ContactRow)) == 3


def test_mail_that_comes_back_after_weeks_is_recognised(desk: Desk) -> None:
    old = envelope("1")
    desk.route(old, backfill=True)
    desk.route(replace(old, source_key="9:1"), backfill=True)

    assert desk.states() == {"1": "routed", "9:1": "duplicate"}


def test_a_thousand_answers_to_one_newsletter_are_a_thousand_separate_cases(desk: Desk) -> None:
    answers = [
        envelope(str(number), sender=Party(PartyKind.EMAIL, f"c{number}@customer.example"), references=("news@shop",))
        for number in range(30)
    ]
    desk.route(*answers[:20])
    desk.route(*answers[20:])

    assert len(desk.rows(ConversationRow)) == 30
    assert set(desk.rows(ConversationRow, "linked_to")) == {None}


def test_a_card_number_for_a_name_is_masked(desk: Desk) -> None:
    desk.route(envelope("1", sender=Party(PartyKind.EMAIL, "a@b.example", "4111 1111 1111 1111")))

    assert "4111 1111" not in str(desk.rows(MessageRow) + desk.rows(ContactRow))


def test_a_mail_without_an_author_is_recognised_in_another_mailbox(desk: Desk) -> None:
    anonymous = envelope("1", sender=Party(PartyKind.EMAIL, ""))
    desk.route(anonymous, elsewhere(anonymous, channel="sales"))

    assert sorted(row.state for row in desk.rows(InboundRow)) == ["duplicate", "routed"]


def test_quarantine_by_failure_leaves_an_event(desk: Desk) -> None:
    desk.accept(envelope("1"))
    desk.damage("1")
    for _ in range(4):
        desk.route()
        desk.let_waits_end()

    assert desk.rows(EventRow, "kind") == ["inbound.quarantined"]


@pytest.mark.parametrize("token", ["A2K1HYRVS-E4B314F68D", "CD1HKD1R9-19AA5EB875"])
def test_our_token_in_a_subject_is_no_word_of_the_customers(desk: Desk, token: str) -> None:
    mails = [envelope("1", subject=f"Re: 退款{mark}", text="还没有收到") for mark in ("", f" [{token}]")]

    plain, marked = desk.brain.read_batch(mails)

    assert plain.classification.language == "zh-Hans"
    assert marked.classification == plain.classification


def test_a_batch_asks_only_for_what_it_contains(desk: Desk) -> None:
    """What is read about a customer, a chat or an outage is read once, and only if something can be there."""
    # Given a warm desk
    desk.route(envelope("1", sender=ANN))
    statements: list[str] = []
    sa.event.listen(desk.database.engine, "before_cursor_execute", lambda *row: statements.append(row[2]))

    # When a new customer writes, and then writes again
    desk.route(envelope("2", sender=BOB, text="Where is the parcel that I sent to my sister last week?"))
    first, statements[:] = statements[:], []
    desk.route(envelope("3", sender=BOB, text="Where is the refund for the shoes that I returned in May?"))

    # Then what is stored about earlier customers is asked for the second message only
    about = ("contact.blocked_at IS NOT NULL", "message.fingerprint", "row_number()")
    assert [any(each in sql for sql in first if sql.startswith("SELECT")) for each in about] == [False] * 3
    assert [any(each in sql for sql in statements if sql.startswith("SELECT")) for each in about] == [True] * 3
    assert sum("FROM outage" in sql for sql in first) == 1
    assert not any("FROM chat_session" in sql for sql in first)
