"""Group questions that resemble each other, so that an author sees what is asked often."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from router.answers.index import encode
from router.answers.postings import index_grams
from router.classify.encoder import Encoder

# Measured on nothing but looks: a group too many is read in a second, a wrong one hides a question.
_ALIKE_GRAMS: Final = 0.45
_ALIKE_MEANING: Final = 0.72


def group_questions(texts: Sequence[str], *, encoder: Encoder | None = None) -> list[list[int]]:
    """Return groups of places in `texts`, the largest first; each begins with its first text.

    encoder: compares meanings; without it, n-grams are compared.
    """
    groups: list[list[int]] = []
    if not texts:
        return groups
    vectors = encode(encoder, texts) if encoder else None
    grams = index_grams(texts)
    for place, text in enumerate(texts):
        scores = vectors @ vectors[place] if vectors is not None else grams.scores(text)
        limit = _ALIKE_MEANING if vectors is not None else _ALIKE_GRAMS
        near = max(groups, key=lambda group: float(scores[group[0]]), default=None)
        if near is not None and float(scores[near[0]]) >= limit:
            near.append(place)
        else:
            groups.append([place])
    return sorted(groups, key=len, reverse=True)
