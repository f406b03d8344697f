"""Checks of answers that need a whole desk: once for many deliveries, the same on both databases, without a network."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from router.answers.decision import AnswerOutcome
from router.answers.index import AnswerIndex
from router.envelope import Party, PartyKind
from router.settings import read_settings
from store.db.engine import Database
from store.outbound.automatic_answers import tally_answers
from store.tables.generated import ModelDayRow
from store.tables.messages import ConversationRow, MessageRow
from store.tables.operations import EventRow, OutboundRow
from store.tables.self_service import AutoAnswerRow
from tests.desk import RECEIVED_AT
from tests.forks import ROOT
from tests.workers.answering.answering_desk import FILES, AnsweringDesk
from workers.answering.answerer import Answerer
from workers.answering.library import AnswerLibrary
from workers.routing.simulate import Difference, simulate

QUESTION = "How long does a refund take?"
OFFLINE = """
import socket
import sys
from datetime import date
from pathlib import Path
from router.settings import read_settings
from workers.answering.library import AnswerLibrary
tried = []
connect = socket.socket.connect
def spy(self, address):
    tried.append(address)
    return connect(self, address)
socket.socket.connect = spy
config = Path(sys.argv[1])
library = AnswerLibrary(read_settings(config.read_text(encoding="utf-8")), config=config)
found = library.book().find("How long does a refund take?", today=date(2026, 11, 29))
print(found[0].answer, len(tried))
"""


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> AnsweringDesk:
    found = AnsweringDesk(database, tmp_path)
    found.change(AutoAnswerRow, state="missed")
    return found


def test_without_a_network_an_answer_is_found_and_nothing_is_connected_to(tmp_path: Path) -> None:
    (tmp_path / "faq").mkdir()
    for name, text in FILES.items():
        (tmp_path / "faq" / name).write_text(text, encoding="utf-8")
    config = tmp_path / "channels.toml"
    config.write_text(
        f'[omniyard]\ndata = "{tmp_path}"\n[teams.a]\n[[routes]]\nname = "all"\nteam = "a"\n', encoding="utf-8"
    )
    isolated = ["unshare", "--user", "--map-root-user", "--net"]
    if subprocess.run([*isolated, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine gives no network namespace")
    command = [*isolated, sys.executable, "-c", OFFLINE, str(config)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout.split()[-2:] == ["refund--when", "0"], done.stderr


DANGERS = (
    "I was hacked",
    "My account was hacked, how long does a refund take?",
    "HACKED!!! where is the button",
    "hacked",
    "账户被盗",
    "账户被盗，退款要多久",
    "我的号被盗了，请问退款什么时候到账？",
)


def test_a_danger_is_not_even_asked_about_and_is_routed_as_without_answers(
    desk: AnsweringDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(AnswerLibrary, "book", asked.append)
    monkeypatch.setattr(AnswerIndex, "rank", lambda self, questions: asked.append(questions))
    before = len(desk.rows(AutoAnswerRow))
    routed = []
    for mode in ("answer", "off"):
        desk.use(read_settings(desk.text.replace('answers = "answer"', f'answers = "{mode}"')))
        for number, text in enumerate(DANGERS):
            sender = Party(PartyKind.EMAIL, f"{mode}{number}@customer.example")
            desk.ask(f"{mode}{number}", text, sender=sender, subject=f"Case {mode} {number}")
        desk.settle()
        rows = [row for row in desk.rows(ConversationRow) if row.subject.startswith(f"Case {mode} ")]
        by_number = sorted(rows, key=lambda row: row.subject)
        routed.append([(row.team, row.priority, row.emergency, row.possible_danger) for row in by_number])
    assert len(desk.rows(AutoAnswerRow)) == before
    assert asked == []
    assert desk.texts() == []
    # And the texts and the routes are those of a desk without answers.
    assert len(routed[0]) == len(DANGERS)
    assert routed[0] == routed[1]
    said = [row.text for row in desk.rows(MessageRow) if row.text in DANGERS]
    assert sorted(said) == sorted(DANGERS * 2)


def test_a_question_delivered_twenty_times_to_three_workers_is_answered_once(desk: AnsweringDesk) -> None:
    for _ in range(20):
        desk.ask("2", QUESTION)
    desk.wait()
    workers = [Answerer(desk.database, desk.brain, desk.library) for _ in range(3)]
    desk.library.book()

    def work(worker: Answerer) -> None:
        for _ in range(3):
            worker.once()

    threads = [threading.Thread(target=work, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(desk.texts()) == 1


def test_the_trace_names_gates_scores_and_thresholds_and_the_decision_repeats(desk: AnsweringDesk) -> None:
    desk.ask("2", "Where is the refund 20261103?")
    desk.settle()
    trace = max((row for row in desk.rows(AutoAnswerRow) if row.trace), key=lambda row: row.decided_at).trace
    assert trace["outcome"] == AnswerOutcome.OFFERED
    assert "gate_own" in {reason["key"] for reason in trace["why"]}
    assert set(trace["fits"][0]) == {"answer", "meaning", "words", "probability"}
    assert (trace["answer_from"], trace["offer_from"]) == (0.5, 0.2)
    # The same question of another case, by another worker: the same decision, to the last digit.
    other = Answerer(desk.database, desk.brain, desk.library)
    desk.ask("3", "Where is the refund 20261103?", subject="Another")
    desk.wait()
    other.once()
    again = max((row for row in desk.rows(AutoAnswerRow) if row.trace), key=lambda row: row.decided_at).trace
    assert again == trace
    # And so do four workers at once, each with a library of its own.
    cases = 4
    for number in range(cases):
        sender = Party(PartyKind.EMAIL, f"other{number}@customer.example")
        desk.ask(f"4{number}", "Where is the refund 20261103?", sender=sender, subject=f"Other {number}")
    desk.wait()
    libraries = [AnswerLibrary(desk.brain.settings, config=desk.config) for _ in range(cases)]
    workers = [Answerer(desk.database, desk.brain, library) for library in libraries]
    threads = [threading.Thread(target=worker.once) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    traces = [row.trace for row in desk.rows(AutoAnswerRow) if row.trace and row.state == "offered"]
    assert len(traces) == cases + 2
    assert all(each == trace for each in traces)


def test_a_simulation_counts_what_another_faq_and_another_mode_would_answer(
    desk: AnsweringDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The desk's thresholds are those of words alone.
    monkeypatch.setattr("workers.routing.simulate.encoder_of", lambda settings: None)
    for number, text in enumerate((QUESTION, "how long does a refund take", "Where is the button?", "I was hacked")):
        desk.ask(str(60 + number), text, subject=f"Case {number}")
    desk.settle()
    current = desk.folder / "channels.toml"
    current.write_text(desk.text, encoding="utf-8")
    tables = (ConversationRow, MessageRow, AutoAnswerRow, OutboundRow, EventRow)
    before = [list(desk.rows(table)) for table in tables]

    def tried(name: str, *, faq: dict[str, str], mode: str = "answer") -> Difference:
        other = desk.folder / name / "channels.toml"
        (other.parent / "faq").mkdir(parents=True)
        for file, words in faq.items():
            (other.parent / "faq" / file).write_text(words, encoding="utf-8")
        model = '\n[answers.model]\nurl = "http://127.0.0.1:9"\nname = "m"\nallow_private = true\n'
        text = desk.text.replace('answers = "answer"', f'answers = "{mode}"') + model
        other.write_text(text, encoding="utf-8")
        return simulate(desk.database, files=(current, other), since=RECEIVED_AT - timedelta(days=1), most_examples=3)

    same = tried("same", faq=FILES)
    assert (same.changed, same.messages) == (0, 5)
    fewer = tried("fewer", faq={name: text for name, text in FILES.items() if "when" not in name})
    lost = [key for key in fewer.transitions if key[0] == "automatic answer"]
    assert sum(fewer.transitions[key] for key in lost) == fewer.changed >= 2
    assert {key[1].split()[-1] for key in lost} == {"refund--when"}
    assert "refund--when" not in {key[2].split()[-1] for key in lost}
    assert QUESTION not in {example.subject for example in fewer.examples}
    assert {example.subject for example in fewer.examples} <= {f"Case {number}" for number in range(3)}
    silent = tried("silent", faq=FILES, mode="off")
    assert {key[2] for key in silent.transitions} == {"none"}
    assert silent.changed >= 3
    # Nothing was written, and nothing was asked of a model.
    assert [list(desk.rows(table)) for table in tables] == before
    assert desk.rows(ModelDayRow) == []


def test_what_was_asked_is_what_was_answered_offered_refused_and_not_found(desk: AnsweringDesk) -> None:
    texts = (
        QUESTION,
        "Where is the button?",
        "How long does a refund take? I want a person",
        "Sunshine tomorrow maybe",
        "Where is the refund 20261103?",
    )
    for number, text in enumerate(texts):
        desk.ask(str(50 + number), text, subject=f"Case {number}")
    desk.settle()
    with desk.database.read() as connection:
        tally: dict[tuple[str, str, str], int] = tally_answers(connection, since=RECEIVED_AT)
    by_state: dict[str, int] = {}
    for (channel, state, _), count in tally.items():
        assert channel == "mail"
        by_state[state] = by_state.get(state, 0) + count
    rows: list[Any] = [row for row in desk.rows(AutoAnswerRow) if row.decided_at]
    # The one that was missed is the desk's own, from before.
    assert by_state == {"answered": 1, "offered": 2, "refused": 1, "nothing_found": 1, "missed": 1}
    assert sum(by_state.values()) == len(rows) == len(texts) + 1
