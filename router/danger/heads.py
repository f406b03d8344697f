"""What the heads say about danger: n-grams and sentence vectors of the shared model, and groups of words that meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from router.classify.features import Ints
from router.classify.ngram_head import Floats, GramHead, Matrix, Vocabulary, fit_gram_head
from router.danger.pairs import FoundPair, MeaningPairs
from router.danger.windows import split_text
from router.danger.words import late_keywords

# Groups that meet in fewer training texts are chance.
_FEWEST_MEETINGS: Final = 12
# A look-alike is rarer in the post than in the examples.
_LOOKALIKE_WEIGHT: Final = 0.6
_SURE: Final = 1e-5


@dataclass(frozen=True, slots=True)
class ReadText:
    """A text as the heads take it. pairs: found in the whole text.  columns: groups that meet, for each passage."""

    passages: tuple[str, ...]
    pairs: tuple[FoundPair, ...]
    columns: tuple[frozenset[str], ...]


def read_text(text: str, pairs: MeaningPairs) -> ReadText:
    """Return a text as the heads take it."""
    split = split_text(text)
    lines = pairs.lines_in(split.sentences)
    found = pairs.pairs_of(split.sentences, lines)
    each = pairs.columns_in(lines)
    columns = tuple(frozenset[str]().union(*each[first:end]) for first, end in split.spans)
    return ReadText(split.passages, (*found, *late_keywords(text, pairs)), columns)


@dataclass(frozen=True, slots=True)
class DangerLabels:
    """Which labels of the shared heads are dangers, and which is the look-alikes' (-1 for none)."""

    dangers: Ints
    lookalike: int

    def odds(self, scores: Floats) -> tuple[Floats, Floats]:
        """Return the log odds of danger and of a look-alike. scores: logs of probabilities by label."""
        chances = np.exp(scores)
        look = chances[:, self.lookalike] if self.lookalike >= 0 else np.zeros(len(chances), np.float32)
        return _log_odds(chances[:, self.dangers].sum(axis=1)), _log_odds(look)

    def likeness(self, scores: Floats) -> tuple[Floats, Floats]:
        """Return about 1 for texts like known dangers, and like known look-alikes. scores: of the sentence vectors."""
        look = scores[:, self.lookalike] if self.lookalike >= 0 else np.zeros(len(scores), np.float32)
        return np.asarray(scores[:, self.dangers].sum(axis=1)), np.asarray(look)


def _log_odds(chances: Floats) -> Floats:
    inside = chances.clip(_SURE, 1 - _SURE)
    return np.asarray(np.log(inside / (1 - inside)), np.float32)


@dataclass(frozen=True, slots=True)
class GroupHead:
    """Weights of groups, and of groups that meet in one sentence. columns: the known ones, by name."""

    columns: tuple[str, ...]
    head: GramHead

    def scores(self, found: Sequence[frozenset[str]]) -> Floats:
        """Return the log odds of danger, a value a passage."""
        scores = self.head.scores(_matrix(found, self.columns))
        return np.asarray(scores[:, 1] - scores[:, 0], np.float32)

    def strongest(self, found: frozenset[str], *, count: int) -> tuple[str, ...]:
        """Return the columns that speak most for danger."""
        spoke = {
            name: float(self.head.weights[at, 1] - self.head.weights[at, 0])
            for at, name in enumerate(self.columns)
            if name in found
        }
        best = sorted((name for name, weight in spoke.items() if weight > 0), key=lambda name: -spoke[name])
        return tuple(best[:count])


def fit_groups(found: Sequence[frozenset[str]], *, danger: Ints, lookalike: Ints) -> GroupHead:
    """Learn which groups tell of danger. danger, lookalike: 1 for such a text, else 0."""
    names, counts = np.unique(np.array([name for each in found for name in each] or [""]), return_counts=True)
    columns = tuple(str(name) for name, count in zip(names, counts, strict=True) if count >= _FEWEST_MEETINGS and name)
    head = fit_gram_head(
        Vocabulary(np.arange(len(columns)), np.ones(len(columns), np.float32)),
        _matrix(found, columns),
        labels=danger,
        count=2,
        weights=np.where(lookalike > 0, _LOOKALIKE_WEIGHT, 1.0).astype(np.float32),
    )
    return GroupHead(columns, head)


def _matrix(found: Sequence[frozenset[str]], columns: Sequence[str]) -> Matrix:
    """Return the known columns of each passage as a row of length 1."""
    places = {column: at for at, column in enumerate(columns)}
    known = frozenset(columns)
    rows = [sorted(places[column] for column in each & known) for each in found]
    lengths = np.array([len(row) for row in rows], np.int64)
    entries = np.array([at for row in rows for at in row], np.int64)
    values = np.repeat(1 / np.sqrt(np.maximum(lengths, 1)), lengths)
    return Matrix(np.cumsum([0, *lengths]), entries, values.astype(np.float32))
