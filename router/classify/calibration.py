"""Turn scores into calibrated probabilities and choose thresholds, on rows that the heads did not train on."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np

from router.classify.features import Flags, Ints
from router.classify.ngram_head import Floats, log_softmax

_GRAM_SCALES: Final = (0.0, 0.2, 0.35, 0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0)
_MEANING_SCALES: Final = (2.0, 4.0, 6.0, 8.0, 10.0, 13.0, 16.0, 20.0, 25.0, 32.0)
_GATES: Final = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.96, 0.98, 0.99)
# How much accuracy the n-grams alone may cost: they take a tenth of the time.
_LOSS: Final = 0.003
# With fewer rows per label, the n-grams decide alone only above `_FEW_GATE`: heads with few training rows are
# overconfident, and so few rows cannot show the cost of a lower gate. Between ten and the advised twenty.
_FEW: Final = 15
_FEW_GATE: Final = 0.96
# The share of right answers that each of the two thresholds of doubt may send to a person.
_DOUBTED: Final = 0.03
_ABSTAIN_BOUNDS: Final = (0.15, 0.6)
_NEWTON_STEPS: Final = 20


@dataclass(frozen=True, slots=True)
class Lines:
    """The calibration and thresholds of one way of answering: with or without the encoder.

    slope, offset: of the logit of the best category's probability; one temperature does not fit both ends.
    abstain_below: a person decides about a less probable category.
    """

    slope: float = 1.0
    offset: float = 0.0
    abstain_below: float = 0.4

    def honest(self, probabilities: Floats) -> Floats:
        """Return calibrated probabilities: the best equals its share of right answers, the others share the rest."""
        best = probabilities.argmax(axis=1)
        rows = np.arange(len(best))
        old = np.clip(probabilities[rows, best], 1e-6, 1 - 1e-6)
        new = 1 / (1 + np.exp(-(self.slope * np.log(old / (1 - old)) + self.offset)))
        out: Floats = (probabilities * ((1 - new) / (1 - old))[:, None]).astype(np.float32)
        out[rows, best] = new
        return out


@dataclass(frozen=True, slots=True)
class Calibration:
    """How scores become probabilities.

    single: scale of the n-gram scores if used alone.  gram, meaning: scales if both heads are used.
    certain: from this confidence on the n-grams decide without the encoder.
    unfamiliar_below: a person decides about a text whose similarity to every label is lower.
    alone: without the encoder.  both: with it.
    """

    single: float = 1.0
    gram: float = 0.0
    meaning: float = 10.0
    certain: float = 0.9
    unfamiliar_below: float = 0.0
    alone: Lines = Lines()
    both: Lines = Lines()

    def first(self, gram: Floats) -> Floats:
        """Return the scores of the n-grams alone."""
        return gram * np.float32(self.single)

    def second(self, gram: Floats, meaning: Floats) -> Floats:
        """Return the scores of both heads together."""
        return gram * np.float32(self.gram) + meaning * np.float32(self.meaning)


@dataclass(frozen=True, slots=True)
class Unseen:
    """Scores of rows by heads that did not train on them.

    truth: each row's category.  members: labels by categories, 1 for a member.
    """

    gram: Floats
    meaning: Floats | None
    truth: Ints
    members: Floats

    def answers(self, calibration: Calibration) -> Floats:
        """Return the probabilities of the categories, as the desk would compute them."""
        first = by_category(calibration.first(self.gram), self.members)
        if self.meaning is None:
            return calibration.alone.honest(first)
        second = by_category(calibration.second(self.gram, self.meaning), self.members)
        certain = first.max(axis=1) >= calibration.certain
        return calibration.both.honest(np.where(certain[:, None], first, second))


def by_category(scores: Floats, members: Floats) -> Floats:
    """Return the probability of each category: the sum over its sub-intents."""
    summed: Floats = np.exp(log_softmax(scores)) @ members
    return summed


def calibrate(unseen: Unseen) -> Calibration:
    """Choose the scales that calibrate best, then the thresholds."""
    single = min(_GRAM_SCALES[1:], key=lambda scale: _surprise(unseen, unseen.gram * np.float32(scale)))
    first = by_category(unseen.gram * np.float32(single), unseen.members)
    alone = _lines(unseen, first)
    if unseen.meaning is None:
        return Calibration(single=single, alone=alone)
    meant = unseen.meaning
    tried = [Calibration(gram=gram, meaning=meaning) for gram, meaning in product(_GRAM_SCALES, _MEANING_SCALES)]
    scales = min(tried, key=lambda one: _surprise(unseen, one.second(unseen.gram, meant)))
    second = by_category(scales.second(unseen.gram, meant), unseen.members)
    certain = _gate(first, second, unseen.truth)
    if len(unseen.truth) < _FEW * len(unseen.members):
        certain = max(certain, _FEW_GATE)
    answers = np.where((first.max(axis=1) >= certain)[:, None], first, second)
    right = answers.argmax(axis=1) == unseen.truth
    return Calibration(
        single=single,
        gram=scales.gram,
        meaning=scales.meaning,
        certain=certain,
        unfamiliar_below=_quantile(meant.max(axis=1)[right], _DOUBTED),
        alone=alone,
        both=_lines(unseen, answers),
    )


def expected_calibration_error(probabilities: Floats, truth: Ints, *, bins: int = 15) -> float:
    """Return the mean gap between confidence and accuracy, weighted over equal bins of confidence."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [float((confidence - right)[bin_of == one].sum()) for one in np.unique(bin_of)]
    return sum(map(abs, gaps)) / len(truth)


