"""A few heavy mails hold nothing up: what is read of a message is bounded, and heavy ones go after light ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.base import RawMessage
from connectors.email.mime.normalise import normalise
from router.envelope import Envelope
from router.message_limits import PAGE_CHARACTERS, PAGE_DEFECT, WORDS_CHARACTERS, WORDS_DEFECT, within_limits
from store.db.engine import Database
from tests.desk import Desk, envelope

# What three of held an emergency back for 112 seconds.
HEAVY_BYTES = 1_800_000


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    return Desk(database, tmp_path)


def read(batch: str) -> Envelope:
    head = b"From: m@example.net\nSubject: x\nMIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n\n"
    return normalise(
        RawMessage(source_key="1", content=head + batch.encode(), received_at=datetime.now(UTC)), channel="mail"
    )


def length(of: Envelope) -> int:
    return len(of.text) + len(of.quoted) + len(of.signature)


@pytest.mark.parametrize("unit", ["<td>4111</td> ", "<a><b><p>1</b></a>", "&nbsp;1", "<div>password is 1</div>"])
def test_a_batch_beyond_the_bound_is_not_kept_and_its_words_are(unit: str) -> None:
    found = read("<p>My card was stolen</p>" + unit * (HEAVY_BYTES // len(unit)))

    assert found.html == ""
    assert found.text.startswith("My card was stolen")
    assert length(found) <= WORDS_CHARACTERS
    assert PAGE_DEFECT in found.defects


def test_a_batch_within_the_bound_is_kept() -> None:
    found = read("<p>My card was stolen</p>" * 1_000)

    assert found.html
    assert found.defects == ()


def test_the_budget_holds_on_every_channel_and_for_what_was_accepted_before(desk: Desk) -> None:
    heavy = replace(
        envelope("1"), text="我的钱被盗了 " + "x" * HEAVY_BYTES, quoted="y" * HEAVY_BYTES, html="<p>" * HEAVY_BYTES
    )

    (read_of_it,) = desk.brain.read_batch([heavy])
    assert len(read_of_it.shown.text) == WORDS_CHARACTERS
    assert (read_of_it.shown.quoted, read_of_it.shown.html) == ("", "")
    assert {WORDS_DEFECT, PAGE_DEFECT} <= set(read_of_it.envelope.defects)


def test_the_subject_and_the_name_are_bounded_too() -> None:
    one = envelope("1")
    found = within_limits(replace(one, subject="s" * 10**6, sender=replace(one.sender, name="n" * 10**6)))

    assert len(found.subject) + len(found.sender.name) < 5_000


def test_an_ordinary_envelope_stays_as_it_is() -> None:
    assert within_limits(envelope("1")) == envelope("1")


def test_a_message_in_danger_is_routed_before_the_heavy_ones_that_came_first(desk: Desk) -> None:
    # Given heavy mail that has waited longer
    page = "<p>1</p>" * (PAGE_CHARACTERS // 8)
    desk.accept(*(replace(envelope(f"h{n}"), html=page) for n in range(5)))
    desk.accept(envelope("danger"))

    # When the worker takes what is due
    desk.router.route_oldest()

    # Then the one in danger is out, and of the others each goes alone
    assert [key for key, state in desk.states().items() if state == "routed"] == ["danger"]
    assert [desk.router.route_oldest() for _ in range(6)] == [1, 1, 1, 1, 1, 0]
    assert set(desk.states().values()) <= {"routed", "duplicate"}
