"""After acceptance: what does not arrive, planned replies when they leave, and what counts as the answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from router.delivery import DeliveryReport, DeliveryStatus
from router.envelope import Bounce, BouncedRecipient, Envelope, Party, PartyKind
from router.threads.correlation import make_token
from store.db.bulk import table_of
from store.db.engine import Database, read_clock
from store.outbound.delivery_receipts import note_delivery
from store.outbound.replies import NewReply, add_reply, lock_answerable
from store.outbound.review import list_outbound, mark_sent, send_again
from store.tables.messages import ConversationRow
from store.tables.operations import AUTO_REPLY, EventRow, OutboundRow
from tests.desk import ANN, envelope
from tests.outgoing_desk import SendingDesk

MAILER = Party(PartyKind.EMAIL, "mailer-daemon@mail.example", "Mail Delivery System")
OF_ANN = "ann@customer.example"
HOUR = timedelta(hours=1)


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> SendingDesk:
    return SendingDesk(database, tmp_path)


def answered(desk: SendingDesk, **over: Any) -> UUID:
    """Send a reply that counts as the answer, under a Message-ID of ours."""
    (case,) = desk.rows(ConversationRow)
    token = make_token(desk.brain.key, reference=case.reference, contact_id=case.contact_id)
    with desk.database.write() as connection:
        now = read_clock(connection)
    outbound_id = desk.queue(rfc_message_id=f"{token}.1@desk.example", created_at=now, dated_at=now, **over)
    desk.deliverer().once()
    desk.change(ConversationRow, status="pending", waiting_since=None, replied_at=desk.row(outbound_id).created_at)
    return outbound_id


def report(desk: SendingDesk, outbound_id: UUID, delivery: DeliveryStatus, *, sid: str = "") -> bool:
    with desk.database.write() as connection:
        return note_delivery(
            connection,
            outbound_id,
            DeliveryReport(delivery=delivery, provider_id=sid or f"P{outbound_id.hex}", why="30005"),
        )


def bounce(desk: SendingDesk, outbound_id: UUID, *recipients: BouncedRecipient, key: str = "b") -> Envelope:
    about = Bounce(recipients=recipients, original_message_id=desk.row(outbound_id).rfc_message_id)
    return envelope(key, sender=MAILER, bounce=about, text="Undelivered mail returned to sender.")


def case_of(desk: SendingDesk) -> Any:
    return desk.rows(ConversationRow)[0]


def events(desk: SendingDesk) -> list[str]:
    return [kind for kind in desk.rows(EventRow, "kind") if kind.startswith("outbound.")]


# The report of an SMS, and mail that came back: at once, after days of trying, and from where a customer forwards.
FAILURES = {
    "sms undelivered": None,
    "no such user": BouncedRecipient(address=OF_ANN, status="5.1.1"),
    "tried for five days": BouncedRecipient(address="Ann@Customer.example", status="4.4.7"),
    "the address that it was forwarded to": BouncedRecipient(address="ann@home.example", status="5.2.2"),
}


@pytest.mark.parametrize("failed", FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize("status", ["pending", "resolved"])
def test_a_final_failure_after_acceptance_does_what_a_refusal_does(
    desk: SendingDesk, failed: BouncedRecipient | None, status: str
) -> None:
    outbound_id = answered(desk)
    desk.change(ConversationRow, status=status)

    for _ in range(2):
        # Reports and bounces are repeated.
        if failed is None:
            report(desk, outbound_id, DeliveryStatus.UNDELIVERED)
        else:
            desk.route(bounce(desk, outbound_id, failed))

    case = case_of(desk)
    assert (case.status, case.replied_at) == ("open", None)
    # The clock of the customer's message, not that of the report.
    assert case.waiting_since == case.opened_at
    assert case.watch_at is not None
    assert events(desk).count("outbound.failed") == 1
    with desk.database.read() as connection:
        assert [(row.id, row.state, row.delivery) for row in list_outbound(connection, limit=9)] == [
            (outbound_id, "failed", "undelivered")
        ]


# Not failures: a delay, a success, an expansion; and a copy that was not reached.
@pytest.mark.parametrize(
    "recipient",
    [
        BouncedRecipient(address=OF_ANN, action="delayed", status="4.4.1"),
        BouncedRecipient(address=OF_ANN, action="delivered", status="2.0.0"),
        BouncedRecipient(address=OF_ANN, action="expanded", status="2.0.0"),
        BouncedRecipient(address="boss@customer.example", status="5.1.1"),
    ],
)
def test_what_only_delays_or_concerns_a_copy_fails_nothing(desk: SendingDesk, recipient: BouncedRecipient) -> None:
    outbound_id = answered(desk, copies=["boss@customer.example"])

    desk.route(bounce(desk, outbound_id, recipient))

    assert desk.row(outbound_id).state == "sent"
    assert "outbound.failed" not in events(desk)


def test_a_bounce_under_a_message_id_that_is_not_ours_fails_nothing(desk: SendingDesk) -> None:
    outbound_id = answered(desk)
    desk.put(outbound_id, rfc_message_id="K7QF2MXD4-0000000000.1@desk.example")

    desk.route(bounce(desk, outbound_id, BouncedRecipient(address=OF_ANN)))

    assert desk.row(outbound_id).state == "sent"


def test_an_automatic_reply_that_comes_back_is_listed_and_answers_nothing(desk: SendingDesk) -> None:
    outbound_id = answered(desk, kind=AUTO_REPLY)

    report(desk, outbound_id, DeliveryStatus.UNDELIVERED)

    assert desk.row(outbound_id).state == "failed"
    assert case_of(desk).status == "pending"


def test_a_report_of_the_attempt_before_does_not_fail_the_one_after(desk: SendingDesk) -> None:
    # Given a reply that did not arrive and was sent again
    outbound_id = answered(desk)
    report(desk, outbound_id, DeliveryStatus.UNDELIVERED)
    with desk.database.write() as connection:
        send_again(connection, outbound_id, by="Ann")
    assert not report(desk, outbound_id, DeliveryStatus.UNDELIVERED)
    desk.deliverer().once()
    desk.put(outbound_id, provider_id="SM2")

    assert not report(desk, outbound_id, DeliveryStatus.UNDELIVERED)
    assert desk.row(outbound_id).state == "sent"
    assert report(desk, outbound_id, DeliveryStatus.UNDELIVERED, sid="SM2")
    assert desk.row(outbound_id).state == "failed"


def test_what_arrived_after_all_is_the_answer_again(desk: SendingDesk) -> None:
    outbound_id = answered(desk)
    report(desk, outbound_id, DeliveryStatus.UNDELIVERED)

    assert report(desk, outbound_id, DeliveryStatus.DELIVERED)

    assert desk.row(outbound_id).state == "sent"
    assert (case_of(desk).status, case_of(desk).waiting_since) == ("pending", None)


def test_a_report_before_our_commit_counts_a_planned_reply_as_the_answer(desk: SendingDesk) -> None:
    outbound_id = plan(desk)

    report(desk, outbound_id, DeliveryStatus.SENT)

    assert case_of(desk).status == "pending"
    assert events(desk) == ["outbound.sent"]


# --- Planned replies -------------------------------------------------------------------------------------------------


def plan(desk: SendingDesk) -> UUID:
    """Queue a reply that is written now for a moment that has come."""
    with desk.database.write() as connection:
        now = read_clock(connection)
    return desk.queue(created_at=now, dated_at=now + HOUR)


def say(key: str, *, at: datetime | None = None, **fields: Any) -> Envelope:
    said = envelope(key, in_reply_to=("1@customer.example",), subject="Re: A question", **fields)
    return replace(said, received_at=at or datetime.now(UTC))


# What the author of a planned reply could not know: received meanwhile, or received before and routed meanwhile.
@pytest.mark.parametrize("late", [timedelta(0), 2 * HOUR])
def test_something_newer_holds_a_planned_reply_for_a_person(desk: SendingDesk, late: timedelta) -> None:
    outbound_id = plan(desk)
    desk.route(say("2", at=datetime.now(UTC) - late))

    desk.deliverer().once()

    row = desk.row(outbound_id)
    assert (row.state, "customer_wrote_since" in row.error, desk.provider.kept) == ("needs_person", True, [])
    assert case_of(desk).status == "open"
    assert "outbound.needs_person" in events(desk)

    # A person who has read it may let it leave.
    with desk.database.write() as connection:
        send_again(connection, outbound_id, by="Ann")
    desk.deliverer().once()
    assert desk.row(outbound_id).state == "sent"
    assert case_of(desk).status == "pending"


def test_another_answer_that_left_meanwhile_holds_it_and_starts_no_clock(desk: SendingDesk) -> None:
    outbound_id = plan(desk)
    other = UUID(int=outbound_id.int ^ 1)
    with desk.database.write() as connection:
        case, now = lock_answerable(connection, desk.conversation_id), read_clock(connection)
        reply = NewReply(
            id=other, dedupe_key="other", author="Bob", sender="", subject="", text="Done.", masked="Done.",
            rfc_message_id="other@desk.example", due_at=now,
        )  # fmt: skip
        add_reply(connection, case, reply=reply, now=now)
    desk.put(other, due_at=datetime(2020, 1, 1, tzinfo=UTC))

    desk.deliverer().once()

    assert (desk.row(other).state, desk.row(outbound_id).state) == ("sent", "needs_person")
    assert "colleague_answered_since" in desk.row(outbound_id).error
    assert (case_of(desk).status, case_of(desk).waiting_since) == ("open", None)


# A machine's answer, a bounce, and what was there when the reply was planned.
@pytest.mark.parametrize(
    "envelopes",
    [
        (say("2", machine_headers=(("auto-submitted", "auto-replied"),)),),
        (),
    ],
)
def test_what_says_nothing_holds_nothing(desk: SendingDesk, envelopes: tuple[Envelope, ...]) -> None:
    outbound_id = plan(desk)
    desk.route(*envelopes)

    desk.deliverer().once()

    assert desk.row(outbound_id).state == "sent"


def test_a_planned_reply_never_stops_the_clock_of_a_later_message(desk: SendingDesk) -> None:
    # Given a customer who writes while the planned reply is on its way
    outbound_id, later = plan(desk), datetime.now(UTC)
    desk.provider.answers = [lambda: desk.route(say("2", at=later)) or desk.provider.receipt(desk.provider.tried[-1])]

    desk.deliverer().once()

    assert desk.row(outbound_id).state == "sent"
    case = case_of(desk)
    assert (case.status, case.waiting_since) == ("open", later)
    assert case.replied_at is not None


def test_to_mark_an_old_reply_as_sent_answers_nothing_later(desk: SendingDesk) -> None:
    outbound_id = plan(desk)
    desk.put(outbound_id, state="unknown")
    later = datetime.now(UTC)
    desk.route(say("2", at=later))

    with desk.database.write() as connection:
        mark_sent(connection, outbound_id, by="Ann")

    assert (case_of(desk).status, case_of(desk).waiting_since) == ("open", later)


def test_a_resolved_case_stays_resolved_when_its_planned_reply_leaves(desk: SendingDesk) -> None:
    outbound_id = plan(desk)
    desk.change(ConversationRow, status="resolved", waiting_since=None)

    desk.deliverer().once()

    assert (desk.row(outbound_id).state, case_of(desk).status) == ("sent", "resolved")


def test_migrated_rows_have_no_second_approval(desk: SendingDesk) -> None:
    desk.queue()
    with desk.database.read() as connection:
        assert connection.execute(sa.select(table_of(OutboundRow).c.approved_at)).scalar_one() is None
    assert ANN.handle == OF_ANN
