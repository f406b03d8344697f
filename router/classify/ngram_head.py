"""A softmax over n-grams: fast, explained by its words, and accurate enough for most messages."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from router.classify.features import BUCKETS, Grams, Ints

Floats = NDArray[np.float32]

# About as many steps for few examples as for many; more steps overfit, fewer underfit.
_STEPS: Final = 1_000
_EPOCHS: Final = (15, 40)
_BATCH: Final = 64
_RATE: Final = 0.1
_DECAY: Final = 1e-6
# The mean of two fits with different row orders: 91.4 against 91.0 on BANKING77, at the same size.
_RUNS: Final = 2
# Of as many texts an n-gram of one text is left out: half the size and time, for the same answers.
_MANY: Final = 5_000
# How many rows are dense at once.
_ROWS: Final = 256


@dataclass(frozen=True, slots=True)
class Matrix:
    """Weighted n-grams of texts as sparse rows. starts: where each row begins; columns and values: its entries."""

    starts: Ints
    columns: Ints
    values: Floats

    def __len__(self) -> int:
        return len(self.starts) - 1

    def of_row(self, row: int) -> Ints:
        """Return the columns of a row."""
        return self.columns[self.starts[row] : self.starts[row + 1]]

    def dense(self, rows: Ints) -> tuple[Ints, Floats]:
        """Return the columns that the given rows use, and those rows as a small dense matrix over these columns."""
        sizes = self.starts[rows + 1] - self.starts[rows]
        firsts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
        entries = np.repeat(self.starts[rows] - firsts, sizes) + np.arange(int(sizes.sum()))
        used, places = _ranked(self.columns[entries])
        block = np.zeros((len(rows), len(used)), np.float32)
        block[np.repeat(np.arange(len(rows)), sizes), places] = self.values[entries]
        return used, block


def _ranked(columns: Ints) -> tuple[Ints, Ints]:
    """Return the different columns in ascending order, and the place of each entry's column among them."""
    # Columns are small numbers: a mark for each costs a tenth of a sort.
    marks = np.zeros(int(columns.max(initial=-1)) + 1, np.bool_)
    marks[columns] = True
    used = np.flatnonzero(marks)
    places = np.empty(len(marks), np.int64)
    places[used] = np.arange(len(used))
    return used, places[columns]


