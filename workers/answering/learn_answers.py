"""Train the thresholds of the answers from the operator's phrasings, and report what they achieve."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from router.answers.confidence import wilson
from router.answers.faq import Faq, negatives_of
from router.answers.trainer import AskedWay, hold_out, train_answers
from router.answers.ways import WayToAsk
from router.classify.encoder import Encoder
from router.errors import PermanentError
from router.settings import Settings
from store.db.engine import Database
from store.desk.phrasings import phrasings
from store.tables.self_service import PhrasingState
from workers.answering.faq_files import faq_folder, intents_next_to, read_faq_folder
from workers.answering.trained_answers import AnswerFolder, TrainedAnswers, ways_digest


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerReport:
    """What held-back questions say of the trained thresholds.

    refused: why nothing is answered alone; empty if something is.  languages: a row for each, and one for all.
    confused: pairs of answers that are confused, and how often.  thin: answers with too few ways to ask.
    """

    answers: int
    ways: int
    without_answer: int
    encoder: str
    threshold: float | None
    offer: float
    refused: str
    languages: Mapping[str, AnswerFigures]
    confused: tuple[tuple[str, str, int], ...]
    thin: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFigures:
    """Shares of held-back questions. right: of those answered, with its interval of 90 %."""

    questions: int
    first: float
    answered: float
    right: tuple[float, float, float]
    answerless_answered: float


def learn_answers(
    settings: Settings, *, config: Path, encoder: Encoder | None, database: Database | None
) -> AnswerReport:
    """Train, store and report. Raises PermanentError if there is too little to train from."""
    faq, intents = read_faq_folder(faq_folder(config)), intents_next_to(config, settings)
    approved = _approved(database)
    ways = faq.ways(intents) + [way for way in approved if way.answer in faq.texts]
    negatives = negatives_of(faq, intents) + [way for way in approved if not way.answer]
    held = hold_out(ways, negatives=negatives, evidence=faq.evidence(), encoder=encoder)
    name = encoder.name if encoder else ""
    model, asked, why = train_answers(held, encoder=name)
    if model is None:
        raise PermanentError(f"the answers cannot be trained: {why}")
    answers = tuple(sorted(faq.texts))
    trained = TrainedAnswers(model, answers, ways_digest(ways), datetime.now(UTC))
    AnswerFolder(settings, encoder=name).keep(trained)
    return _report(faq, trained, asked=asked, ways=len(ways), negatives=len(negatives))


def _approved(database: Database | None) -> list[WayToAsk]:
    if database is None:
        return []
    with database.read() as connection:
        found = phrasings(connection, state=PhrasingState.APPROVED, limit=10_000)
    return [WayToAsk(each.answer, each.text, group=f"phrasing/{each.text}") for each in found]


def _report(faq: Faq, trained: TrainedAnswers, *, asked: list[AskedWay], ways: int, negatives: int) -> AnswerReport:
    model = trained.model
    confused = Counter(
        (one.way.answer, one.ranking.best[0].answer) for one in asked if one.way.answer and not one.is_right
    )
    rows = {"all": asked}
    for one in asked:
        rows.setdefault("en" if one.way.text.isascii() else "zh", []).append(one)
    return AnswerReport(
        answers=len(faq.texts),
        ways=ways,
        without_answer=negatives,
        encoder=model.encoder,
        threshold=model.thresholds.answer,
        offer=model.thresholds.offer,
        refused=model.thresholds.refused,
        languages={name: _figures(found, threshold=model.thresholds.answer) for name, found in rows.items()},
        confused=tuple((*pair, count) for pair, count in confused.most_common(10)),
        thin=tuple(sorted(model.thin)),
    )


def _figures(asked: list[AskedWay], *, threshold: float | None) -> AnswerFigures:
    known = [one for one in asked if one.way.answer]
    sent = [one for one in asked if threshold is not None and one.confidence >= threshold]
    share = sum(one.is_right for one in sent) / max(len(sent), 1)
    least, most = wilson(share, len(sent))
    return AnswerFigures(
        questions=len(known),
        first=sum(one.is_right for one in known) / max(len(known), 1),
        answered=sum(bool(one.way.answer) for one in sent) / max(len(known), 1),
        right=(share, least, most),
        answerless_answered=sum(not one.way.answer for one in sent) / max(len(asked) - len(known), 1),
    )