def _surprise(unseen: Unseen, scores: Floats) -> float:
    """Return the mean negative log of the true category's probability."""
    probabilities = by_category(scores, unseen.members)
    return -float(np.log(probabilities[np.arange(len(unseen.truth)), unseen.truth] + 1e-9).mean())


def _gate(first: Floats, second: Floats, truth: Ints) -> float:
    """Return the lowest confidence of the first answer above which the second answer is hardly better."""
    best = float((second.argmax(axis=1) == truth).mean())
    for gate in _GATES:
        guesses = np.where(first.max(axis=1) >= gate, first.argmax(axis=1), second.argmax(axis=1))
        if float((guesses == truth).mean()) >= best - _LOSS:
            return gate
    return 1.0


def _lines(unseen: Unseen, answers: Floats) -> Lines:
    """Choose the thresholds of one way of answering. answers: its probabilities, not yet calibrated."""
    right = answers.argmax(axis=1) == unseen.truth
    slope, offset = _platt(answers.max(axis=1), right)
    honest = Lines(slope, offset).honest(answers)
    return Lines(
        slope,
        offset,
        abstain_below=float(np.clip(_quantile(honest.max(axis=1)[right], _DOUBTED), *_ABSTAIN_BOUNDS)),
    )


def _platt(confidence: Floats, right: Flags) -> tuple[float, float]:
    """Fit a logistic curve from confidence to correctness, by Newton's method (Platt 1999)."""
    clipped = np.clip(confidence.astype(np.float64), 1e-4, 1 - 1e-4)
    inputs = np.stack([np.log(clipped / (1 - clipped)), np.ones(len(clipped))], axis=1)
    # A weak prior on the identity prevents an infinite slope for a perfect score.
    found, prior = np.array([1.0, 0.0]), np.eye(2)
    for _ in range(_NEWTON_STEPS):
        fitted = 1 / (1 + np.exp(-inputs @ found))
        slope = inputs.T @ (fitted - right) + prior @ (found - np.array([1.0, 0.0]))
        found = found - np.linalg.solve((inputs * (fitted * (1 - fitted))[:, None]).T @ inputs + prior, slope)
    # The slope stays positive: calibration must not reverse the order of confidences.
    return float(max(found[0], 0.05)), float(found[1])


def _quantile(values: Floats, share: float) -> float:
    return float(np.quantile(values, share)) if len(values) else 0.0
