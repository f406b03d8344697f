"""Turn texts into hashed n-grams: single words and pairs, pieces of words of 2 to 5 letters, Chinese runs of 1 to 3.

A whole batch is hashed at once, as arrays: a Python loop over n-grams would cost more than all other routing.
Chinese is not segmented: runs of characters classify better than a dictionary, which would need 42 MB.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from router.text.chinese_script import fold_script
from router.text.plain import fold

BUCKETS: Final = 1 << 19
"""Pieces of words hash into the lower half, whole words into the upper; a few thousand of either rarely collide."""

_BITS: Final = 18
# A customer's request stands in the first lines; a pasted log must not outweigh it, nor cost a second.
_LONGEST: Final = 600
_LONGEST_WORD: Final = 64
_LATIN: Final = range(2, 6)
_HAN: Final = range(1, 4)
_HAN_RUN: Final = re.compile(r"([\u3400-\u4dbf\u4e00-\u9fff]+)")
_NO_WORD: Final = re.compile(r"[\W_]+")
_DIGIT: Final = re.compile(r"\d")
# The same for ASCII: what is no letter is a blank, a digit is 0.
_PLAIN: Final = {code: "0" if chr(code).isdigit() else " " for code in range(128) if not chr(code).isalpha()}
_BLANK: Final = 32
# Odd multipliers of SplitMix64 and MurmurHash3: any odd numbers work, but they must never change.
_SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX: Final = np.uint64(0xD6E8FEB86659FD93)
_SHIFT: Final = np.uint64(29)
_TOP: Final = np.uint64(64 - _BITS)
# A text of `_LONGEST` letters has at most 3,900 n-grams: five pieces a letter, a word and a pair of words every other.
_PLACE: Final = 12
_PLACES: Final = (1 << _PLACE) - 1

_HAN_FROM: Final = 0x3400

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Grams:
    """The n-grams of several texts, text by text, each n-gram of a text once.

    starts: where each text's n-grams begin, and one last entry for the end.  weights: 1 + log of the count.
    text, places, sizes: the first position of an n-gram in the batch's text, to show it as evidence.
    """

    starts: Ints
    buckets: Ints
    weights: NDArray[np.float32]
    text: str
    places: Ints
    sizes: Ints

    @property
    def rows(self) -> Ints:
        """The index of the text of each n-gram."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    def span(self, gram: int) -> tuple[int, int]:
        """Return where an n-gram stands in `text`: the whole words that it lies in; of Chinese, the characters."""
        first = int(self.places[gram])
        end = first + int(self.sizes[gram])
        stretch = self.text[first:end]
        first += len(stretch) - len(stretch.lstrip())
        end -= len(stretch) - len(stretch.rstrip())
        if ord(self.text[first]) >= _HAN_FROM:
            return first, end
        before, after = self.text.rfind(" ", 0, first), self.text.find(" ", end)
        return before + 1, after if after >= 0 else len(self.text)


@dataclass(frozen=True, slots=True)
class _Found:
    rows: Ints
    buckets: Ints
    places: Ints
    sizes: Ints


def grams(texts: Sequence[str]) -> Grams:
    """Hash a batch of texts."""
    bare = [_bare(text) for text in texts]
    batch = "".join(f" {text} " for text in bare)
    lengths = np.array([len(text) + 2 for text in bare], dtype=np.int64)
    codes = np.frombuffer(batch.encode("utf-32-le"), np.uint32).astype(np.uint64)
    rows = np.repeat(np.arange(len(bare)), lengths)
    found = [*_pieces(codes, rows), *_words(codes, rows)]
    return _counted(found, batch=batch, texts=len(bare))


def _bare(text: str) -> str:
    """Return words and Chinese runs between single blanks, every digit as 0: the presence of a number is enough."""
    folded = fold_script(fold(text[: 2 * _LONGEST]))
    if folded.isascii():
        return " ".join(folded.translate(_PLAIN).split())[:_LONGEST]
    folded = _HAN_RUN.sub(r" \1 ", folded)
    return _DIGIT.sub("0", _NO_WORD.sub(" ", folded)).strip()[:_LONGEST]


def _bucket(hashes: Hashes) -> Ints:
    return (((hashes ^ (hashes >> _SHIFT)) * _MIX) >> _TOP).astype(np.int64)


