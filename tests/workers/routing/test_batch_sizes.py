"""The outcome of a mailbox depends neither on the size of the batches nor on the database: all tables are equal."""

from __future__ import annotations

import gc
import json
import random
import re
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from router.envelope import Envelope, Party, PartyKind
from store.contacts.identities import Handle, known_contacts, lock_contacts
from store.db.engine import Database
from store.tables.messages import ConversationRow, IdentityRow, InboundRow, MessageRow, ThreadKeyRow, digest
from store.tables.operations import OutboundRow
from tests.desk import BOB, RECEIVED_AT, Desk, elsewhere, envelope
from workers.routing.explain import explain_envelope

_NOW: Final = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
_WORDS: Final = (
    "I want a refund for order 12.",
    "我的账户被盗了",
    "How long does it take?",
    "My money is gone.",
    "I transferred 500 yuan to my friend yesterday but he has not received it",
    "你好",
)
_ID: Final = re.compile(r"UUID\('([0-9a-f-]{36})'\)|([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32})")
_REFERENCE: Final = re.compile(r"\b([0-9A-Z]{9})(-[0-9A-F]{10})?\b")
# What a claim leaves, what is kept as it came, and the numbers of a publisher.
_WITHOUT: Final = {"lease_token", "lease_until", "envelope", "content", "seq"}


def _mailbox(*, seed: int) -> list[Envelope]:
    """Return new cases, answers, repeated words, copies, our own mail and our answers, in order of arrival."""
    chance = random.Random(seed)
    people = [Party(PartyKind.EMAIL, f"p{number}@customer.example", f"Person {number}") for number in range(8)]
    people.append(Party(PartyKind.EMAIL, "support@desk.example", "Desk"))
    found: list[Envelope] = []
    for number in range(60):
        fields: dict[str, Any] = {
            "sender": chance.choice(people),
            "text": chance.choice(_WORDS) + ("" if chance.random() < 0.3 else f" {number}"),
        }
        theirs = [each for each in found if each.sender == fields["sender"] or chance.random() < 0.1]
        answered = chance.choice(theirs) if theirs and chance.random() < 0.5 else None
        if answered:
            fields["in_reply_to"] = (f"{answered.rfc_message_id}",)
        if chance.random() < 0.2:
            fields["signed_by"] = ()
        mail = envelope(f"m{number:02}", subject=chance.choice(("", "A question", f"Case {number}")), **fields)
        if answered and fields["sender"] == people[-1]:
            mail = replace(mail, to=(answered.sender,))
        found.append(replace(mail, received_at=RECEIVED_AT + timedelta(seconds=number)))
        if chance.random() < 0.1:
            found.append(replace(elsewhere(found[-1], channel="sales"), source_key=f"copy{number:02}"))
    return found


def _known_to_several() -> Sequence[tuple[str, dict[str, Any], str, str]]:
    """Return mails of which several cases know a Message-ID: key, fields, the case joined, and the case linked to.

    What is unproven opens a case of its own and quotes there what it answers.
    """
    unproven: dict[str, Any] = {"signed_by": ()}
    return [
        # The message's own case comes before one that is newer, moved later and only quoted it.
        ("own", {}, "own", ""),
        ("quote", {"answers": "own"} | unproven, "quote", "own"),
        ("moves-quote", {"answers": "quote"}, "quote", ""),
        ("to-own", {"answers": "own"}, "own", ""),
        # Of those that only quoted it the newest, also where an older one moved later.
        ("first", {"answers": "lost"} | unproven, "first", ""),
        ("second", {"answers": "lost"} | unproven, "second", "first"),
        ("moves-first", {"answers": "first"}, "first", ""),
        ("to-lost", {"answers": "lost"}, "second", ""),
        # The message itself arrives, joins the newest, and is its own from then on.
        ("third", {"answers": "late"} | unproven, "third", ""),
        ("fourth", {"answers": "late"} | unproven, "fourth", "third"),
        ("late", {}, "fourth", ""),
        ("fifth", {"answers": "late"} | unproven, "fifth", "fourth"),
        ("moves-third", {"answers": "third"}, "third", ""),
        ("to-late", {"answers": "late"}, "fourth", ""),
        # What another contact only quoted counts for no one else, also where both are in one batch.
        ("bobs", {"answers": "lost", "sender": BOB}, "bobs", ""),
        ("anns", {"answers": "unseen"}, "anns", ""),
        ("stranger", {"answers": "unseen", "sender": BOB}, "stranger", ""),
        ("anns-again", {"answers": "unseen"}, "anns", ""),
    ]


