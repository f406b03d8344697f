"""The decision at any given moment, with its reasons; nothing is written, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.text.phrases import Words
from api.text.reasons import ReasonReader, reasons
from router.envelope import Envelope, Party, PartyKind
from router.reason import Reason, ReasonKey
from router.routing.trace import read_trace
from router.threads.sign_kind import SignKind
from store.contacts.contact_labels import label_contact
from store.db.engine import Database
from store.tables.messages import ConversationRow, InboundRow, MessageRow
from tests.desk import ANN, SMS, TOML, Desk, envelope
from workers.routing.explain import explain_envelope


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    return Desk(database, tmp_path)


def explained(desk: Desk, what: Envelope, *, at: datetime | None = None) -> Any:
    return explain_envelope(what, brain=desk.brain, database=desk.database, at=at or datetime.now(UTC))


def test_the_trace_says_which_routes_were_tried_and_why_they_did_not_fire(desk: Desk) -> None:
    route = explained(desk, envelope("1")).route

    assert route.fired == "everything else"
    assert [each.why_not for each in route.tried] == [
        Reason(ReasonKey.IS_NO_EMERGENCY),
        Reason(ReasonKey.CALENDAR_IS_OPEN, {"calendar": "office"}),
        Reason(ReasonKey.CONTACT_LABEL_IS_MISSING),
    ]


def test_a_later_moment_has_the_hours_of_that_moment(desk: Desk) -> None:
    desk.close()

    assert explained(desk, envelope("1")).hours.gate == "held"
    later = datetime.now(UTC) + timedelta(days=30)
    assert explained(desk, envelope("1"), at=later).hours.gate == "open"


def test_the_second_look_and_the_hold_are_explained(desk: Desk) -> None:
    desk.close()
    reader = ReasonReader(words=Words("en"), moment=lambda moment: f"{moment:%H:%M}")

    released, held = explained(desk, envelope("1", text="all my money is gone")), explained(desk, envelope("2"))

    said = {reason.step: reason.evidence for reason in reasons(released, reader=reader)}
    assert "let through as an emergency, because of: money + gone" in said["hours"]
    said = {reason.step: reason.evidence for reason in reasons(held, reader=reader)}
    assert any(each.startswith("snoozed until") for each in said["hours"])
    assert held.reply.sent == "closed"


def test_the_contacts_labels_and_earlier_cases_count(desk: Desk) -> None:
    desk.route(envelope("1"))
    with desk.database.write() as connection:
        label_contact(connection, handle=ANN.handle, labels=["vip"])
    answer = envelope("2", subject="Re: A question", in_reply_to=("1@customer.example",))

    trace = explained(desk, answer)

    assert trace.route.fired == "vip"
    assert trace.correlation.sign == SignKind.ANSWERED


def test_a_chat_joins_by_what_was_said_before_in_it(database: Database, tmp_path: Path) -> None:
    desk, now = texting_desk(database, tmp_path), datetime.now(UTC)
    first, second = text_message("SM0", "hello", at=now), text_message("SM1", "where is my refund", at=now)

    alone = explained(desk, first, at=now)
    desk.route(first)
    joined = explained(desk, second, at=now)
    desk.route(second)

    assert (alone.correlation.joined, alone.reply.sent) == (None, "how")
    (case,) = desk.rows(ConversationRow)
    (stored,) = [row.trace for row in desk.rows(MessageRow) if row.text == "where is my refund"]
    said = joined.to_json()
    assert (said["correlation"]["sign"], said["correlation"]["joined"]) == (SignKind.CHAT, str(case.id))
    assert [said.get(step) for step in ("correlation", "route", "reply")] == [
        stored.get(step) for step in ("correlation", "route", "reply")
    ]


def test_a_stored_message_is_decided_again_as_it_came(database: Database, tmp_path: Path) -> None:
    desk, now = texting_desk(database, tmp_path), datetime.now(UTC)
    desk.route(text_message("SM0", "hello", at=now))
    (message,) = desk.rows(MessageRow)
    placed = read_trace(message.trace).correlation

    again = explain_envelope(
        text_message("SM0", "hello", at=now), brain=desk.brain, database=database, at=now, placed=placed
    )

    # Now its own case is there, in which it would be a second greeting.
    assert (again.correlation, again.reply.sent if again.reply else None) == (placed, "how")


def texting_desk(database: Database, folder: Path) -> Desk:
    """Return a desk with text messages that asks what a greeting is about."""
    how = '[replies.how]\ntext = {{ en = "How can we help?" }}\n'
    toml = TOML.replace('data = "{data}"', 'data = "{data}"\ngreeting = "how"', 1)
    return Desk(database, folder, toml=toml.replace("[calendars.office]", f"{SMS}{how}\n[calendars.office]", 1))


def text_message(key: str, text: str, *, at: datetime) -> Envelope:
    """Return a text message of one customer."""
    sender = Party(PartyKind.PHONE, "+447700900123")
    return Envelope(source_key=key, sender=sender, received_at=at, channel="sms", text=text)


def test_an_explanation_writes_nothing(desk: Desk) -> None:
    explained(desk, envelope("1"))

    assert (desk.rows(ConversationRow), desk.rows(InboundRow)) == ([], [])
