"""Learn what tells of danger: from scores of heads that did not train on a text, to curves and thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from router.classify.features import Flags, Ints
from router.classify.ngram_head import Floats
from router.danger.calibration import (
    DangerBound,
    DangerCalibration,
    DangerScores,
    choose_thresholds,
    fit_weights,
)

# Look-alikes are one in four of the negatives, and perhaps one in thirty of an operator's messages.
_LOOKALIKE_IN_FIT: Final = 0.1
_LOOKALIKE_IN_POST: Final = 0.03
# The share of ordinary messages that may be marked or paged by probability; hints of the operator's words come on top.
_MARKED: Final = 0.022
# The share of ordinary messages that the encoder may be asked about because of danger.
_ASKED: Final = 0.12
# The part of the bound that emergencies without the encoder may use up.
_SETTLED: Final = 0.2
# The bounds, in false alarms per thousand, for which thresholds are kept: an operator's bound holds without training.
BOUNDS: Final = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 15.0, 20.0, 25.0, 30.0, 40.0, 60.0, 100.0, 200.0)


@dataclass(frozen=True, slots=True)
class UnseenDanger:
    """Scores of texts by heads that did not train on them.

    danger, lookalike: which texts are.  folds: with which others each was held back.  with_meaning: by an encoder too.
    """

    scores: DangerScores
    danger: Flags
    lookalike: Flags
    folds: Ints
    with_meaning: bool

    def counting(self, lookalike: float) -> Floats:
        """Return 1 a text, and another weight for look-alikes."""
        return np.where(self.lookalike, lookalike, 1.0).astype(np.float32)


@dataclass(frozen=True, slots=True)
class JudgedUnseen:
    """What the calibrated desk would have said of unseen texts."""

    paged: Flags
    marked: Flags
    asked: Flags


def calibrate_danger(unseen: UnseenDanger) -> DangerCalibration:
    """Fit the curves, and set thresholds on probabilities that each fold's curve had not fitted."""
    ordinary = unseen.counting(_LOOKALIKE_IN_POST) * ~unseen.danger
    before, after = _crossed(unseen, with_meaning=False), _crossed(unseen, with_meaning=unseen.with_meaning)
    ask_above = choose_thresholds(before, unseen.scores, ordinary, bound=0.005, marked=_ASKED).possible
    bounds = tuple(_bound(each, unseen, ordinary, before, after, ask_above) for each in BOUNDS)
    return DangerCalibration(
        first=_fit(unseen, with_meaning=False),
        second=_fit(unseen, with_meaning=unseen.with_meaning),
        ask_above=ask_above,
        bounds=bounds,
    )


def judge_unseen(unseen: UnseenDanger, calibration: DangerCalibration, *, per_thousand: float) -> JudgedUnseen:
    """Return what would have been paged and marked; each text is judged by curves that did not fit its fold."""
    bound, scores = calibration.bound(per_thousand), unseen.scores
    before, after = _crossed(unseen, with_meaning=False), _crossed(unseen, with_meaning=unseen.with_meaning)
    settled = scores.has_pair & (before >= bound.sure_above)
    asked = (before >= calibration.ask_above) & ~settled & unseen.with_meaning
    said = np.where(asked, after, before)
    levels = bound.both if unseen.with_meaning else bound.alone
    paged = np.asarray(settled | (said >= levels.line(scores)))
    return JudgedUnseen(paged, np.asarray(paged | (said >= levels.possible)), np.asarray(asked))


def _bound(  # noqa: PLR0917  (the same six values for each bound)
    per_thousand: float, unseen: UnseenDanger, ordinary: Floats, before: Floats, after: Floats, ask_above: float
) -> DangerBound:
    share, scores = per_thousand / 1_000, unseen.scores
    alone = choose_thresholds(before, scores, ordinary, bound=share, marked=_MARKED)
    sure = choose_thresholds(before, scores, ordinary, bound=share * _SETTLED, marked=_MARKED).with_pair
    settled = scores.has_pair & (before >= sure)
    said = np.where((before >= ask_above) & ~settled, after, before)
    # What its words alone make an emergency uses up a part of the bound.
    said[settled] = 1.0
    return DangerBound(
        per_thousand, sure, alone, choose_thresholds(said, scores, ordinary, bound=share, marked=_MARKED)
    )


def _fit(unseen: UnseenDanger, *, with_meaning: bool) -> Floats:
    weights = unseen.counting(_LOOKALIKE_IN_FIT)
    return fit_weights(unseen.scores, unseen.danger.astype(np.float32), weights, with_meaning=with_meaning)


def _crossed(unseen: UnseenDanger, *, with_meaning: bool) -> Floats:
    """Return each text's probability by a curve that was fitted to the other folds."""
    out = np.zeros(len(unseen.folds), np.float32)
    for fold in np.unique(unseen.folds):
        held: Flags = unseen.folds == fold
        rest = UnseenDanger(
            unseen.scores.take(~held), unseen.danger[~held], unseen.lookalike[~held], unseen.folds[~held], with_meaning
        )
        curve = _fit(rest, with_meaning=with_meaning)
        calibration = DangerCalibration(curve, curve, 0.0, ())
        part = unseen.scores.take(held)
        out[held] = calibration.after(part) if with_meaning else calibration.before(part)
    return out
