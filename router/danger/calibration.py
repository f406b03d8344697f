"""From the heads and the pairs to one probability of danger, and to thresholds that the operator's bound sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from router.classify.features import Flags, Ints
from router.classify.ngram_head import Floats
from router.danger.meetings import FoundPair

_STEPS: Final = 30
_PRIOR: Final = 0.5
# Scores beyond these say nothing more.
_ODDS: Final = 6.0
# Heads that never saw a text's like are surely wrong about it; a clear pair is not overruled by more than this.
_LEAST_ODDS_WITH_PAIR: Final = -2.0
_LEAST_MEANING_WITH_PAIR: Final = 0.125
# How much of the bound on false alarms is for those with a clear pair; they are right more often on strangers' texts.
PAIR_SHARE: Final = 0.6
# And how much is for texts that their words explain, where only very sure heads are right.
EXPLAINED_SHARE: Final = 0.005


@dataclass(frozen=True, slots=True)
class DangerScores:
    """What is known about texts, a value a text: the highest score of its passages, and which signs its pairs give.

    grams, groups: log odds of danger.  meaning: likeness to known dangers.
    look, alike: log odds of a look-alike, and likeness to known ones, of the passage that speaks most for danger.
    signs: columns clear, several clear, hint, softened by context, softened by a group, several softened.
    """

    grams: Floats
    groups: Floats
    meaning: Floats
    look: Floats
    alike: Floats
    signs: Floats

    @property
    def has_pair(self) -> Flags:
        """Which texts hold a clear pair."""
        return np.asarray(self.signs[:, 0] > 0)

    @property
    def is_explained(self) -> Flags:
        """Which texts hold a pair that is softened: denied, solved, supposed, or explained by ordinary business."""
        return np.asarray((self.signs[:, 3] > 0) | (self.signs[:, 4] > 0))

    def take(self, rows: Flags | Ints) -> DangerScores:
        """Return some of the texts."""
        parts = (self.grams, self.groups, self.meaning, self.look, self.alike, self.signs)
        return DangerScores(*(part[rows] for part in parts))


@dataclass(frozen=True, slots=True)
class DangerThresholds:
    """Probabilities from which something happens.

    with_pair, alone: a person is paged, where a clear pair stands in the text, and where only the heads speak.
    explained: the same where only the heads speak and words deny or explain each pair; a model of before has none.
    possible: the conversation is marked.
    """

    with_pair: float
    alone: float
    possible: float
    explained: float = 1.01

    def line(self, scores: DangerScores) -> Floats:
        """Return each text's threshold."""
        alone = np.where(scores.is_explained, self.explained, self.alone)
        return np.asarray(np.where(scores.has_pair, self.with_pair, alone), np.float32)


@dataclass(frozen=True, slots=True)
class DangerBound:
    """The thresholds of one bound.

    per_thousand: how many of a thousand ordinary messages may be paged.
    sure_above: from this first probability on a clear pair is an emergency, and the encoder need not be asked.
    alone, both: without the encoder, and with it where it is asked.
    """

    per_thousand: float
    sure_above: float
    alone: DangerThresholds
    both: DangerThresholds


@dataclass(frozen=True, slots=True)
class DangerCalibration:
    """Weights of both ways of judging, and the thresholds of several bounds, in ascending order.

    first: without the encoder.  second: with it.  ask_above: from this first probability on the encoder is asked.
    """

    first: Floats
    second: Floats
    ask_above: float
    bounds: tuple[DangerBound, ...]

    def before(self, scores: DangerScores) -> Floats:
        """Return probabilities without the encoder."""
        return chances(curve_inputs(scores, with_meaning=False), self.first)

    def after(self, scores: DangerScores) -> Floats:
        """Return probabilities with the encoder."""
        return chances(curve_inputs(scores, with_meaning=True), self.second)

    def bound(self, per_thousand: float) -> DangerBound:
        """Return the widest known bound that is within the operator's, else the narrowest."""
        within = [one for one in self.bounds if one.per_thousand <= per_thousand]
        return within[-1] if within else self.bounds[0]


