"""A question is answered once, by the operator's words, through the ledger; a person who takes over wins."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from router.conversation_status import Status
from store.conversations.changes import Change, change, lock
from store.conversations.sla import change_status
from store.db.engine import Database
from store.desk.agents import add_agent
from store.desk.assignment import set_duty
from store.outbound.answer_verdicts import note_verdict
from store.outbound.given_answers import find_given
from store.tables.agents import SkillKind
from store.tables.operations import OutboundRow, OutboundState
from store.tables.self_service import AnswerGapRow, AnswerVerdict, AutoAnswerRow
from tests import forks
from tests.desk import BOB, Desk, envelope
from tests.workers.answering.answering_desk import ANSWERS, WEEK, AnsweringDesk, new_cases
from workers.answering.answerer import Answerer, accept
from workers.answering.library import AnswerLibrary
from workers.runtime.failpoints import ANSWERING

# A pass in a process of its own, which an armed failpoint ends.
PASS = """
import sys
from pathlib import Path
from router.settings import read_settings
from store.db.engine import Database
from workers.answering.answerer import Answerer
from workers.answering.library import AnswerLibrary
from workers.routing.brain import build_brain
config = Path(sys.argv[2])
settings = read_settings(config.read_text(encoding="utf-8"))
database = Database(sys.argv[1])
Answerer(database, build_brain(settings), AnswerLibrary(settings, config=config)).once()
"""


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> AnsweringDesk:
    found = AnsweringDesk(database, tmp_path)
    found.change(AutoAnswerRow, state="missed")
    return found


def test_a_frequent_question_is_answered_once_with_its_source_and_two_ways_out(desk: AnsweringDesk) -> None:
    desk.ask("2", "How long does a refund take?")
    assert Answerer(desk.database, desk.brain, desk.library).once() == 0  # the customer may still be writing
    assert desk.settle() == 1
    assert desk.settle() == 0
    (text,) = desk.texts()
    assert "Within 7 days." in text
    assert "https://desk.example/help#refund-when" in text
    assert "This is an automatic answer." in text
    assert "https://desk.example/answer/" in text
    (case,) = new_cases(desk)
    # And the promise of a first reply runs on.
    assert (case.status, case.replied_at) == (Status.OPEN, None)
    assert case.waiting_since is not None


def test_the_customers_language_decides_and_a_rule_of_the_file_means_offering(desk: AnsweringDesk) -> None:
    desk.ask("2", "退款要多久")
    desk.ask("3", "Where is the button?")
    desk.settle()
    answered, offered = desk.texts()
    assert "七天之内" in answered
    assert "这是系统自动回答" in answered
    assert "How do I ask for a refund?" in offered
    assert "Ask the shop" not in offered


def test_no_answer_goes_out_for_danger_a_secret_a_person_asked_for_or_ones_own_money(desk: AnsweringDesk) -> None:
    desk.ask("2", "I was hacked, how long does a refund take?")
    assert len(desk.states()) == 1, "a danger is not even asked about"
    desk.ask("3", "How long does a refund take? My card is 4111 1111 1111 1111")
    desk.ask("4", "How long does a refund take? I want a person")
    desk.ask("5", "Where is the refund 20261103?")
    desk.ask("6", "Sunshine tomorrow maybe")
    desk.settle()
    assert [state for state in desk.states() if state != "missed"] == [
        "refused",
        "refused",
        "offered",
        "nothing_found",
    ]
    assert "Within 7 days" not in "".join(desk.texts())
    assert [row.place for row in desk.rows(AnswerGapRow)][-1:] == ["message"]


def test_a_burst_gets_one_answer_to_its_last_state(desk: AnsweringDesk) -> None:
    for number in range(5):
        words = "How long does a refund take?" if number == 4 else f"One moment {number}"
        desk.ask(f"b{number}", words, subject="Burst", in_reply_to=("b0@customer.example",) if number else ())
    desk.settle()
    assert desk.states().count("superseded") == 4
    assert len(desk.texts()) == 1


def test_after_two_answers_and_after_an_agents_word_a_person_reads_the_next_question(desk: AnsweringDesk) -> None:
    for number in range(3):
        reply = {"in_reply_to": ("q0@customer.example",)} if number else {}
        desk.ask(f"q{number}", "How long does a refund take?", subject="Again", **reply)
        desk.settle()
    assert [state for state in desk.states() if state != "missed"] == ["answered", "answered", "refused"]


def take(desk: AnsweringDesk) -> None:
    with desk.database.write() as connection:
        add_agent(connection, name="Li", role="agent")
        set_duty(connection, name="Li", available=True, skills={SkillKind.TEAM: ["front-line"]})
    with desk.database.write() as connection:
        case = lock(connection, new_cases(desk)[0].id)
        change(connection, case, wanted=Change(take=True), by="Li", now=datetime.now(UTC))


def test_a_person_who_takes_over_before_it_is_sent_wins(desk: AnsweringDesk) -> None:
    # Before the decision is written
    desk.ask("2", "How long does a refund take?")
    desk.wait()
    answerer = Answerer(desk.database, desk.brain, desk.library)
    looked = answerer.look()
    take(desk)
    assert answerer.settle(looked) == 1
    assert (desk.states()[-1], desk.texts()) == ("taken_over", [])
    # And between the ledger and the provider
    desk.ask("3", "How long does a refund take?", sender=BOB)
    desk.settle()
    (queued,) = [row for row in desk.rows(OutboundRow) if row.dedupe_key.startswith("answer:")]
    with desk.database.write() as connection:
        case = lock(connection, queued.conversation_id)
        change(connection, case, wanted=Change(assignee="Li"), by="Li", now=datetime.now(UTC))
    deliverer = desk.deliverer()
    while deliverer.once():
        pass
    assert desk.row(queued.id).state == OutboundState.CANCELLED
    assert desk.states()[-1] == "taken_over"


def test_that_answers_it_lets_the_promise_rest_and_a_person_stays_wanted(desk: AnsweringDesk) -> None:
    desk.ask("2", "How long does a refund take?")
    desk.settle()
    given = desk.rows(AutoAnswerRow)[-1]
    with desk.database.write() as connection:
        accept(connection, given.id, now=datetime.now(UTC))
    (case,) = new_cases(desk)
    assert (case.status, case.waiting_since) == (Status.PENDING, None)
    with desk.database.write() as connection:
        found = find_given(connection, given.id)
        assert found
        note_verdict(connection, found, verdict=AnswerVerdict.PERSON, by="", now=datetime.now(UTC))
        change_status(connection, conversation_id=case.id, status=Status.OPEN, at=datetime.now(UTC))
    desk.ask("3", "How long does a refund take?", in_reply_to=("2@customer.example",))
    desk.settle()
    assert desk.states()[-1] == "refused"


def test_the_word_that_answers_it_is_enough(desk: AnsweringDesk) -> None:
    desk.ask("2", "How long does a refund take?")
    desk.settle()
    desk.ask("3", "That answers it.", in_reply_to=("2@customer.example",))
    desk.settle()
    (case,) = new_cases(desk)
    assert case.status == Status.PENDING
    assert len(desk.texts()) == 1


@pytest.mark.parametrize("place", ANSWERING)
def test_a_worker_that_dies_at_any_step_loses_and_doubles_nothing(
    database: Database, database_url: str, tmp_path: Path, place: str
) -> None:
    desk = AnsweringDesk(database, tmp_path)
    desk.change(AutoAnswerRow, state="missed")
    desk.ask("2", "How long does a refund take?")
    desk.wait()
    desk.config.write_text(ANSWERS.format(data=tmp_path).replace('week = { mon-fri = ["09:00-18:00"] }', WEEK))
    environment = {**os.environ, "OMNIYARD_FAILPOINTS": f"{place}=kill"}
    died = forks.run(["-c", PASS, database_url, str(desk.config)], env=environment)
    assert died.returncode == -9, died.stderr
    desk.settle()
    assert desk.states()[-1] == "answered"
    assert len(desk.texts()) == 1


def test_agents_and_off_send_nothing_and_ask_nothing(database: Database, tmp_path: Path) -> None:
    desk = Desk(database, tmp_path, toml=ANSWERS.replace('answers = "answer"', 'answers = "agents"'))
    desk.route(envelope("1", text="How long does a refund take?"))
    assert desk.rows(AutoAnswerRow) == []


def test_a_changed_file_is_used_within_seconds_and_a_broken_one_leaves_the_old_answer(
    database: Database, tmp_path: Path
) -> None:
    desk, now = AnsweringDesk(database, tmp_path), [0.0]
    library = AnswerLibrary(desk.brain.settings, config=desk.config, clock=lambda: now[0])
    file = tmp_path / "faq" / "refund--when.en.md"
    assert library.book().faq.of("refund--when", language="en").title == "When does my refund arrive?"  # type: ignore[union-attr]
    file.write_text("# When is the money back?\n\nSoon, we hope.\n", encoding="utf-8")
    now[0] += 6
    assert library.book().faq.of("refund--when", language="en").title == "When is the money back?"  # type: ignore[union-attr]
    file.write_text("until: soon\n# Broken\n\nNo.\n", encoding="utf-8")
    now[0] += 6
    assert library.book().faq.of("refund--when", language="en").title == "When is the money back?"  # type: ignore[union-attr]
    assert library.book().faq.problems[0].startswith("refund--when.en.md:1:")
