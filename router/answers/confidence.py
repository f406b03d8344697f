"""How sure a ranking is, as a calibrated probability, and from where on the machine may answer or offer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from router.classify.ngram_head import Floats

PRECISION: Final = 0.95
"""The share of the answers sent alone that must be right."""
_LOWER_END: Final = 0.90
# The ends of the intervals of 90 % and of 50 %, in standard deviations.
_Z: Final = 1.6449
_HALF: Final = 0.6745
ANSWERLESS: Final = 0.05
"""The share of the questions without an answer that may be answered."""
OFFERED_RIGHT: Final = 0.90
"""Of the questions that are offered three answers, the share whose right answer is one of them."""
OFFERED_ANSWERLESS: Final = 0.15
"""The share of the questions without an answer that may be offered some."""
_FEWEST: Final = 100
_STEPS: Final = 30
_FOLDS: Final = 5
_PULL: Final = 0.3


@dataclass(frozen=True, slots=True)
class Confidence:
    """A logistic curve over the signs of a ranking."""

    mean: tuple[float, ...]
    spread: tuple[float, ...]
    weights: tuple[float, ...]
    offset: float

    def of(self, signs: Sequence[float]) -> float:
        """Return the probability that the best answer is the right one."""
        if len(signs) != len(self.weights):
            return 0.0
        parts = zip(signs, self.mean, self.spread, self.weights, strict=True)
        total = self.offset + sum(weight * (sign - mean) / spread for sign, mean, spread, weight in parts)
        return 1 / (1 + math.exp(-max(-50.0, min(50.0, total))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """From which confidence on the machine may send an answer, and from which it may offer some.

    answer: None if the machine may send none by itself.  refused: why, in plain words; empty if it may.
    """

    answer: float | None
    offer: float
    refused: str = ""


# Without a curve the confidence is the encoder's cosine, or the share of the question's words that is known.
UNTRAINED: Final = Thresholds(answer=None, offer=0.75, refused="the thresholds have not been trained")
_OFFER_UNPROVEN: Final = 0.6


@dataclass(frozen=True, slots=True)
class Judged:
    """A ranking of a question whose answer is known. first: the best answer is right.  among: it is among three.

    answerable: whether there is a right answer at all.
    """

    signs: tuple[float, ...]
    first: bool
    among: bool
    answerable: bool = True


def fit(judged: Sequence[Judged]) -> Confidence:
    """Fit the curve by Newton's method, with a weak pull towards zero."""
    signs = np.array([one.signs for one in judged], np.float64)
    mean, spread = signs.mean(axis=0), signs.std(axis=0) + 1e-6
    inputs = np.hstack([(signs - mean) / spread, np.ones((len(judged), 1))])
    right = np.array([one.first for one in judged], np.float64)
    found, pull = np.zeros(inputs.shape[1]), np.eye(inputs.shape[1]) * _PULL
    pull[-1, -1] = 1e-3
    for _ in range(_STEPS):
        guessed = 1 / (1 + np.exp(-np.clip(inputs @ found, -30, 30)))
        slope = inputs.T @ (guessed - right) + pull @ found
        curve = inputs.T @ (inputs * (guessed * (1 - guessed) + 1e-9)[:, None]) + pull
        found -= np.linalg.solve(curve, slope)
    return Confidence(tuple(mean.tolist()), tuple(spread.tolist()), tuple(found[:-1].tolist()), float(found[-1]))


def unseen_confidence(judged: Sequence[Judged]) -> Floats:
    """Return each row's confidence by a curve that was fitted without it."""
    out = np.zeros(len(judged), np.float32)
    for fold in range(_FOLDS):
        curve = fit([one for place, one in enumerate(judged) if place % _FOLDS != fold])
        for place in range(fold, len(judged), _FOLDS):
            out[place] = curve.of(judged[place].signs)
    return out


def choose(
    judged: Sequence[Judged], *, precision: float = PRECISION, parts: Sequence[Sequence[int]] = ()
) -> Thresholds:
    """Choose the thresholds on rows that the ranking had not seen; refuse where they would prove nothing.

    parts: rows that must reach the precision by themselves too, such as those of a language, if they are enough.
    """
    answerless = sum(not one.answerable for one in judged)
    if len(judged) - answerless < _FEWEST:
        refused = f"{len(judged) - answerless} questions with an answer; at least {_FEWEST} are needed"
        return Thresholds(answer=None, offer=_OFFER_UNPROVEN, refused=refused)
    confidence = unseen_confidence(judged)
    offer = _offer(judged, confidence)
    if not answerless:
        refused = "no questions without an answer; sub-intents that no answer names are such questions"
        return Thresholds(answer=None, offer=offer, refused=refused)
    answer = _answer(judged, confidence, precision=precision)
    for part in parts:
        own = _answer([judged[at] for at in part], confidence[list(part)], precision=precision, ends=0.0)
        if answer is not None and own is not None:
            answer = max(answer, own)
    refused = "" if answer is not None else f"no threshold reaches {precision:.0%} right answers"
    return Thresholds(answer=answer, offer=min(offer, answer or 1.0), refused=refused)


def _answer(judged: Sequence[Judged], confidence: Floats, *, precision: float, ends: float = _HALF) -> float | None:
    """Return the lowest confidence above which enough answers are right, and provably nearly so.

    The lowest of many thresholds that seems right is often right by chance: so the lower end of an interval of 50 %
    must reach the precision, and the curve must expect it too.
    """
    order = np.argsort(-confidence, kind="stable")
    hits, expected = np.cumsum([judged[at].first for at in order]), np.cumsum(confidence[order])
    free = np.cumsum([not judged[at].answerable for at in order])
    for count in range(len(order), 0, -1):
        share = float(hits[count - 1]) / count
        is_enough = min(wilson(share, count, ends=ends)[0], float(expected[count - 1]) / count) >= precision
        is_careful = free[count - 1] <= ANSWERLESS * max(int(free[-1]), 1)
        if is_enough and is_careful and wilson(share, count)[0] >= _LOWER_END:
            return float(confidence[order[count - 1]])
    return None


def _offer(judged: Sequence[Judged], confidence: Floats) -> float:
    """Return the lowest confidence above which the right answer is among three, and few questions have none."""
    order = np.argsort(-confidence, kind="stable")
    hits = np.cumsum([judged[at].among for at in order])
    known = np.cumsum([judged[at].answerable for at in order])
    for count in range(len(order), 0, -1):
        has, free = int(known[count - 1]), count - int(known[count - 1])
        is_right = has > 0 and float(hits[count - 1]) / has >= OFFERED_RIGHT
        if is_right and free <= OFFERED_ANSWERLESS * (len(order) - int(known[-1])):
            return float(confidence[order[count - 1]])
    return 1.0


def wilson(share: float, count: int, *, ends: float = _Z) -> tuple[float, float]:
    """Return the ends of an interval of a share (Wilson 1927), by default of 90 %."""
    if not count:
        return 0.0, 1.0
    square = ends * ends / count
    middle = (share + square / 2) / (1 + square)
    half = ends * math.sqrt(share * (1 - share) / count + square / (4 * count)) / (1 + square)
    return max(0.0, middle - half), min(1.0, middle + half)
