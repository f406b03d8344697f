"""A customer who asks again, in a mail that quotes nothing of ours or in a chat whose case an agent has just resolved.

What comes of it is the same whether each message is a batch or all are in one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from router.envelope import Envelope
from store.db.bulk import insert_rows
from store.db.ids import new_id
from store.tables.messages import MessageRow
from store.tables.operations import OutboundRow
from tests.desk import TOML
from tests.workers.routing.batch_desk import NOW, BatchDesk, open_batch_desk

FORGED = ("mx.desk.example; dmarc=fail header.from=customer.example",)


@pytest.fixture(params=[1, 200])
def desk(
    request: pytest.FixtureRequest, migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[BatchDesk]:
    """A desk that routes one message or two hundred in a batch."""
    monkeypatch.setattr("workers.routing.route.BATCH", request.param)
    toml = TOML.replace('data = "{data}"', 'data = "{data}"\nauthserv_id = "mx.desk.example"', 1)
    with open_batch_desk(migrated_sqlite, tmp_path, toml=toml) as desk:
        yield desk


def earlier(message: Envelope, *, days: int) -> Envelope:
    """Return the message as it came some days before."""
    return replace(message, received_at=NOW - timedelta(days=days))


def answer(desk: BatchDesk, opened_by: str, *, ago: timedelta, state: str = "sent") -> None:
    """Answer a case and resolve it, as an agent does with one press. state: of the answer in the ledger."""
    case, at = desk.case(opened_by), datetime.now(UTC) - ago
    sent: dict[str, object] = {"id": new_id(), "conversation_id": case.id, "channel": case.channel, "kind": "reply"}
    sent |= {"dedupe_key": opened_by, "recipient": "ann", "text": "It is under settings.", "rfc_message_id": opened_by}
    sent |= {"state": state, "created_at": at, "due_at": at, "dated_at": at, "attempts": 0, "author": "Li Na"}
    row = {"id": new_id(), "conversation_id": case.id, "contact_id": case.contact_id, "direction": "outgoing"}
    row |= {"channel": case.channel, "sender_handle": "desk", "text": "It is under settings.", "received_at": at}
    row |= {"outbound_id": sent["id"]}
    with desk.database.write() as connection:
        insert_rows(connection, OutboundRow, rows=[sent])
        insert_rows(connection, MessageRow, rows=[row])
    desk.set(opened_by, status="resolved", last_message_at=at)


@pytest.mark.parametrize("subject", ["Re: Transfer", "回复：Transfer", "自动回复: Transfer"])
def test_an_answers_subject_joins_the_one_open_case_of_a_proven_sender(desk: BatchDesk, subject: str) -> None:
    people = ("one", "two", "closed", "old", "unproven", "forged")
    desk.route(*(desk.mail(each, "first", subject="Transfer") for each in people))
    desk.route(desk.mail("two", "other", subject="Transfer", text="Another transfer of mine."))
    desk.set("closed.first", status="resolved")
    desk.set("old.first", last_message_at=NOW - timedelta(days=15))
    desk.route(
        *(desk.mail(each, "again", subject=subject, text="Any news?") for each in ("one", "two", "closed", "old")),
        desk.mail("unproven", "again", subject=subject, text="Any news?", signed_by=()),
        desk.mail("forged", "again", subject=subject, text="Any news?", signed_by=(), authentication=FORGED),
        desk.mail("stranger", "again", subject=subject, text="Any news?"),
        # And again in the same batch.
        desk.mail("one", "third", subject=subject, text="Any news?"),
    )

    places = desk.places()
    assert (places["one.again"], places["one.third"]) == ("one.first", "one.first")
    alone = ("two", "closed", "old", "unproven", "forged", "stranger")
    assert {each: places[f"{each}.again"] for each in alone} == {each: f"{each}.again" for each in alone}
    linked = {each for each in alone if desk.case(f"{each}.again").linked_to}
    assert linked == {"two", "closed", "unproven"}


def test_a_mail_that_is_sent_again_after_a_weekend_joins_the_case_that_still_waits(desk: BatchDesk) -> None:
    said = {"subject": "Invoice", "text": "When do you send the invoice for 300 yuan?"}
    people = ("waits", "closed", "amount", "subject", "file")
    desk.route(*(earlier(desk.mail(each, "first", **said), days=3) for each in people))
    desk.set("closed.first", status="resolved")
    desk.route(
        desk.mail("waits", "again", **said),
        desk.mail("closed", "again", **said),
        desk.mail("amount", "again", subject="Invoice", text="When do you send the invoice for 800 yuan?"),
        desk.mail("subject", "again", subject="November", text=said["text"]),
        desk.mail("stranger", "again", **said),
    )

    places = desk.places()
    assert places["waits.again"] == "waits.first"
    alone = ("closed", "amount", "subject", "stranger")
    assert {each: places[f"{each}.again"] for each in alone} == {each: f"{each}.again" for each in alone}
    repeated = [
        row.duplicate_of is not None
        for row in desk.rows(MessageRow)
        if row.rfc_message_id == "waits.again@customer.example"
    ]
    assert repeated == [True]


def test_a_machines_many_equal_mails_hide_no_customers_second_one(desk: BatchDesk) -> None:
    said, report = {"subject": "Invoice", "text": "When do you send the invoice for 300 yuan?"}, {"subject": "Job"}
    desk.route(earlier(desk.mail("machine", "first", **report, text="The nightly job has failed."), days=5))
    desk.route(earlier(desk.mail("customer", "first", **said), days=3))
    (row,) = (row for row in desk.rows(MessageRow) if row.rfc_message_id == "machine.first@customer.example")
    copies = [{"id": new_id(), "inbound_id": None, "received_at": NOW - timedelta(days=4)} for _ in range(1_100)]
    with desk.database.write() as connection:
        insert_rows(connection, MessageRow, rows=[dict(row._mapping) | each for each in copies])
    desk.route(
        desk.mail("machine", "again", **report, text="The nightly job has failed."),
        desk.mail("customer", "again", **said),
    )

    places = desk.places()
    assert (places["machine.again"], places["customer.again"]) == ("machine.first", "customer.first")


def test_a_reference_in_the_text_joins_the_senders_own_case(desk: BatchDesk) -> None:
    desk.route(*(desk.mail(each, "first", subject="Electricity") for each in ("own", "closed", "unproven")))
    desk.route(desk.line("chatter", "first", "My transport card does not open"))
    desk.set("closed.first", status="resolved")
    desk.set("chatter.first", status="resolved")
    number = {each: desk.case(f"{each}.first").reference for each in ("own", "closed", "unproven", "chatter")}
    desk.route(
        desk.mail("own", "again", subject="A word", text=f"受理编号 {number['own']}，有结果了吗？"),
        desk.mail("closed", "again", subject="A new matter", text=f"{number['closed']} is solved, now about my card"),
        desk.mail("unproven", "again", subject="A word", text=f"What about {number['unproven']}?", signed_by=()),
        desk.mail("stranger", "again", subject="A word", text=f"What about {number['own']}?"),
        desk.line("other", "again", f"{number['own']} 处理到哪了"),
        desk.line("chatter", "again", f"{number['chatter']} 还是打不开"),
    )

    places = desk.places()
    assert (places["own.again"], places["chatter.again"]) == ("own.first", "chatter.first")
    alone = ("closed", "unproven", "stranger", "other")
    assert {each: places[f"{each}.again"] for each in alone} == {each: f"{each}.again" for each in alone}


def test_a_line_within_a_day_of_the_answer_that_closed_its_case_opens_it_again(desk: BatchDesk) -> None:
    people = ("soon", "late", "unanswered", "said")
    question = "How do I set up automatic payment?"
    desk.route(*(earlier(desk.line(each, "first", question), days=2) for each in people))
    answer(desk, "soon.first", ago=timedelta(hours=20))
    answer(desk, "late.first", ago=timedelta(hours=27))
    answer(desk, "said.first", ago=timedelta(hours=2))
    desk.set("unanswered.first", status="resolved", last_message_at=NOW)
    desk.route(*(desk.line(each, "again", "I cannot find that") for each in ("soon", "late", "unanswered")))
    desk.route(desk.line("said", "thanks", "谢谢"), desk.line("said", "again", "但是还是没有这个选项"))

    places = desk.places()
    assert places["soon.again"] == "soon.first"
    assert {each: places[f"{each}.again"] for each in ("late", "unanswered")} == {
        "late": "late.again",
        "unanswered": "unanswered.again",
    }
    assert desk.case("soon.first").status == "open"
    # Thanks end it: what follows them is more often something else.
    assert (places["said.thanks"], places["said.again"]) == ("said.first", "said.again")
    assert desk.case("said.again").linked_to == desk.case("said.first").id


def test_a_line_that_names_another_matter_opens_a_case_of_its_own(desk: BatchDesk) -> None:
    says = {"danger": "I was hacked", "same": "My refund is still not there", "vague": "I cannot find that"}
    desk.route(*(earlier(desk.line(each, "first", "How do I get my refund?"), days=2) for each in says))
    for each in says:
        answer(desk, f"{each}.first", ago=timedelta(hours=20))
    desk.route(*(desk.line(each, "again", text) for each, text in says.items()))

    assert {each: desk.places()[f"{each}.again"] for each in says} == {
        "danger": "danger.again",
        "same": "same.first",
        "vague": "vague.first",
    }
    opened, before = desk.case("danger.again"), desk.case("danger.first")
    assert (opened.category, opened.emergency, opened.linked_to) == ("account_security", True, before.id)
    assert (before.status, before.emergency) == ("resolved", False)


def test_an_answer_that_never_left_is_none(desk: BatchDesk) -> None:
    states = ("sent", "cancelled", "queued")
    desk.route(*(earlier(desk.line(each, "first", "How do I set up automatic payment?"), days=2) for each in states))
    for each in states:
        answer(desk, f"{each}.first", ago=timedelta(hours=3), state=each)
    desk.route(*(desk.line(each, "again", "I cannot find that") for each in states))

    assert [desk.places()[f"{each}.again"] for each in states] == ["sent.first", "cancelled.again", "queued.again"]


def test_a_line_that_names_another_case_stays_in_its_chat(desk: BatchDesk) -> None:
    desk.route(*(desk.mail(each, "mail", subject="Electricity") for each in ("talks", "begins")))
    desk.route(earlier(desk.line("again", "old", "How do I get my refund?"), days=3))
    desk.set("again.old", status="resolved")
    numbers = {each: desk.case(f"{each}.mail").reference for each in ("talks", "begins")}
    numbers["again"] = desk.case("again.old").reference
    for each in ("talks", "begins"):
        desk.know_as(each)
    desk.route(*(desk.line(each, "first", "My transport card does not open the gate") for each in ("talks", "again")))
    desk.route(*(desk.line(each, "names", f"And what about {number}?") for each, number in numbers.items()))
    desk.route(desk.line("talks", "then", "The gate is still closed"))

    places = desk.places()
    assert [places[f"talks.{each}"] for each in ("names", "then")] == ["talks.first", "talks.first"]
    assert (places["again.names"], places["begins.names"]) == ("again.first", "begins.names")


def test_an_absence_note_about_a_closed_case_opens_no_other_one(desk: BatchDesk) -> None:
    desk.route(*(desk.mail(each, "first", subject="Fees") for each in ("one", "two")))
    for each in ("one", "two"):
        desk.set(f"{each}.first", status="resolved")
    note = {"text": "I am away until Monday.", "machine_headers": (("auto-submitted", "auto-replied"),)}
    desk.route(
        desk.mail("one", "away", subject="Automatic reply: Fees", answers=["first"], **note),
        desk.mail("two", "away", subject="自动回复: Fees", answers=["first"], **note),
    )

    assert {key: case for key, case in desk.places().items() if "away" in key} == {
        "one.away": "one.first",
        "two.away": "two.first",
    }
    assert desk.case("one.first").status == "resolved"
