"""The ranking, the confidence and the decision, on a part of the shipped FAQ and without the encoder: in seconds."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Final

import pytest

from router.answers.asked_questions import questions_in
from router.answers.caution import Allowed, AskedQuestion
from router.answers.confidence import Judged, choose, wilson
from router.answers.decision import AnswerBook, AnswerOutcome
from router.answers.faq import negatives_of, read_faq
from router.answers.index import AnswerIndex
from router.answers.trainer import AskedWay, hold_out, train_answers
from router.answers.ways import WayToAsk
from router.reason import ReasonKey
from router.settings import load_settings
from router.settings.intents import load_intents
from router.text.facts import find_facts
from tests.unit.answers.gate_questions import GENERAL, OWN

CONFIG: Final = Path(__file__).parents[3] / "config" / "channels.toml"
TODAY: Final = date(2026, 12, 1)


@pytest.fixture(scope="module")
def trained() -> tuple[AnswerBook, list[AskedWay]]:
    faq = read_faq([(file.name, file.read_text("utf-8")) for file in sorted((CONFIG.parent / "faq").glob("*.md"))])
    intents = load_intents(CONFIG, load_settings(CONFIG))
    ways = faq.ways(intents)
    held = hold_out(ways, negatives=negatives_of(faq, intents), evidence=faq.evidence(), folds=3, every=12)
    model, asked, _ = train_answers(held, encoder="")
    assert model
    return AnswerBook(faq, index=AnswerIndex(ways, evidence=faq.evidence()), model=model), asked


def test_held_back_phrasings_find_their_answer(trained: tuple[AnswerBook, list[AskedWay]]) -> None:
    known = [one for one in trained[1] if one.way.answer]
    three = sum(one.way.answer in [best.answer for best in one.ranking.best[:3]] for one in known)
    assert three / len(known) > 0.85


def test_what_would_be_answered_is_right_in_95_of_100_and_hardly_ever_without_an_answer(
    trained: tuple[AnswerBook, list[AskedWay]],
) -> None:
    book, asked = trained
    assert book.model
    limit = book.model.thresholds.answer
    sent = [one for one in asked if limit is not None and one.confidence >= limit]
    answerless = [one for one in asked if not one.way.answer]
    assert sum(one.is_right for one in sent) >= 0.95 * len(sent)
    assert sum(not one.way.answer for one in sent) <= 0.03 * len(answerless)


def test_no_case_of_own_money_is_answered_and_most_general_questions_are_answered_or_offered(
    trained: tuple[AnswerBook, list[AskedWay]],
) -> None:
    def outcome(text: str) -> AnswerOutcome:
        asked = AskedQuestion(text=text, facts=tuple(fact.kind for fact in find_facts(text)))
        return trained[0].decide(asked, mode=Allowed.ANSWER, today=TODAY).outcome

    assert Counter(map(outcome, OWN))[AnswerOutcome.ANSWERED] == 0
    shown = Counter(map(outcome, GENERAL))
    assert shown[AnswerOutcome.ANSWERED] + shown[AnswerOutcome.OFFERED] >= 45


def test_sentences_of_strangers_are_not_answered(trained: tuple[AnswerBook, list[AskedWay]], corpora: Path) -> None:
    lines = (corpora / "intents" / "clinc150_oos_val.jsonl").read_text("utf-8").splitlines()
    found = [
        trained[0].decide(AskedQuestion(text=json.loads(line)["text"]), mode=Allowed.ANSWER, today=TODAY).outcome
        for line in lines
    ]
    assert found.count(AnswerOutcome.ANSWERED) <= len(lines) // 100


def test_an_answer_that_no_longer_holds_is_neither_sent_nor_offered(
    trained: tuple[AnswerBook, list[AskedWay]],
) -> None:
    book, _ = trained
    over = {
        answer: {language: replace(text, until=date(2026, 1, 1)) for language, text in texts.items()}
        for answer, texts in book.faq.texts.items()
        if answer == "refund--when"
    }
    faq = replace(book.faq, texts={**book.faq.texts, **over})
    old = AnswerBook(faq, index=book.index, model=book.model)
    decided = old.decide(AskedQuestion(text="how long does a refund take"), mode=Allowed.ANSWER, today=TODAY)
    assert "refund--when" not in [one.answer for one in decided.fits]
    assert decided.outcome is not AnswerOutcome.ANSWERED


def test_a_rule_of_the_file_a_few_ways_or_no_training_mean_that_it_is_at_most_offered() -> None:
    files = [("refund--when.en.md", "send: offer\n# When does a refund arrive?\n\nSoon.\n")]
    faq = read_faq(files)
    book = AnswerBook(faq, index=AnswerIndex(faq.ways({}), evidence=faq.evidence()), model=None)
    decided = book.decide(AskedQuestion(text="When does a refund arrive?"), mode=Allowed.ANSWER, today=TODAY)
    assert decided.outcome is AnswerOutcome.OFFERED
    assert {reason.key for reason in decided.why} >= {ReasonKey.ANSWER_HAS_RULE}
    quiet = book.decide(AskedQuestion(text="When does a refund arrive?"), mode=Allowed.AGENTS, today=TODAY)
    assert (quiet.outcome, [one.answer for one in quiet.fits]) == (AnswerOutcome.REFUSED, ["refund--when"])


def test_thresholds_are_refused_when_there_is_too_little() -> None:
    row = Judged((0.5, 1.0), first=True, among=True)
    assert "at least 100" in choose([row] * 99).refused
    mixed = [Judged((float(n % 7), 1.0), first=n % 9 > 0, among=True) for n in range(200)]
    assert "without an answer" in choose(mixed).refused
    assert wilson(0.95, 100)[0] < 0.95 < wilson(0.95, 100)[1]


def test_the_same_question_in_another_script_finds_the_same_answer() -> None:
    ways = [WayToAsk("code", "收不到验证码怎么办"), WayToAsk("refund", "退款什么时候到账")]
    (ranking,) = AnswerIndex(ways).rank(["收不到驗證碼怎麼辦"])
    assert ranking.best[0].answer == "code"


def test_a_long_message_is_asked_by_its_questions() -> None:
    mail = "Hello,\nI have used the wallet for years and I like it.\nHow long does a refund take?\nMany thanks\nAnn"
    assert questions_in(mail) == ("How long does a refund take?",)
    assert len(questions_in("How long does a refund take? And how do I change my password?")) == 2
