"""Every training text's passages, and their scores by heads that did not train on the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from router.classify.embedding_head import MeaningHead
from router.classify.encoder import Encoder
from router.classify.features import Ints, grams
from router.classify.ngram_head import Floats, GramHead
from router.danger.calibration import DangerScores
from router.danger.heads import DangerLabels, fit_groups, matrix_by_name, read_text
from router.danger.passages import UNREAD, Passages, PassageScores
from router.danger.trainer import UnseenDanger
from router.danger.words import WordDetector

_SIGNS: Final = 6


@dataclass(frozen=True, slots=True)
class DangerLesson:
    """The training texts as the danger heads take them.

    columns: of each text's passages, the groups that meet.  vectors: of each passage; None without an encoder.
    """

    passages: Passages
    columns: Sequence[Sequence[frozenset[str]]]
    vectors: Floats | None
    softeners: frozenset[str]

    @classmethod
    def of(cls, texts: Sequence[str], words: WordDetector, *, encoder: Encoder | None) -> DangerLesson:
        """Read texts, and encode their passages."""
        passages = Passages.of([read_text(text, words.pairs) for text in texts])
        vectors = encoder.encode(passages.texts) if encoder else None
        columns = [[*map(words.pairs.columns_of, one.groups)] for one in passages.read]
        return cls(passages, columns, vectors, frozenset(words.pairs.softening.unless))

    @property
    def whole(self) -> list[frozenset[str]]:
        """The groups that meet in each whole text."""
        return [passages[0] for passages in self.columns]

    def begin(self, labels: DangerLabels, rows: Ints, folds: Ints) -> CrossedScores:
        """Return an empty collection of scores. rows: the label of each text.  folds: of each text."""
        return CrossedScores(self, labels, rows, folds)


class CrossedScores:
    """Collects the scores of texts, fold by fold."""

    def __init__(self, lesson: DangerLesson, labels: DangerLabels, rows: Ints, folds: Ints) -> None:
        self._lesson, self._labels, self._folds = lesson, labels, folds
        self._danger = np.isin(rows, labels.dangers)
        self._lookalike = rows == labels.lookalike
        self._scores = _blank(len(rows))

    @property
    def has_dangers(self) -> bool:
        """Whether there is anything to learn: each fold needs dangers and others."""
        return all(0 < self._danger[self._folds == fold].mean() < 1 for fold in np.unique(self._folds))

    def add(self, held: Ints, gram_head: GramHead, meaning_head: MeaningHead | None) -> None:
        """Score texts by heads that did not train on them."""
        lesson, rest = self._lesson, np.setdiff1d(np.arange(len(self._folds)), held)
        whole = lesson.whole
        groups = fit_groups(
            [whole[row] for row in rest],
            danger=self._danger[rest].astype(np.int64),
            lookalike=self._lookalike[rest].astype(np.int64),
        )
        part = Passages.of([lesson.passages.read[row] for row in held])
        danger, look = self._labels.odds(gram_head.scores(gram_head.vocabulary.matrix(grams(part.texts))[0]))
        meaning, alike = self._meanings(held, len(danger), meaning_head)
        met = matrix_by_name([each for row in held for each in lesson.columns[row]], groups.columns)
        scores = part.per_text(PassageScores(danger, look, groups.scores(met), meaning, alike), lesson.softeners)
        for name in ("grams", "groups", "meaning", "look", "alike", "signs"):
            getattr(self._scores, name)[held] = getattr(scores, name)

    def _meanings(self, held: Ints, count: int, meaning_head: MeaningHead | None) -> tuple[Floats, Floats]:
        vectors, starts = self._lesson.vectors, self._lesson.passages.starts
        if vectors is None or meaning_head is None:
            return np.full(count, UNREAD, np.float32), np.zeros(count, np.float32)
        chosen = np.concatenate([np.arange(starts[row], starts[row + 1]) for row in held])
        return self._labels.likeness(meaning_head.scores(vectors[chosen]))

    def unseen(self) -> UnseenDanger:
        """Return the scores of every text."""
        with_meaning = self._lesson.vectors is not None
        return UnseenDanger(self._scores, self._danger, self._lookalike, self._folds, with_meaning)


def _blank(count: int) -> DangerScores:
    one = np.zeros(count, np.float32)
    signs = np.zeros((count, _SIGNS), np.float32)
    return DangerScores(one.copy(), one.copy(), one.copy(), one.copy(), one.copy(), signs)
