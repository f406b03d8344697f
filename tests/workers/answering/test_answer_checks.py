"""Checks of answers that need a whole desk: once for many deliveries, the same on both databases, without a network."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from router.answers.decision import AnswerOutcome
from store.db.engine import Database
from store.outbound.automatic_answers import tally_answers
from store.tables.self_service import AutoAnswerRow
from tests.desk import RECEIVED_AT
from tests.workers.answering.test_answerer import FILES, ROOT, AnsweringDesk
from workers.answering.answerer import Answerer

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


def test_check_1_without_a_network_an_answer_is_found_and_nothing_is_connected_to(tmp_path: Path) -> None:
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


def test_check_7_a_danger_is_not_even_asked_about(desk: AnsweringDesk) -> None:
    before = len(desk.rows(AutoAnswerRow))
    for number, text in enumerate(("I was hacked", "My account was hacked, how long does a refund take?", "账户被盗")):
        desk.ask(str(40 + number), text)
    assert len(desk.rows(AutoAnswerRow)) == before


def test_check_12_a_question_delivered_twenty_times_to_three_workers_is_answered_once(desk: AnsweringDesk) -> None:
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


def test_check_30_the_trace_names_gates_scores_and_thresholds_and_the_decision_repeats(desk: AnsweringDesk) -> None:
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


def test_check_35_what_was_asked_is_what_was_answered_offered_refused_and_not_found(desk: AnsweringDesk) -> None:
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
    assert by_state == {"answered": 1, "offered": 2, "refused": 1, "nothing_found": 1}
    assert sum(by_state.values()) == len(rows) == len(texts)
