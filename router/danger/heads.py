"""What the heads say about danger: n-grams and sentence vectors of the shared model, and groups of words that meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from itertools import combinations
from operator import or_
from typing import Final

import numpy as np

from router.classify.features import Ints
from router.classify.ngram_head import Floats, GramHead, Matrix, Vocabulary, fit_gram_head
from router.danger.finder import bits_of
from router.danger.meetings import FoundPair
from router.danger.pairs import MEET, MeaningPairs
from router.danger.windows import split_text
from router.danger.words import late_keywords

# Groups that meet in fewer training texts are chance.
_FEWEST_MEETINGS: Final = 12
# A look-alike is rarer in the post than in the examples.
_LOOKALIKE_WEIGHT: Final = 0.6
_SURE: Final = 1e-5
# How many sentences' groups are remembered with their columns.
_REMEMBERED: Final = 4096


@dataclass(frozen=True, slots=True)
class ReadText:
    """A text as the heads take it. groups: a mask a sentence, for each passage.

    pairs: found in the whole text; next to a clear one, those that something softens say nothing and are left out.
    """

    passages: tuple[str, ...]
    pairs: tuple[FoundPair, ...]
    groups: tuple[Sequence[int], ...]


def read_text(text: str, pairs: MeaningPairs) -> ReadText:
    """Return a text as the heads take it."""
    split = split_text(text)
    lines = pairs.lines_in(split.sentences)
    found = pairs.unsoftened_of(split.sentences, lines)
    if not any(one.is_clear for one in found):
        found = pairs.pairs_of(split.sentences, lines)
    each = [line.mask for line in lines]
    groups = tuple(each[first:end] for first, end in split.spans)
    return ReadText(split.passages, (*found, *late_keywords(text, pairs)), groups)


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

    def scores(self, found: Matrix) -> Floats:
        """Return the log odds of danger, a value a passage. found: its columns, by `KnownColumns`."""
        scores = self.head.scores(found)
        return np.asarray(scores[:, 1] - scores[:, 0], np.float32)

    def strongest(self, found: Ints, *, count: int) -> tuple[str, ...]:
        """Return the columns that speak most for danger. found: those of a passage, in ascending order."""
        weights = self.head.weights[found, 1] - self.head.weights[found, 0]
        best = [int(at) for at in np.argsort(-weights, kind="stable")[:count] if weights[at] > 0]
        return tuple(self.columns[found[at]] for at in best)


class KnownColumns:
    """Finds the columns of a head by the groups of a sentence, without a name for each two that meet."""

    def __init__(self, columns: Sequence[str], bits: Mapping[str, int]) -> None:
        """Prepare. bits: of the groups, by name; see `WordPatterns`."""
        self._bytes = len(columns) // 8 + 1
        self._places: dict[int, int] = {}
        for at, column in enumerate(columns):
            names = [column] if column in bits else column.split(MEET)
            if all(name in bits for name in names):
                self._places[reduce(or_, (bits[name] for name in names))] = 1 << at
        self._of = lru_cache(_REMEMBERED)(self._find)

    def matrix(self, passages: Sequence[Sequence[int]]) -> Matrix:
        """Return the known columns of each passage as a row of length 1. passages: a mask of groups a sentence."""
        rows = [reduce(or_, map(self._of, groups), 0).to_bytes(self._bytes, "little") for groups in passages]
        packed = np.frombuffer(b"".join(rows), np.uint8)
        found = np.flatnonzero(np.unpackbits(packed, bitorder="little").view(np.bool_))
        owners, entries = np.divmod(found, 8 * self._bytes)
        return _of_length_one(np.bincount(owners, minlength=len(rows)), entries)

    def _find(self, groups: int) -> int:
        """Return the columns of a sentence as bits."""
        each = [*bits_of(groups)]
        meetings = (*each, *(one | other for one, other in combinations(each, 2)))
        return reduce(or_, (self._places.get(mask, 0) for mask in meetings), 0)


def fit_groups(found: Sequence[frozenset[str]], *, danger: Ints, lookalike: Ints) -> GroupHead:
    """Learn which groups tell of danger. danger, lookalike: 1 for such a text, else 0."""
    names, counts = np.unique(np.array([name for each in found for name in each] or [""]), return_counts=True)
    columns = tuple(str(name) for name, count in zip(names, counts, strict=True) if count >= _FEWEST_MEETINGS and name)
    head = fit_gram_head(
        Vocabulary(np.arange(len(columns)), np.ones(len(columns), np.float32)),
        matrix_by_name(found, columns),
        labels=danger,
        count=2,
        weights=np.where(lookalike > 0, _LOOKALIKE_WEIGHT, 1.0).astype(np.float32),
    )
    return GroupHead(columns, head)


def matrix_by_name(found: Sequence[frozenset[str]], columns: Sequence[str]) -> Matrix:
    """Return the known columns of each passage as a row of length 1."""
    places = {column: at for at, column in enumerate(columns)}
    known = frozenset(columns)
    rows = [sorted(places[column] for column in each & known) for each in found]
    entries = np.array([at for row in rows for at in row], np.int64)
    return _of_length_one(np.array([len(row) for row in rows], np.int64), entries)


def _of_length_one(lengths: Ints, entries: Ints) -> Matrix:
    values = np.repeat(1 / np.sqrt(np.maximum(lengths, 1)), lengths)
    return Matrix(np.concatenate(([0], np.cumsum(lengths))), entries, values.astype(np.float32))
