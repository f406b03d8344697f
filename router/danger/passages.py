"""The passages of a batch of texts, and from their scores to one value a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from router.classify.features import Ints
from router.classify.ngram_head import Floats
from router.danger.calibration import DangerScores, signs_of
from router.danger.heads import ReadText

UNREAD: float = -1.0
"""The likeness of a passage that the encoder did not read."""


@dataclass(frozen=True, slots=True)
class PassageScores:
    """A value a passage; see `DangerScores`."""

    grams: Floats
    look: Floats
    groups: Floats
    meaning: Floats
    alike: Floats


@dataclass(frozen=True, slots=True)
class Passages:
    """The passages of texts, text by text; a text's first passage is its whole. starts: and one last for the end."""

    read: Sequence[ReadText]
    starts: Ints

    @classmethod
    def of(cls, read: Sequence[ReadText]) -> Passages:
        """Return the passages of some texts."""
        return cls(read, np.cumsum([0, *(len(one.passages) for one in read)]))

    @property
    def texts(self) -> list[str]:
        """Every passage."""
        return [passage for one in self.read for passage in one.passages]

    @property
    def groups(self) -> list[Sequence[int]]:
        """The groups in each sentence of each passage, as masks."""
        return [each for one in self.read for each in one.groups]

    def suspects(self, row: int, scores: PassageScores, *, count: int) -> list[int]:
        """Return the passages of a text that the encoder should read: the whole, then those that speak for danger."""
        first, last = int(self.starts[row]), int(self.starts[row + 1])
        rest = sorted(range(first + 1, last), key=lambda at: -float(scores.grams[at] + scores.groups[at]))
        return [first, *rest][:count]

    def loudest(self, row: int, scores: PassageScores) -> int:
        """Return the passage of a text that speaks most for danger."""
        first, last = self.starts[row], self.starts[row + 1]
        return int(first + np.argmax((scores.grams + scores.groups + 4 * scores.meaning)[first:last]))

    def per_text(self, scores: PassageScores, softeners: frozenset[str]) -> DangerScores:
        """Return each text's highest scores. softeners: see `signs_of`."""
        starts = self.starts[:-1]
        loudest = np.array([self.loudest(row, scores) for row in range(len(self.read))], np.int64)
        signs = [signs_of(one.pairs, softeners) for one in self.read]
        return DangerScores(
            grams=np.maximum.reduceat(scores.grams, starts),
            groups=np.maximum.reduceat(scores.groups, starts),
            meaning=np.maximum.reduceat(scores.meaning, starts),
            look=scores.look[loudest],
            alike=scores.alike[loudest],
            signs=np.asarray(signs, np.float32),
        )