def signs_of(pairs: Sequence[FoundPair], softeners: frozenset[str]) -> tuple[float, ...]:
    """Return what the pairs of a text say. softeners: the names of contexts, as opposed to groups of words."""
    clear = [one for one in pairs if one.is_clear]
    if clear:
        return (1.0, float(len(clear) > 1), 0.0, 0.0, 0.0, 0.0)
    hint = any(one.strength == "hint" and not one.softened_by for one in pairs)
    softened = [one for one in pairs if one.strength == "clear"]
    by_context = any(name in softeners for one in softened for name in one.softened_by)
    return (
        0.0,
        0.0,
        float(hint),
        float(by_context),
        float(bool(softened) and not by_context),
        float(len(softened) > 1),
    )


def fit_weights(scores: DangerScores, danger: Floats, weights: Floats, *, with_meaning: bool) -> Floats:
    """Fit a logistic curve by Newton's method; a weak prior keeps every weight finite."""
    inputs = curve_inputs(scores, with_meaning=with_meaning)
    found = np.zeros(inputs.shape[1], np.float32)
    for _ in range(_STEPS):
        said = chances(inputs, found)
        slope = inputs.T @ (weights * (said - danger)) + _PRIOR * found
        bend = (inputs * (weights * said * (1 - said) + 1e-9)[:, None]).T @ inputs
        step = np.linalg.solve(bend + _PRIOR * np.eye(len(found), dtype=np.float32), slope)
        found = np.asarray(found - step, np.float32)
    return found


def chances(inputs: Floats, weights: Floats) -> Floats:
    """Return probabilities."""
    return np.asarray(1 / (1 + np.exp(-np.clip(inputs @ weights, -30, 30))))


def choose_thresholds(
    said: Floats, scores: DangerScores, ordinary: Floats, *, bound: float, marked: float
) -> DangerThresholds:
    """Return the lowest thresholds within two bounds.

    said: probabilities of rows that no head has learnt.  ordinary: how much each row counts as ordinary post, 0 if not.
    bound: the share of ordinary messages that may be paged.  marked: the share that may be marked or paged.
    """
    share = ordinary / ordinary.sum()
    with_pair, explained = scores.has_pair, ~scores.has_pair & scores.is_explained
    alone = ~with_pair & ~explained
    level = _lowest(said[alone], share[alone], bound * (1 - PAIR_SHARE - EXPLAINED_SHARE))
    return DangerThresholds(
        with_pair=_lowest(said[with_pair], share[with_pair], bound * PAIR_SHARE),
        alone=level,
        # Words that explain a danger never make it likelier.
        explained=max(level, _lowest(said[explained], share[explained], bound * EXPLAINED_SHARE)),
        possible=_lowest(said, share, marked),
    )


def _lowest(said: Floats, share: Floats, bound: float) -> float:
    """Return the lowest threshold above which no more than a share of the rows lies."""
    order = np.argsort(-said)
    inside = np.flatnonzero(np.cumsum(share[order]) > bound)
    # The row that breaks the bound stays below the threshold.
    return float(np.nextafter(said[order][inside[0]], np.inf)) if len(inside) else float(said.min(initial=1.0))


def curve_inputs(scores: DangerScores, *, with_meaning: bool) -> Floats:
    """Return the inputs of the logistic curve; texts with a clear pair have weights of their own."""
    pair = scores.signs[:, 0]
    alone = 1 - pair
    sure = np.clip(scores.grams, _LEAST_ODDS_WITH_PAIR, _ODDS) / 3
    odds, groups, look = (np.clip(each, -_ODDS, _ODDS) / 3 for each in (scores.grams, scores.groups, scores.look))
    columns = [pair, pair * sure, pair * groups, alone, alone * odds, alone * groups, *scores.signs.T[1:]]
    columns += [pair * look, alone * look]
    if with_meaning:
        meaning, alike = np.clip(scores.meaning, -0.1, 1.1) * 4, np.clip(scores.alike, -0.1, 1.1) * 4
        columns += [pair * np.maximum(meaning, 4 * _LEAST_MEANING_WITH_PAIR), alone * meaning]
        columns += [pair * alike, alone * alike]
    return np.stack(columns, axis=1).astype(np.float32)
