"""Sparse weights of words in texts: BM25 over characters, pairs and words, and TF-IDF over hashed n-grams.

The question's words are added up text by text: no matrix, no library.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from router.answers.normal_form import normal_form
from router.classify.features import Ints, grams
from router.classify.ngram_head import Floats

_HAN: Final = "\u3400-\u4dbf\u4e00-\u9fff"
_PIECE: Final = re.compile(rf"[{_HAN}]+|[^\W_{_HAN}]+")
# How fast repeated words count less, and how much a text's length counts: the usual values of BM25.
_K1: Final = 1.2
_B: Final = 0.75


def terms(text: str) -> list[str]:
    """Return the words of a text; of Chinese its characters and pairs of characters."""
    found: list[str] = []
    for piece in _PIECE.findall(normal_form(text)):
        if "\u3400" <= piece[0] <= "\u9fff":
            found += piece
            found += [first + second for first, second in pairwise(piece)]
        else:
            found.append(piece)
    return found


@dataclass(frozen=True, slots=True)
class Postings:
    """For each term, the texts that have it and its weight there. starts: where each term's entries begin."""

    texts: int
    starts: Ints
    rows: Ints
    weights: Floats

    def add(self, term: int, weight: float, *, to: Floats) -> None:
        """Add a term's weights, times its weight in the question, to the scores of all texts."""
        first, last = self.starts[term], self.starts[term + 1]
        to[self.rows[first:last]] += np.float32(weight) * self.weights[first:last]


def _postings(terms_: Ints, rows: Ints, weights: Floats, *, texts: int) -> Postings:
    order = np.argsort(terms_, kind="stable")
    starts = np.searchsorted(terms_[order], np.arange(terms_.max(initial=-1) + 2))
    return Postings(texts, starts, rows[order], weights[order].astype(np.float32))


@dataclass(frozen=True, slots=True)
class WordIndex:
    """BM25 (Robertson 1994). rarity: each term's inverse document frequency."""

    numbers: Mapping[str, int]
    rarity: Floats
    postings: Postings

    def scores(self, question: str) -> tuple[Floats, float]:
        """Return each text's score, and the score that the question's known words could reach at most."""
        scores, most = np.zeros(self.postings.texts, np.float32), 0.0
        for term, count in Counter(terms(question)).items():
            number = self.numbers.get(term)
            if number is None:
                most += count * self._unknown
            else:
                self.postings.add(number, count, to=scores)
                most += count * float(self.rarity[number])
        return scores, most

    @property
    def _unknown(self) -> float:
        return math.log(1 + self.postings.texts / 0.5)


def index_words(texts: Sequence[str]) -> WordIndex:
    """Return the BM25 index of texts."""
    counts = [Counter(terms(text)) for text in texts]
    numbers = {term: number for number, term in enumerate(dict.fromkeys(term for one in counts for term in one))}
    rows = np.repeat(np.arange(len(texts)), [len(one) for one in counts])
    found = np.array([numbers[term] for one in counts for term in one], np.int64)
    often = np.array([count for one in counts for count in one.values()], np.float64)
    lengths = np.array([one.total() for one in counts], np.float64)
    has = np.bincount(found, minlength=len(numbers))
    rarity = np.log(1 + (len(texts) - has + 0.5) / (has + 0.5))
    longer = 1 - _B + _B * lengths / max(float(lengths.mean()) if len(texts) else 1.0, 1.0)
    weights = rarity[found] * often * (_K1 + 1) / (often + _K1 * longer[rows])
    postings = _postings(found, rows, weights.astype(np.float32), texts=len(texts))
    return WordIndex(numbers, rarity.astype(np.float32), postings)


@dataclass(frozen=True, slots=True)
class GramIndex:
    """Cosines of TF-IDF vectors of n-grams. buckets: the known n-grams, in order.  rarity: of each of them."""

    buckets: Ints
    rarity: Floats
    postings: Postings

    def scores(self, question: str) -> Floats:
        """Return each text's cosine with the question."""
        found = grams([question])
        scores, length = np.zeros(self.postings.texts, np.float32), 0.0
        places = np.searchsorted(self.buckets, found.buckets)
        for bucket, weight, place in zip(found.buckets, found.weights, places, strict=True):
            if place < len(self.buckets) and self.buckets[place] == bucket:
                value = float(weight * self.rarity[place])
                self.postings.add(int(place), value, to=scores)
            else:
                value = float(weight) * math.log(1 + self.postings.texts)
            length += value * value
        return scores / np.float32(math.sqrt(length) or 1.0)


def index_grams(texts: Sequence[str]) -> GramIndex:
    """Return the index of the n-grams of texts."""
    found, count = grams(texts), len(texts)
    buckets, numbers = np.unique(found.buckets, return_inverse=True)
    rarity = np.log(1 + count / np.bincount(numbers, minlength=len(buckets)))
    weights = found.weights * rarity[numbers]
    lengths = np.sqrt(np.bincount(found.rows, weights * weights, minlength=count)) + 1e-9
    postings = _postings(numbers, found.rows, (weights / lengths[found.rows]).astype(np.float32), texts=count)
    return GramIndex(buckets, rarity.astype(np.float32), postings)
