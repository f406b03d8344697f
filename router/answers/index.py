"""The index of all ways to ask, and the ranking of the answers to a question.

Each signal gives every way to ask a score; a softmax over them, summed by answer, is the signal's opinion of the
answers. The opinions are multiplied. On four sets that played no part in the choice this found 5 of a hundred more than
reciprocal ranks of the best score of each answer: an answer that many ways to ask resemble is more likely than one that
a single one resembles a little more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from router.answers.normal_form import normal_form
from router.answers.postings import GramIndex, WordIndex, index_grams, index_words
from router.answers.ways import Evidence, WayToAsk
from router.classify.encoder import Encoder
from router.classify.features import Ints
from router.classify.ngram_head import Floats

# How sharply each signal prefers the most similar ways to ask; measured with the choice above.
_MEANING, _WORDS, _GRAMS, _CENTRE = 20.0, 8.0, 12.0, 10.0
# The pull of the regression towards zero.
_RIDGE: Final = 1.0
# The words of an answer count less than ways to ask it.
_EVIDENCE: Final = 0.5
_LEAST: Final = 1e-12
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerScore:
    """One answer of a ranking.

    probability: the product of the signals' opinions, not calibrated.  meaning: the encoder's best cosine; None
    without it.  words: the share of the question's words, by BM25, that its best way to ask has.
    way: the way to ask that resembles the question most.
    """

    answer: str
    probability: float
    meaning: float | None
    words: float
    way: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """The answers to a question, best first. signs: what `Confidence` reads."""

    best: tuple[AnswerScore, ...]
    signs: tuple[float, ...]


class AnswerIndex:
    """Every way to ask, ready for questions."""

    def __init__(
        self,
        ways: Sequence[WayToAsk],
        *,
        evidence: Sequence[Evidence] = (),
        encoder: Encoder | None = None,
        vectors: Floats | None = None,
    ) -> None:
        """Build the index.

        vectors: those of the ways by this encoder, if they are stored; None computes them.
        """
        self.ways = tuple(ways)
        self.answers = tuple(dict.fromkeys(way.answer for way in ways))
        number = {answer: place for place, answer in enumerate(self.answers)}
        words: list[WayToAsk | Evidence] = [*self.ways, *(each for each in evidence if each.answer in number)]
        self._of: Ints = np.array([number[way.answer] for way in ways], np.int64)
        self._of_words: Ints = np.array([number[each.answer] for each in words], np.int64)
        self._damped: Floats = np.where(np.arange(len(words)) < len(ways), 1.0, _EVIDENCE).astype(np.float32)
        self._words: WordIndex = index_words([each.text for each in words])
        self._grams: GramIndex = index_grams([way.text for way in ways])
        self._encoder = encoder
        if encoder and vectors is None:
            vectors = encode(encoder, [way.text for way in ways])
        self.vectors: Floats | None = vectors if encoder else None

    @cached_property
    def _centres(self) -> Floats:
        """A ridge regression from vectors to answers, in closed form."""
        vectors = np.zeros((0, 1), np.float32) if self.vectors is None else self.vectors
        member = np.zeros((len(self.ways), len(self.answers)), np.float32)
        member[np.arange(len(self.ways)), self._of] = 1
        square = vectors.T @ vectors + _RIDGE * np.eye(vectors.shape[1], dtype=np.float32)
        found: Floats = np.linalg.solve(square, vectors.T @ member).astype(np.float32)
        return found

    def rank(self, questions: Sequence[str]) -> list[Ranking]:
        """Return a ranking for each question."""
        if not self.answers:
            return [Ranking((), ()) for _ in questions]
        if self._encoder is None or self.vectors is None:
            return [self._rank(question, vector=None) for question in questions]
        found = encode(self._encoder, questions)
        return [self._rank(question, vector=vector) for question, vector in zip(questions, found, strict=True)]

    def _rank(self, question: str, *, vector: Floats | None) -> Ranking:
        words, most = self._words.scores(question)
        words *= self._damped
        in_grams = self._grams.scores(question)
        signals = [
            _Signal.of(words / max(float(words.max(initial=0.0)), 1e-6), self._of_words, _WORDS, len(self.answers)),
            _Signal.of(in_grams, self._of, _GRAMS, len(self.answers)),
        ]
        # The share of what the question could reach, not of the best text: it tells that there is no answer.
        shares = _best(words / max(most, 1e-6), self._of_words, len(self.answers))
        similar, meanings = in_grams, None
        if vector is not None and self.vectors is not None:
            similar = self.vectors @ vector
            meaning = _Signal.of(similar, self._of, _MEANING, len(self.answers))
            meanings = meaning.best
            signals += [meaning, _Signal.direct(vector @ self._centres, _CENTRE)]
        logs = np.stack([signal.opinion for signal in signals]).sum(axis=0)
        every = [*signals, _Signal(shares, shares.astype(np.float64))]
        order = np.argsort(-logs, kind="stable")
        posterior = np.exp(logs - logs.max())
        posterior /= posterior.sum()
        best = tuple(
            AnswerScore(
                answer=self.answers[place],
                probability=float(posterior[place]),
                meaning=None if meanings is None else float(meanings[place]),
                words=min(float(shares[place]), 1.0),
                way=self._likest(int(place), similar),
            )
            for place in order[:_SHOWN]
        )
        return Ranking(best, _signs(order, logs, signals=every, question=question))

    def _likest(self, answer: int, similar: Floats) -> str:
        rows = np.flatnonzero(self._of == answer)
        return self.ways[int(rows[similar[rows].argmax()])].text


@dataclass(frozen=True, slots=True)
class _Signal:
    """What one signal says of each answer. best: its highest score.  opinion: a log of a probability."""

    best: Floats
    opinion: NDArray[np.float64]

    @classmethod
    def of(cls, scores: Floats, of: Ints, sharpness: float, answers: int) -> _Signal:
        weights = np.exp(sharpness * (scores.astype(np.float64) - float(scores.max())))
        shared = np.bincount(of, weights=weights, minlength=answers) + _LEAST
        return cls(_best(scores, of, answers), np.log(shared / shared.sum()))

    @classmethod
    def direct(cls, scores: Floats, sharpness: float) -> _Signal:
        sharp = sharpness * scores.astype(np.float64)
        sharp -= sharp.max()
        return cls(scores, sharp - np.log(np.exp(sharp).sum()))


def _best(scores: Floats, of: Ints, answers: int) -> Floats:
    best = np.full(answers, -np.inf, np.float32)
    np.maximum.at(best, of, scores.astype(np.float32))
    return best


def _signs(order: Ints, logs: NDArray[np.float64], *, signals: Sequence[_Signal], question: str) -> tuple[float, ...]:
    """Return what tells a right answer from a wrong one: each signal's score, its distance, and do they agree."""
    first = int(order[0])
    gap = float(logs[first] - logs[order[1]]) if len(order) > 1 else 10.0
    signs = [min(gap, 10.0), float(len(question) > 1 and np.log(len(question)))]
    agreed = 0
    for signal in signals:
        own = float(signal.best[first])
        others = np.delete(signal.best, first)
        signs += [own, own - float(others.max(initial=min(own, 0.0)))]
        agreed += int(signal.best.argmax() == first)
    return (*signs, agreed / len(signals))


def encode(encoder: Encoder, texts: Sequence[str]) -> Floats:
    """Return the vectors of texts in their plain form."""
    return encoder.encode([normal_form(text) for text in texts])
