"""Train the thresholds: each way to ask is asked once of an index that does not have it.

The questions without an answer are ways to ask for what the FAQ does not say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from router.answers.confidence import Confidence, Judged, Thresholds, choose, fit, unseen_confidence
from router.answers.index import AnswerIndex, Ranking, encode
from router.answers.ways import Evidence, WayToAsk
from router.classify.encoder import Encoder
from router.classify.ngram_head import Floats

FOLDS: Final = 10
FEWEST_WAYS: Final = 5
"""An answer with fewer ways to ask is at most offered."""


@dataclass(frozen=True, slots=True)
class AnswerModel:
    """What was trained. thin: answers with too few ways to ask.  encoder: its name; empty without one."""

    confidence: Confidence
    thresholds: Thresholds
    encoder: str
    thin: frozenset[str]


@dataclass(frozen=True, slots=True)
class AskedWay:
    """A question with its ranking by an index that does not have it, and the confidence of a curve without it."""

    way: WayToAsk
    ranking: Ranking
    confidence: float

    @property
    def is_right(self) -> bool:
        """Whether the best answer is the right one."""
        return bool(self.ranking.best) and self.ranking.best[0].answer == self.way.answer != ""


def judge(ranking: Ranking, *, answer: str) -> Judged:
    """Return a ranking with what it got right. answer: empty if there is none."""
    names = [one.answer for one in ranking.best]
    return Judged(ranking.signs, answer in names[:1], answer in names[:3], answerable=bool(answer))


def hold_out(
    ways: Sequence[WayToAsk],
    *,
    negatives: Sequence[WayToAsk],
    evidence: Sequence[Evidence] = (),
    encoder: Encoder | None = None,
    folds: int = FOLDS,
    every: int = 1,
) -> list[tuple[WayToAsk, Ranking]]:
    """Ask each way, and each question without an answer, of an index that has neither it nor its translation.

    folds, every: fewer indexes, and one of so many questions, for a quick look; new questions do not change which.
    """
    vectors = encode(encoder, [way.text for way in ways]) if encoder else None
    found = []
    for fold in range(folds):
        kept = [place for place, way in enumerate(ways) if _fold(way, folds) != fold]
        asked = [way for way in (*ways, *negatives) if _fold(way, folds) == fold and _is_sampled(way, every)]
        index = AnswerIndex(
            [ways[place] for place in kept],
            evidence=evidence,
            encoder=encoder,
            vectors=_rows(vectors, kept),
        )
        found += list(zip(asked, index.rank([way.text for way in asked]), strict=True))
    return found


def _rows(vectors: Floats | None, kept: Sequence[int]) -> Floats | None:
    return None if vectors is None else vectors[list(kept)]


def _fold(way: WayToAsk, folds: int) -> int:
    return blake2b((way.group or way.text).encode(), digest_size=2).digest()[0] % folds


def _is_sampled(way: WayToAsk, every: int) -> bool:
    return int.from_bytes(blake2b(way.text.encode(), digest_size=4).digest()) % every == 0


def train_answers(
    held: Sequence[tuple[WayToAsk, Ranking]], *, encoder: str
) -> tuple[AnswerModel | None, list[AskedWay], str]:
    """Return the model, each question with its confidence, and why there is no model.

    held: see `hold_out`.
    """
    rows = [(way, ranking) for way, ranking in held if ranking.signs]
    judged = [judge(ranking, answer=way.answer) for way, ranking in rows]
    if len(judged) < FOLDS or len({one.first for one in judged}) < 2:
        return None, [], "too few questions"
    sure = unseen_confidence(judged)
    counts = Counter(way.answer for way, _ in held if way.answer)
    thin = frozenset(answer for answer, count in counts.items() if count < FEWEST_WAYS)
    languages = [
        [at for at, (way, _) in enumerate(rows) if way.text.isascii() is is_latin] for is_latin in (True, False)
    ]
    model = AnswerModel(fit(judged), choose(judged, parts=[one for one in languages if len(one) > 1]), encoder, thin)
    asked = [AskedWay(way, ranking, float(one)) for (way, ranking), one in zip(rows, sure, strict=True)]
    return model, asked, model.thresholds.refused
