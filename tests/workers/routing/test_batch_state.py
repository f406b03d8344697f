"""A case that a message of the batch changed is in its new state for the rest of the batch, whatever sign finds it.

Each situation is a customer with cases from before and two messages that arrive in a row; what comes of them is the
same whether each is a batch or both are in one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from router.envelope import Party, PartyKind
from store.tables.emergencies import EmergencyRow
from store.tables.messages import MessageRow
from store.tables.operations import EventRow, OutboundRow
from tests.desk import envelope
from tests.workers.routing.batch_desk import NOW, SAID, BatchDesk, open_batch_desk


@pytest.fixture(params=[1, 200])
def desk(
    request: pytest.FixtureRequest, migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[BatchDesk]:
    """A desk that routes one message or two hundred in a batch."""
    monkeypatch.setattr("workers.routing.route.BATCH", request.param)
    with open_batch_desk(migrated_sqlite, tmp_path) as desk:
        yield desk


def test_a_case_has_the_state_that_an_earlier_message_of_the_batch_gave_it(desk: BatchDesk) -> None:
    people = ("reopened", "by-token", "asleep", "danger", "said", "other")
    desk.route(*(desk.mail(each, "first", subject="Transfer", text=f"{SAID} {each}") for each in people))
    desk.route(*(desk.mail(each, "second", subject="Transfer", answers=["first"]) for each in people))
    desk.know_as("said")
    for each in ("reopened", "by-token"):
        desk.set(f"{each}.first", status="resolved")
    desk.set("asleep.first", last_message_at=NOW - timedelta(days=60))

    desk.route(
        # The first wakes the case, the second has a new subject, which an awake case takes.
        desk.mail("reopened", "third", subject="Transfer", answers=["first"]),
        desk.mail("reopened", "fourth", subject="My card", token="first"),
        desk.mail("by-token", "third", subject="Transfer", token="first"),
        desk.mail("by-token", "fourth", subject="My card", answers=["second"]),
        desk.mail("asleep", "third", subject="Transfer", answers=["second"]),
        desk.mail("asleep", "fourth", subject="My card", token="first"),
        # People are called for one emergency.
        desk.mail("danger", "third", subject="Transfer", answers=["first"], text="My account was hacked"),
        desk.mail("danger", "fourth", subject="Transfer", token="first", text="It was hacked, I say"),
        # A line that joins a case of another channel by its words makes no chat of that case.
        desk.line("said", "third", f"{SAID} said"),
        desk.line("said", "fourth", "Is anyone there today?"),
    )

    places = desk.places()
    joined = {key for key, case in places.items() if not key.startswith("said") and case.endswith(".first")}
    assert joined == {key for key in places if not key.startswith("said")}
    assert {key: places[f"said.{key}"] for key in ("third", "fourth")} == {
        "third": "said.first",
        "fourth": "said.fourth",
    }
    assert Counter(desk.rows(EventRow, "kind"))["conversation.escalated"] == 1
    assert len(desk.rows(EmergencyRow)) == 1


def test_a_reply_that_a_case_had_is_not_said_again_and_the_trace_says_so(desk: BatchDesk) -> None:
    desk.close()
    desk.route(desk.line("ann", "first", "When will my refund arrive?"))
    desk.route(desk.line("ann", "second", "Hello?"), desk.line("ann", "third", "Are you there?"))

    assert set(desk.places().values()) == {"ann.first"}
    replies = [row.trace["reply"].get("sent") for row in sorted(desk.rows(MessageRow), key=lambda row: row.received_at)]
    assert replies == ["closed", None, None]
    assert len(desk.rows(OutboundRow)) == 1


def test_a_chat_that_was_quiet_for_too_long_is_linked_to(desk: BatchDesk) -> None:
    desk.route(desk.line("ann", "first", "Where is my parcel?"))
    desk.set("ann.first", last_message_at=NOW - timedelta(days=3))
    desk.route(desk.line("ann", "second", "I want a refund"), desk.line("ann", "third", "Please"))

    assert desk.places() == {"ann.first": "ann.first", "ann.second": "ann.second", "ann.third": "ann.second"}
    assert desk.case("ann.second").linked_to == desk.case("ann.first").id


def test_the_clock_after_our_own_answer_runs_from_the_message_that_follows_it(desk: BatchDesk) -> None:
    desk.route(desk.mail("ann", "first", subject="Transfer"))
    ours, customer = Party(PartyKind.EMAIL, "support@desk.example"), Party(PartyKind.EMAIL, "ann@customer.example")
    answers = ("ann.first@customer.example",)
    answer = desk.arrived(envelope("answer", sender=ours, subject="Re: Transfer", in_reply_to=answers))
    after = desk.mail("ann", "second", subject="Re: Transfer", answers=["first"])

    desk.route(replace(answer, to=(customer,)), after)

    case = desk.case("ann.first")
    assert set(desk.places().values()) == {"ann.first"}
    assert (case.replied_at, case.waiting_since, case.status) == (answer.received_at, after.received_at, "open")


def test_our_own_answer_to_an_emergency_that_began_in_the_same_batch_is_an_answer(desk: BatchDesk) -> None:
    desk.route(desk.mail("ann", "first", subject="Transfer"))
    danger = desk.mail("ann", "second", subject="Re: Transfer", answers=["first"], text="My account was hacked")
    ours, customer = Party(PartyKind.EMAIL, "support@desk.example"), Party(PartyKind.EMAIL, "ann@customer.example")
    answers = ("ann.second@customer.example",)
    answer = desk.arrived(envelope("answer", sender=ours, subject="Re: Transfer", in_reply_to=answers))

    desk.route(danger, replace(answer, to=(customer,)))

    case = desk.case("ann.first")
    assert (case.emergency, case.replied_at, case.waiting_since) == (True, answer.received_at, None)
    assert case.status == "pending"


@pytest.mark.parametrize(
    ("asked", "status"), [("Shall we send it to your card?", "open"), ("It is on its way.", "pending")]
)
def test_what_our_own_answer_of_the_same_batch_asked_is_answered_by_an_ok(
    desk: BatchDesk, asked: str, status: str
) -> None:
    desk.route(desk.mail("ann", "first", subject="Transfer"))
    ours, customer = Party(PartyKind.EMAIL, "support@desk.example"), Party(PartyKind.EMAIL, "ann@customer.example")
    answers = ("ann.first@customer.example",)
    answer = desk.arrived(envelope("answer", sender=ours, subject="Re: Transfer", text=asked, in_reply_to=answers))
    agreed = desk.mail("ann", "second", subject="Re: Transfer", answers=["first"], text="ok, thanks")

    desk.route(replace(answer, to=(customer,)), agreed)

    assert desk.case("ann.first").status == status