@dataclass(frozen=True)
class Vocabulary:
    """The n-grams of the training texts. buckets: sorted.  rarity: inverse document frequency, in the same order."""

    buckets: Ints
    rarity: Floats

    @cached_property
    def _columns(self) -> NDArray[np.int32]:
        """The column of each bucket, -1 for none: 2 MB, and a third of the time of a search among the buckets."""
        columns = np.full(BUCKETS, -1, np.int32)
        columns[self.buckets] = np.arange(len(self.buckets))
        return columns

    def matrix(self, found: Grams) -> tuple[Matrix, Ints]:
        """Return the texts' known n-grams, weighted, each half with length 1, and their indices in `found`."""
        at = self._columns[found.buckets]
        known = np.flatnonzero(at >= 0)
        rows, columns = found.rows[known], at[known].astype(np.int64)
        values = found.weights[known] * self.rarity[columns]
        # Words and pieces of words have length 1 separately, because pieces are ten times as many.
        halves = rows * 2 + (found.buckets[known] >= BUCKETS // 2)
        lengths = np.sqrt(np.bincount(halves, values**2, minlength=2 * (len(found.starts) - 1)))
        starts = np.searchsorted(rows, np.arange(len(found.starts)))
        return Matrix(starts, columns, (values / lengths[halves]).astype(np.float32)), known


@dataclass(frozen=True, slots=True)
class GramHead:
    """The weight of each known n-gram for each label.

    scale: what 1 in a row of weights is worth, where the weights are whole numbers, as a file has them: they take a
    quarter of the memory, and a text needs a few hundred of 60,000 rows.
    """

    vocabulary: Vocabulary
    weights: Floats | NDArray[np.int8]
    bias: Floats
    scale: Floats | None = None

    def rows(self, at: Ints | slice) -> Floats:
        """Return the weights of some n-grams for every label."""
        if self.scale is None:
            return np.asarray(self.weights[at], np.float32)
        return self.weights[at].astype(np.float32) * self.scale[at][:, None]

    def of_label(self, label: int, *, at: Ints) -> Floats:
        """Return the weights of some n-grams for one label."""
        chosen: Floats = self.weights[at, label].astype(np.float32)
        return chosen if self.scale is None else chosen * self.scale[at]

    def scores(self, matrix: Matrix) -> Floats:
        """Return the log of each label's probability, uncalibrated; one row per text."""
        out = np.empty((len(matrix), len(self.bias)), np.float32)
        for first in range(0, len(matrix), _ROWS):
            rows = np.arange(first, min(first + _ROWS, len(matrix)))
            used, block = matrix.dense(rows)
            out[rows] = block @ self.rows(used)
        return log_softmax(out + self.bias)


def log_softmax(scores: Floats) -> Floats:
    """Return scores whose exponentials sum to 1 in each row."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    logarithms: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logarithms


def learn_vocabulary(found: Grams) -> Vocabulary:
    """Return the n-grams of the texts and their rarity; of many texts those that stand in several."""
    texts = len(found.starts) - 1
    frequencies = np.bincount(found.buckets, minlength=BUCKETS)
    buckets = np.flatnonzero(frequencies >= (2 if texts >= _MANY else 1))
    rarity = np.log((1 + texts) / (1 + frequencies[buckets])) + 1
    return Vocabulary(buckets, rarity.astype(np.float32))


def fit_gram_head(vocabulary: Vocabulary, matrix: Matrix, *, labels: Ints, count: int, weights: Floats) -> GramHead:
    """Learn the softmax by AdaGrad over small batches.

    labels: the label of each row, below `count`.  weights: the weight of each row, 1 on average.
    The same rows give the same head, because the shuffle is seeded.
    """
    rows = _Rows(matrix, labels, weights)
    runs = [_fitted(rows, size=(len(vocabulary.buckets), count), seed=seed) for seed in range(_RUNS)]
    mean_weights: Floats = sum((run.weights for run in runs[1:]), runs[0].weights) / np.float32(_RUNS)
    mean_bias: Floats = sum((run.bias for run in runs[1:]), runs[0].bias) / np.float32(_RUNS)
    return GramHead(vocabulary, mean_weights, mean_bias)


@dataclass(frozen=True, slots=True)
class _Rows:
    matrix: Matrix
    labels: Ints
    weights: Floats


@dataclass(frozen=True, slots=True)
class _Fitting:
    """The state of a fit; its arrays change with each step. slopes: squared gradients, summed."""

    weights: Floats
    slopes: Floats
    bias: Floats

    def step(self, rows: _Rows, chosen: Ints, *, rate: float) -> None:
        """Update the weights with one batch of rows."""
        used, block = rows.matrix.dense(chosen)
        old = self.weights[used]
        error = np.exp(log_softmax(block @ old + self.bias))
        error[np.arange(len(chosen)), rows.labels[chosen]] -= 1
        error *= rows.weights[chosen, None] / len(chosen)
        slope = block.T @ error + _DECAY * old
        slopes = self.slopes[used] + slope * slope
        self.slopes[used] = slopes
        self.weights[used] = old - rate * slope / np.sqrt(slopes)
        np.subtract(self.bias, rate * 0.1 * error.sum(axis=0), out=self.bias)


def _fitted(rows: _Rows, *, size: tuple[int, int], seed: int) -> _Fitting:
    fitting = _Fitting(np.zeros(size, np.float32), np.full(size, 1e-8, np.float32), np.zeros(size[1], np.float32))
    shuffle = np.random.default_rng(seed)
    epochs = int(np.clip(_STEPS * _BATCH // max(1, len(rows.labels)), *_EPOCHS))
    for epoch in range(epochs):
        order = shuffle.permutation(len(rows.labels))
        for first in range(0, len(order), _BATCH):
            fitting.step(rows, order[first : first + _BATCH], rate=_RATE * (1 - epoch / epochs))
    return fitting