def _mails_to_several() -> list[Envelope]:
    found = []
    for number, (key, fields, _, _) in enumerate(_known_to_several()):
        other = {name: value for name, value in fields.items() if name != "answers"}
        answers = (f"{fields['answers']}@customer.example",) if "answers" in fields else ()
        mail = envelope(key, subject=f"About {key}", in_reply_to=answers, **other)
        found.append(replace(mail, received_at=RECEIVED_AT + timedelta(seconds=number)))
    return found


def _places(desk: Desk) -> dict[str, tuple[str, str]]:
    """Return for each mail the cases that its trace names: joined or opened, and linked to."""
    names = _names(desk)
    keys = {row.id: row.source_key for row in desk.rows(InboundRow)}
    cases = {str(row.id): names[str(row.id)].removeprefix("case ") for row in desk.rows(ConversationRow)} | {"": ""}
    return {
        keys[row.inbound_id]: (cases[str(row.conversation_id)], cases[row.trace["correlation"].get("linked_to", "")])
        for row in desk.rows(MessageRow)
    }


@pytest.mark.parametrize("batch", [1, 2, 200])
def test_of_several_cases_that_know_a_message_its_own_is_joined_and_else_the_newest(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr("workers.routing.route.BATCH", batch)
    desk = Desk(database, tmp_path)
    # What is read with the batch, and what is learned from it.
    for half in (_mails_to_several()[:7], _mails_to_several()[7:]):
        desk.route(*half)

    assert _places(desk) == {key: (joined, linked) for key, _, joined, linked in _known_to_several()}
    own = {(bytes(row.digest), row.conversation_id) for row in desk.rows(ThreadKeyRow) if row.own}
    assert {(digest(row.rfc_message_id), row.conversation_id) for row in desk.rows(MessageRow)} <= own


@pytest.mark.parametrize("batch", [1, 200])
def test_a_journals_report_is_a_copy_of_the_message_and_not_of_a_case_that_quoted_it(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr("workers.routing.route.BATCH", batch)
    desk = Desk(database, tmp_path)
    desk.route(envelope("child", in_reply_to=("mail@customer.example",)))
    words, mark = "Sender: ann@customer.example\nMessage-ID: <mail@customer.example>", ("x-ms-journal-report", "")
    report = envelope("report", sender=BOB, subject="", text=words, machine_headers=(mark,))

    # Ann is in the batch, whose case only quoted the mail; then a stranger's mail has it for its own.
    mail = envelope("mail", sender=Party(PartyKind.EMAIL, "carl@customer.example"))
    desk.route(envelope("anns", subject="More"), mail, report)

    rows = {row.source_key: row for row in desk.rows(InboundRow)}
    assert rows["report"].duplicate_of == rows["mail"].id


def test_explain_names_the_case_that_the_route_joined(database: Database, tmp_path: Path) -> None:
    desk = Desk(database, tmp_path)
    now = RECEIVED_AT + timedelta(minutes=1)
    said: dict[str, tuple[str | None, str | None]] = {}

    for mail in _mails_to_several():
        trace = explain_envelope(mail, brain=desk.brain, database=database, at=now)
        assert trace.correlation
        said[mail.source_key] = trace.correlation.joined, trace.correlation.linked_to
        desk.route(mail)

    keys = {row.id: row.source_key for row in desk.rows(InboundRow)}
    traces = {keys[row.inbound_id]: row.trace["correlation"] for row in desk.rows(MessageRow)}
    assert said == {key: (trace.get("joined"), trace.get("linked_to")) for key, trace in traces.items()}
    assert _places(desk) == {key: (joined, linked) for key, _, joined, linked in _known_to_several()}


def _routed(database: Database, folder: Path, *, batch: int, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr("workers.routing.route.BATCH", batch)
    desk = Desk(database, folder)
    desk.brain = replace(desk.brain, key=b"the same")
    desk.use(desk.settings)
    for half in (_mailbox(seed=1)[:30], _mailbox(seed=1)[30:]):
        desk.route(*half)
    return desk


def _names(desk: Desk) -> dict[str, str]:
    """Return a name that two runs share for each id and reference that rows may have."""
    inbound = {row.id: row.source_key for row in desk.rows(InboundRow)}
    names = {str(id_): key for id_, key in inbound.items()}
    names |= {str(row.contact_id): row.handle for row in desk.rows(IdentityRow)}
    for row in desk.rows(ConversationRow):
        names |= {str(row.id): f"case {inbound[row.opened_by_inbound]}", row.reference: inbound[row.opened_by_inbound]}
    names |= {str(row.id): f"message {inbound[row.inbound_id]}" for row in desk.rows(MessageRow)}
    for row in desk.rows(OutboundRow):
        names |= {str(row.id): row.kind, str(digest(row.rfc_message_id)): names[str(row.conversation_id)]}
    return names


def _tables(desk: Desk) -> dict[str, Counter[str]]:
    names = _names(desk)

    def named(found: re.Match[str]) -> str:
        key = found[1] or found[2]
        return names.get(str(UUID(key)), "an id")

    def plain(value: object) -> str:
        # PostgreSQL keeps no order of keys.
        return json.dumps(value, sort_keys=True) if isinstance(value, dict | list) else repr(value)

    def written(value: object) -> str:
        text = names.get(str(value)) or _ID.sub(named, plain(value))
        return _REFERENCE.sub(lambda found: names.get(found[1], found[0]), text)

    found = {}
    # The tally of heard messages has one row a batch.
    for table in (table for table in SQLModel.metadata.sorted_tables if table.name != "gate_tally"):
        columns = [column for column in table.c if column.name not in _WITHOUT]
        with desk.database.read() as connection:
            rows: Sequence[Any] = connection.execute(sa.select(*columns)).all()
        found[table.name] = Counter(" | ".join(map(written, row)) for row in rows)
    return found


def test_a_batch_of_one_and_a_batch_of_200_write_the_same_rows(
    database: Database, migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("store.inbound.claims", "store.inbound.accept"):
        monkeypatch.setattr(f"{module}.read_clock", lambda _: _NOW)
    # A case's token is bound to its contact's id.
    monkeypatch.setattr("router.threads.correlation._proof", lambda *_, **__: "0123456789")
    shutil.copy(migrated_sqlite, tmp_path / "one_by_one.db")
    other = Database(f"sqlite:///{tmp_path / 'one_by_one.db'}")

    one_by_one = _tables(_routed(other, tmp_path, batch=1, monkeypatch=monkeypatch))
    at_once = _tables(_routed(database, tmp_path, batch=200, monkeypatch=monkeypatch))

    other.close()
    assert sum(at_once["conversation"].values()) > 10
    assert {"emergency", "outbound", "thread_key", "event"} <= {name for name, rows in at_once.items() if rows}
    for name, rows in one_by_one.items():
        assert at_once[name] == rows, name


def test_a_routed_batch_leaves_little_that_only_a_scan_for_garbage_finds(database: Database, tmp_path: Path) -> None:
    # A worker scans seldom (`connectors.freed_memory.scan_seldom`).
    desk, mails = Desk(database, tmp_path), _mailbox(seed=1)
    desk.route(*mails[:30])
    gc.collect()
    desk.route(*mails[30:])

    assert gc.collect() < 50 * len(mails[30:])


def test_a_sender_who_was_erased_while_their_batch_was_drafted_gets_a_new_contact(database: Database) -> None:
    handle = Handle("email", "ann@customer.example")

    with database.write() as connection:
        contacts = lock_contacts(connection, senders={handle: "Ann"}, now=_NOW, proposed={})
        assert contacts == known_contacts(connection, [handle])
        assert list(contacts) == [handle]
