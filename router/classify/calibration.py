"""From scores to honest probabilities, and on to thresholds: learnt on rows that the heads had not seen."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from router.classify.features import Ints
from router.classify.gram_head import Floats, log_softmax

_GRAM_SCALES: Final = (0.0, 0.2, 0.35, 0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0)
_MEANING_SCALES: Final = (2.0, 4.0, 6.0, 8.0, 10.0, 13.0, 16.0, 20.0, 25.0, 32.0)
_GATES: Final = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.96, 0.98, 0.99)
# How much accuracy the shorter way may cost.
_LOSS: Final = 0.001
# How many right answers a person may be asked about for nothing, by either sign of doubt.
_DOUBTED: Final = 0.03
# How many emergencies the low threshold may leave to the rules; and its bounds, whatever the examples say.
_MISSED: Final = 0.02
_EMERGENCY_BOUNDS: Final = (0.05, 0.3)
_ABSTAIN_BOUNDS: Final = (0.15, 0.6)


@dataclass(frozen=True, slots=True)
class Calibration:
    """How scores become probabilities, and where the lines are.

    alone: scale of the n-gram scores where they stand alone.  gram, meaning: scales where both speak.
    certain: from this probability on the n-grams need no second opinion.
    abstain_below: a less probable category is a person's to decide.
    unfamiliar_below: so is a text whose likeness to every label is less.
    emergency_above: a person is paged from this probability of danger on.
    """

    alone: float = 1.0
    gram: float = 0.0
    meaning: float = 10.0
    certain: float = 0.9
    abstain_below: float = 0.4
    unfamiliar_below: float = 0.0
    emergency_above: float = 0.2


@dataclass(frozen=True, slots=True)
class Unseen:
    """Scores of rows by heads that had not learnt from them.

    truth: each row's category.  members: label by category, 1 where it belongs.  dangers: the emergencies' categories.
    """

    gram: Floats
    meaning: Floats | None
    truth: Ints
    members: Floats
    dangers: Ints


def by_category(scores: Floats, members: Floats) -> Floats:
    """Return the probability of each category: those of its sub-intents, summed."""
    summed: Floats = np.exp(log_softmax(scores)) @ members
    return summed


def mixed(gram: Floats, meaning: Floats, scales: tuple[float, float]) -> Floats:
    """Return the scores of both heads together."""
    return gram * np.float32(scales[0]) + meaning * np.float32(scales[1])


def calibrate(unseen: Unseen) -> Calibration:
    """Choose scales for honesty and thresholds for what they promise."""
    alone = min(_GRAM_SCALES[1:], key=lambda scale: _surprise(unseen, unseen.gram * np.float32(scale)))
    first = by_category(unseen.gram * np.float32(alone), unseen.members)
    if unseen.meaning is None:
        return _with_lines(unseen, Calibration(alone=alone), first)
    second_scores = unseen.meaning
    gram, meaning = min(
        product(_GRAM_SCALES, _MEANING_SCALES),
        key=lambda scales: _surprise(unseen, mixed(unseen.gram, second_scores, scales)),
    )
    second = by_category(mixed(unseen.gram, second_scores, (gram, meaning)), unseen.members)
    certain = _gate(first, second, unseen.truth)
    answers = np.where((first.max(axis=1) >= certain)[:, None], first, second)
    return _with_lines(unseen, Calibration(alone, gram, meaning, certain), answers)


def expected_calibration_error(probabilities: Floats, truth: Ints, *, bins: int = 15) -> float:
    """Return how far confidence and accuracy lie apart, weighted over equal bins of confidence."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        abs(float(confidence[bin_of == one].mean()) - float(right[bin_of == one].mean()))
        * float((bin_of == one).mean())
        for one in np.unique(bin_of)
    ]
    return sum(gaps)


def _surprise(unseen: Unseen, scores: Floats) -> float:
    """Return the mean negative log of the true category's probability."""
    probabilities = by_category(scores, unseen.members)
    return -float(np.log(probabilities[np.arange(len(unseen.truth)), unseen.truth] + 1e-9).mean())


def _gate(first: Floats, second: Floats, truth: Ints) -> float:
    """Return the lowest confidence of the first answer from which the second would hardly have been better."""
    best = float((second.argmax(axis=1) == truth).mean())
    for gate in _GATES:
        guesses = np.where(first.max(axis=1) >= gate, first.argmax(axis=1), second.argmax(axis=1))
        if float((guesses == truth).mean()) >= best - _LOSS:
            return gate
    return 1.0


def _with_lines(unseen: Unseen, scales: Calibration, answers: Floats) -> Calibration:
    right = answers.argmax(axis=1) == unseen.truth
    familiar = unseen.meaning.max(axis=1)[right] if unseen.meaning is not None else np.zeros(0, np.float32)
    danger = answers[:, unseen.dangers].sum(axis=1)[np.isin(unseen.truth, unseen.dangers)]
    return Calibration(
        scales.alone,
        scales.gram,
        scales.meaning,
        scales.certain,
        abstain_below=float(np.clip(_quantile(answers.max(axis=1)[right], _DOUBTED), *_ABSTAIN_BOUNDS)),
        unfamiliar_below=_quantile(familiar, _DOUBTED),
        emergency_above=float(np.clip(_quantile(danger, _MISSED), *_EMERGENCY_BOUNDS)),
    )


def _quantile(values: NDArray[np.float32], share: float) -> float:
    return float(np.quantile(values, share)) if len(values) else 0.0
