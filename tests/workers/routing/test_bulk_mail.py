"""Newsletters at a desk: they wait apart without a promise or a category, and danger in them is still danger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from router.conversation_status import Status
from router.envelope import Envelope, Party, PartyKind
from router.remarks.remark_kind import BULK_MAIL
from store.db.engine import Database
from store.tables.messages import ConversationRow, MessageRow
from tests.desk import TOML, Desk, envelope

NEWS = Party(PartyKind.EMAIL, "news@shop.example", "Shop")
MARKS = (("list-unsubscribe", "<https://shop.example/u>"), ("precedence", "bulk"))


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    return Desk(database, tmp_path, toml=TOML)


def news(key: str = "n", text: str = "A refund for everything this weekend!", **fields: Any) -> Envelope:
    return envelope(key, sender=NEWS, text=text, machine_headers=MARKS, **fields)


def test_a_newsletter_waits_apart_without_category_promise_or_reply(desk: Desk) -> None:
    desk.route(news())
    (case,) = desk.rows(ConversationRow)
    assert (case.status, case.labels, case.category) == (Status.PENDING, [BULK_MAIL], None)
    assert (case.first_reply_due_at, case.clock_started_at, case.waiting_since, case.watch_at) == (None,) * 4
    (message,) = desk.rows(MessageRow)
    assert message.trace["due"].get("sla") is None
    assert message.trace["origin"]["why"][-1]["key"] == "written_to_many"


def test_the_same_words_of_a_person_are_a_matter(desk: Desk) -> None:
    desk.route(envelope("n", sender=NEWS, text="A refund for everything this weekend!"))
    (case,) = desk.rows(ConversationRow)
    assert (case.status, case.category) == (Status.OPEN, "refund")
    assert case.first_reply_due_at is not None


def test_danger_in_a_newsletter_is_shown_to_the_agents_as_before(desk: Desk) -> None:
    desk.route(news(text="My wallet was hacked, please help."))
    (case,) = desk.rows(ConversationRow)
    assert case.possible_danger
    assert (case.status, BULK_MAIL in case.labels) == (Status.OPEN, False)


def test_what_its_sender_writes_as_a_person_is_a_case_of_its_own(desk: Desk) -> None:
    desk.route(news(), envelope("p", sender=NEWS, text="You still owe me a refund."))
    found = {tuple(case.labels): case for case in desk.rows(ConversationRow)}
    assert found[BULK_MAIL,].status == Status.PENDING
    assert (found[()].status, found[()].category) == (Status.OPEN, "refund")
    assert found[()].first_reply_due_at is not None
