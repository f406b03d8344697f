"""A false alarm leaves nothing behind, possible danger waits for an agent's answer: on both databases."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from router.classify import Classification, Classifies
from router.conversation_status import Status
from router.errors import NotFound
from router.settings import read_settings
from store.conversations.changes import Change, change, lock
from store.conversations.sla import note_reply
from store.db.engine import Database
from store.desk.agents import add_agent
from store.tables.desk import PauseRow, SlaNoticeRow
from store.tables.emergencies import DangerQuestionRow, EmergencyRow
from store.tables.messages import ConversationRow
from store.tables.operations import EventRow, OutboundRow
from tests.desk import BOB, TOML, Desk, closed_now, envelope, text_in
from workers.chores.sla import SlaWatch
from workers.routing.brain import build_brain
from workers.routing.danger_findings import EmergencyService
from workers.routing.route import MessageRouter
from workers.training.desk_examples import desk_examples

LABELLED = TOML.replace(
    'team = "risk"\npriority = "urgent"\n', 'team = "risk"\npriority = "urgent"\nlabels = ["security"]\n'
)
CORRECTED = (
    LABELLED.replace(
        'address = "support@desk.example"', 'address = "support@desk.example"\nsend = {{ host = "mx.example" }}'
    )
    + """
[emergency]
correction = "calm"
[replies.calm]
text = {{ en = "No danger after all. Case {{reference}}." }}
"""
)


@dataclass(frozen=True)
class Doubting:
    """A classifier that takes the word "worried" for possible danger."""

    inner: Classifies

    def classify_batch(self, texts: Sequence[str], *, masked: Sequence[str] | None = None) -> list[Classification]:
        answers = self.inner.classify_batch(texts, masked=masked)
        return [
            replace(answer, possible_danger="worried" in text and not answer.emergency, danger=0.4)
            for text, answer in zip(texts, answers, strict=True)
        ]


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    return doubting(Desk(database, tmp_path, toml=CORRECTED))


def doubting(desk: Desk) -> Desk:
    desk.brain = build_brain(desk.settings, classifier=Doubting(desk.brain.classifier))
    desk.router = MessageRouter(desk.database, desk.brain)
    return desk


def judge(desk: Desk, *, danger: bool | None, by: str = "Li Na") -> Any:
    (conversation,) = desk.rows(ConversationRow)
    with desk.database.write() as connection:
        EmergencyService(desk.settings).judge(connection, conversation.id, danger=danger, by=by)
    return only(desk)


def only(desk: Desk) -> Any:
    (conversation,) = desk.rows(ConversationRow)
    return conversation


def case_state(row: Any) -> tuple[Any, ...]:
    return (row.emergency, row.team, row.priority, row.sla, row.route, row.labels)


def kinds(desk: Desk) -> list[str]:
    return [row.kind for row in sorted(desk.rows(EventRow), key=lambda row: row.id)]


def corrections(desk: Desk) -> list[Any]:
    return [row for row in desk.rows(OutboundRow) if row.dedupe_key.startswith("correction:")]


PAGED = (True, "risk", "urgent", "emergency", "security, day and night", ["security"])
CALM = (False, "front-line", "normal", "standard", "everything else", [])


def test_a_released_alarm_is_what_the_routes_would_have_made_of_it(desk: Desk) -> None:
    desk.route(envelope("1", text="How do I know that I was hacked?"))
    assert case_state(only(desk)) == PAGED

    released = judge(desk, danger=False)

    assert case_state(released) == CALM
    # The promise of the calm route, from the same moment on: four hours of the office that is always open.
    assert released.first_reply_due_at == released.opened_at + timedelta(hours=4)
    assert released.resolve_due_at == released.opened_at + timedelta(days=2)
    assert kinds(desk)[-4:] == [
        "emergency.released",
        "conversation.moved",
        "conversation.prioritised",
        "conversation.labelled",
    ]
    assert judge(desk, danger=False).version == released.version  # said twice, it is said once


def test_a_release_is_undone_with_all_that_it_changed(desk: Desk) -> None:
    desk.route(envelope("1", text="I was hacked"))
    before = only(desk)
    judge(desk, danger=False)

    undone = judge(desk, danger=None)

    assert case_state(undone) == PAGED
    assert undone.first_reply_due_at == before.first_reply_due_at
    (alarm,) = desk.rows(EmergencyRow)
    assert (alarm.confirmed, alarm.by) == (None, "")
    assert [row.state for row in corrections(desk)] == ["cancelled"]
    assert kinds(desk)[-1] == "emergency.reopened"


def set_aside(desk: Desk, status: Status, *, by: str, until: datetime | None = None) -> None:
    with desk.database.write() as connection:
        case = lock(connection, only(desk).id)
        change(connection, case, wanted=Change(status=status, snoozed_until=until), by=by, now=datetime.now(UTC))


@pytest.mark.parametrize("danger", [True, False])
def test_a_finding_is_taken_back_after_the_case_was_made_pending_again(desk: Desk, danger: bool) -> None:
    desk.route(envelope("1", text="I am worried" if danger else "I was hacked"))
    set_aside(desk, Status.PENDING, by="Bo")
    judge(desk, danger=danger)
    SlaWatch(desk.database, desk.brain).once()
    set_aside(desk, Status.OPEN, by="Bo")
    set_aside(desk, Status.PENDING, by="Bo")
    before = sorted(desk.rows(PauseRow))

    assert judge(desk, danger=None).status == Status.PENDING
    assert sorted(desk.rows(PauseRow)) == before


def test_who_has_set_a_case_aside_since_a_finding_still_has_when_it_is_taken_back(desk: Desk) -> None:
    until = datetime.now(UTC) + timedelta(days=1)
    desk.route(envelope("1", text="I am worried"))
    set_aside(desk, Status.SNOOZED, by="Bo", until=until)
    judge(desk, danger=True)
    set_aside(desk, Status.SNOOZED, by="Wang Fang", until=until + timedelta(days=1))

    assert judge(desk, danger=None).snoozed_by == "Wang Fang"


def test_confirming_what_was_released_makes_it_the_emergency_again(desk: Desk) -> None:
    desk.route(envelope("1", text="I was hacked"))
    judge(desk, danger=False)

    assert case_state(judge(desk, danger=True)) == PAGED


def test_what_an_agent_changed_in_between_stays(desk: Desk) -> None:
    desk.route(envelope("1", text="I was hacked"))
    order = Change(team="front-line", priority="high", add_labels=("vip",))
    with desk.database.write() as connection:
        change(connection, lock(connection, only(desk).id), wanted=order, by="Bo", now=datetime.now(UTC))

    released = judge(desk, danger=False)

    assert (released.team, released.priority, released.labels) == ("front-line", "high", ["vip"])
    assert released.sla == "standard"


def test_a_case_that_was_escalated_later_is_what_it_was_before(desk: Desk) -> None:
    desk.route(envelope("1", text="A question about my card"))
    with desk.database.write() as connection:
        add_agent(connection, name="Bo", role="agent")
        order = Change(assignee="Bo", priority="low", add_labels=("card",))
        change(connection, lock(connection, only(desk).id), wanted=order, by="Bo", now=datetime.now(UTC))
        note_reply(connection, conversation_id=only(desk).id, at=datetime.now(UTC))
    before = only(desk)
    desk.route(envelope("2", text="It was hacked", in_reply_to=("1@customer.example",)))
    assert case_state(only(desk)) == (True, "risk", "urgent", "emergency", PAGED[4], ["card", "security"])
    assert only(desk).assignee is None

    released = judge(desk, danger=False)

    assert case_state(released) == (False, "front-line", "low", "standard", "everything else", ["card"])
    assert (released.assignee, released.replied_at) == ("Bo", before.replied_at)
    assert released.clock_started_at == before.clock_started_at
    # The customer waits for an answer to the second message.
    assert released.next_reply_due_at is not None


def test_a_promise_of_the_emergency_that_was_broken_is_none_of_the_calm_one(desk: Desk) -> None:
    desk.route(envelope("1", text="I was hacked"))
    started = datetime.now(UTC) - timedelta(hours=1)
    desk.change(ConversationRow, clock_started_at=started, watch_at=started)
    watch = SlaWatch(desk.database, desk.brain)
    watch.once()
    assert [(row.promise, row.kind) for row in desk.rows(SlaNoticeRow)] == [("first_reply", "breach")]

    judge(desk, danger=False)
    assert desk.rows(SlaNoticeRow) == []
    watch.once()
    assert desk.rows(SlaNoticeRow) == []

    judge(desk, danger=None)
    watch.once()
    assert kinds(desk).count("sla.breached") == 1


def test_a_false_alarm_at_night_waits_for_the_morning(database: Database, tmp_path: Path) -> None:
    desk = Desk(database, tmp_path, toml=LABELLED)
    desk.use(read_settings(text_in(tmp_path, toml=LABELLED, week=closed_now())))
    desk.route(envelope("1", text="I was hacked"))

    released = judge(desk, danger=False)

    assert (released.status, released.route) == (Status.SNOOZED, "closed")
    assert released.held_until is not None


def test_the_customer_gets_one_calm_word_after_what_the_machine_said(desk: Desk) -> None:
    desk.route(envelope("1", text="I was hacked"))
    for danger in (False, None, False):
        judge(desk, danger=danger)

    (word,) = corrections(desk)
    assert (word.recipient, word.state, word.kind) == ("ann@customer.example", "queued", "auto_reply")
    assert re.match(r"No danger after all\. Case [0-9A-Z]{9}\.", word.text)
    # As long as the page offers to undo, nothing leaves.
    assert word.due_at - word.created_at == timedelta(minutes=2)


def test_no_correction_follows_where_nothing_was_said_or_a_person_has_answered(desk: Desk) -> None:
    desk.route(envelope("1", text="I was hacked"))
    desk.change(ConversationRow, replied_at=datetime.now(UTC) + timedelta(minutes=1))
    judge(desk, danger=False)
    assert corrections(desk) == []

    desk.change(ConversationRow, replied_at=None)
    judge(desk, danger=None)
    desk.change(OutboundRow, state="failed")
    judge(desk, danger=False)
    assert corrections(desk) == []


def test_an_emergency_of_an_older_version_is_released_as_far_as_it_is_known(desk: Desk) -> None:
    desk.route(envelope("1", text="I was hacked"))
    desk.change(EmergencyRow, paged=None, calm=None)

    released = judge(desk, danger=False)

    assert (released.emergency, released.team, released.priority) == (False, "risk", "normal")


def test_possible_danger_calls_no_one_and_asks(desk: Desk) -> None:
    desk.route(envelope("1", text="I am worried about a payment"))

    row = only(desk)
    assert (row.possible_danger, *case_state(row)) == (True, *CALM)
    assert desk.rows(EmergencyRow) == []
    (question,) = desk.rows(DangerQuestionRow)
    assert (question.answer, question.paged["team"]) == (None, "risk")
    assert "danger.suspected" in kinds(desk)


@pytest.mark.parametrize("header", [("list-id", "<news.example>"), ("auto-submitted", "auto-replied")])
def test_what_would_call_people_asks_where_no_person_waits(desk: Desk, header: tuple[str, str]) -> None:
    desk.route(envelope("1", text="I was hacked", machine_headers=(header,)))
    desk.route(envelope("2", text="I am worried about a payment", machine_headers=(header,)))

    marked, unmarked = sorted(desk.rows(ConversationRow), key=lambda row: row.opened_at)
    assert (marked.possible_danger, *case_state(marked)) == (True, *CALM)
    assert (unmarked.possible_danger, *case_state(unmarked)) == (False, *CALM)
    assert desk.rows(EmergencyRow) == []
    (question,) = desk.rows(DangerQuestionRow)
    assert question.paged["team"] == "risk"


def test_yes_makes_an_emergency_confirmed_by_that_agent(desk: Desk) -> None:
    desk.route(envelope("1", text="I am worried about a payment"))

    paged = judge(desk, danger=True)

    assert (paged.possible_danger, *case_state(paged)) == (False, *PAGED)
    # The promise counts from the answer: no one knew of the danger before.
    assert paged.first_reply_due_at == paged.clock_started_at + timedelta(minutes=15)
    assert paged.clock_started_at > paged.opened_at
    (alarm,) = desk.rows(EmergencyRow)
    assert (alarm.confirmed, alarm.by, alarm.paged_by) == (True, "Li Na", "Li Na")
    assert kinds(desk)[-2:] == ["conversation.escalated", "emergency.confirmed"]
    assert case_state(judge(desk, danger=False)) == CALM  # found false later


def test_no_closes_the_question_and_another_message_opens_it_again(desk: Desk) -> None:
    desk.route(envelope("1", text="I am worried about a payment"))
    denied = judge(desk, danger=False)
    assert (denied.possible_danger, denied.emergency) == (False, False)
    assert kinds(desk)[-1] == "danger.denied"
    assert judge(desk, danger=False).version == denied.version

    desk.route(envelope("2", text="still worried", in_reply_to=("1@customer.example",)))

    assert only(desk).possible_danger
    (question,) = desk.rows(DangerQuestionRow)
    assert (question.answer, question.by) == (None, "")


@pytest.mark.parametrize("danger", [True, False])
def test_an_answer_is_undone(desk: Desk, danger: bool) -> None:
    desk.route(envelope("1", text="I am worried about a payment"))
    before = only(desk)
    judge(desk, danger=danger)

    undone = judge(desk, danger=None)

    assert (undone.possible_danger, *case_state(undone)) == (True, *CALM)
    assert undone.first_reply_due_at == before.first_reply_due_at
    assert desk.rows(EmergencyRow) == []


def test_an_emergency_said_later_ends_the_question(desk: Desk) -> None:
    desk.route(
        envelope("1", text="I am worried"), envelope("2", text="I was hacked", in_reply_to=("1@customer.example",))
    )

    assert (only(desk).possible_danger, only(desk).emergency) == (False, True)


def test_old_mail_asks_nothing(desk: Desk) -> None:
    desk.route(envelope("1", text="I am worried"), backfill=True)

    assert not only(desk).possible_danger


def test_there_is_nothing_to_say_where_no_one_was_called(desk: Desk) -> None:
    desk.route(envelope("1", sender=BOB))

    with pytest.raises(NotFound):
        judge(desk, danger=True)


@pytest.mark.parametrize(
    ("text", "danger", "learnt"),
    [
        ("I was hacked", True, ("account_security", "")),
        ("I was hacked", False, ("", "lookalikes")),
        ("I was hacked", None, None),  # taken back: no verdict
        ("I am worried about a payment", True, ("account_security", "")),
        ("I am worried about a payment", False, ("", "lookalikes")),
    ],
)
def test_training_learns_what_an_agent_found(
    desk: Desk, text: str, danger: bool | None, learnt: tuple[str, str] | None
) -> None:
    desk.route(envelope("1", text=text))
    judge(desk, danger=danger is not False)
    judge(desk, danger=danger)
    with desk.database.read() as connection:
        found = desk_examples(connection, desk.settings)
    assert [(one.category, one.intent) for one in found if text in one.text] == ([learnt] if learnt else [])


def test_training_prefers_the_category_that_an_agent_chose(desk: Desk) -> None:
    desk.route(envelope("1", text="I was hacked"))
    judge(desk, danger=False)
    with desk.database.write() as connection:
        wanted = Change(category="refund")
        change(connection, lock(connection, only(desk).id), wanted=wanted, by="Li Na", now=datetime.now(UTC))
    with desk.database.read() as connection:
        assert [one.category for one in desk_examples(connection, desk.settings)] == ["refund"]


@pytest.mark.parametrize(
    ("danger", "learnt"),
    [
        (None, [("", "foreign")]),
        # A false alarm that is not for us teaches both.
        (False, [("", "foreign"), ("", "lookalikes")]),
        # A danger stays one, although an agent said afterwards that the case is not for us.
        (True, [("account_security", "")]),
    ],
)
def test_training_learns_what_is_not_for_us(desk: Desk, danger: bool | None, learnt: list[tuple[str, str]]) -> None:
    desk.route(envelope("1", text="I was hacked" if danger is not None else "Have you any umbrellas?"))
    if danger is not None:
        judge(desk, danger=danger)
    with desk.database.write() as connection:
        wanted = Change(category="")
        change(connection, lock(connection, only(desk).id), wanted=wanted, by="Li Na", now=datetime.now(UTC))
    with desk.database.read() as connection:
        assert [(one.category, one.intent) for one in desk_examples(connection, desk.settings)] == learnt