def _pieces(codes: Hashes, rows: Ints) -> Iterator[_Found]:
    """Yield n-grams of characters: within Chinese runs, and within Latin words including the blanks at their ends."""
    blank: Flags = codes == _BLANK
    han: Flags = (codes >= 0x3400) & (codes <= 0x9FFF)
    hashes, all_han, any_han = codes * _SPREAD, han, han
    inside = np.zeros(len(codes), np.bool_)
    for size in range(1, _LATIN.stop):
        left = len(codes) - size + 1
        if left <= 0:
            return
        if size > 1:
            hashes = hashes[:left] * _SPREAD + codes[size - 1 :] * _MIX + np.uint64(size)
            all_han, any_han = all_han[:left] & han[size - 1 :], any_han[:left] | han[size - 1 :]
            # A blank may stand at either end of a piece, never inside it; two blanks alone are not a piece.
            inside = inside[:left] | (blank[size - 2 : size - 2 + left] if size > 2 else False)
        fits = all_han if size in _HAN else np.zeros(left, np.bool_)
        if size in _LATIN:
            fits = fits | ~(any_han | inside | (blank[:left] & blank[size - 1 :]))
        places = np.flatnonzero(fits)
        yield _Found(rows[places], _bucket(hashes[places]), places, np.full(len(places), size))


def _words(codes: Hashes, rows: Ints) -> Iterator[_Found]:
    """Yield Latin words and pairs of neighbouring words."""
    blank = codes == _BLANK
    starts = np.flatnonzero(~blank & np.concatenate(([True], blank[:-1])))
    if not len(starts):
        return
    sizes = np.flatnonzero(~blank & np.concatenate((blank[1:], [True]))) + 1 - starts
    letters = np.flatnonzero(~blank)
    offsets = np.minimum(letters - np.repeat(starts, sizes), _LONGEST_WORD - 1)
    firsts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    hashes = np.add.reduceat(codes[letters] * _place_values()[offsets], firsts)
    latin = codes[starts] < 0x3400
    yield _Found(rows[starts][latin], _upper(hashes[latin] * _SPREAD), starts[latin], sizes[latin])
    pair = (rows[starts][1:] == rows[starts][:-1]) & latin[1:] & latin[:-1]
    both = hashes[:-1] * _MIX + hashes[1:] * _SPREAD
    span = starts[1:] + sizes[1:] - starts[:-1]
    yield _Found(rows[starts][:-1][pair], _upper(both[pair]), starts[:-1][pair], span[pair])


def _place_values() -> Hashes:
    """Return an odd multiplier for each position in a word, so that "on" and "no" differ."""
    return (np.arange(1, _LONGEST_WORD + 1, dtype=np.uint64) * _SPREAD) | np.uint64(1)


def _upper(hashes: Hashes) -> Ints:
    return _bucket(hashes) + (1 << _BITS)


def _counted(found: Sequence[_Found], *, batch: str, texts: int) -> Grams:
    """Return each n-gram of a text once, in ascending order of its bucket, with the first of its places."""
    sizes = np.array([np.bincount(one.rows, minlength=texts) for one in found], np.int64).reshape(len(found), texts)
    lengths = sizes.sum(axis=0)
    ends = np.cumsum(lengths)
    keys, origins = _by_text(found, sizes, ends - lengths)
    for first, end in pairwise((0, *ends.tolist())):
        keys[first:end].sort()
    buckets = keys >> _PLACE
    is_first = np.concatenate(([True], buckets[1:] != buckets[:-1]))[: len(keys)]
    is_first[ends[ends < len(keys)]] = True
    firsts = np.flatnonzero(is_first)
    starts = np.searchsorted(firsts, np.concatenate(([0], ends)))
    places = np.repeat(ends - lengths, np.diff(starts)) + (keys[firsts] & _PLACES)
    chosen, counts = origins[places], np.diff(firsts, append=len(keys))
    return Grams(
        starts=starts,
        buckets=buckets[firsts].astype(np.int64),
        weights=(1 + np.log(np.arange(1, counts.max(initial=1) + 1))).astype(np.float32)[counts - 1],
        text=batch,
        places=np.concatenate([one.places for one in found] or [np.zeros(0, np.int64)])[chosen],
        sizes=np.concatenate([one.sizes for one in found] or [np.zeros(0, np.int64)])[chosen],
    )


def _by_text(found: Sequence[_Found], sizes: Ints, starts: Ints) -> tuple[NDArray[np.uint32], Ints]:
    """Return the n-grams text by text, and at which place each was found.

    Each is a number of 32 bits, its bucket and its place among those of its text: such numbers, a text at a time, are
    sorted in a quarter of the time. sizes: how many of each find are in each text.  starts: where each text begins.
    """
    keys, origins = np.empty(int(sizes.sum()), np.uint32), np.empty(int(sizes.sum()), np.int64)
    # Where the first of each find's n-grams of each text comes, and its place among those of the text.
    before = np.cumsum(sizes, axis=0) - sizes
    firsts = before + starts
    done = 0
    for one, count, inside, first in zip(found, sizes, before, firsts, strict=True):
        rank = np.arange(len(one.rows)) - np.repeat(np.cumsum(count) - count, count)
        places = np.repeat(first, count) + rank
        keys[places] = (one.buckets << _PLACE) | (np.repeat(inside, count) + rank)
        origins[places] = np.arange(done, done + len(one.rows))
        done += len(one.rows)
    return keys, origins
