"""Whether what an agent sent was drafted by a model: most of one is in the other."""

from __future__ import annotations

from typing import Final

from rapidfuzz import fuzz

from router.text.chinese_script import fold_case

# Of 100: an agent who keeps two sentences of three is above it, two answers about the same matter are below.
_ENOUGH: Final = 80.0
# Shorter texts are courtesies, which resemble each other.
_SHORTEST: Final = 12


def was_drafted(sent: str, draft: str) -> bool:
    """Return whether a text that was sent has most of a draft, or is most of it."""
    first, second = ("".join(fold_case(each).split()) for each in (sent, draft))
    if min(len(first), len(second)) < _SHORTEST:
        return False
    # The shorter one is looked for in the longer one.
    return fuzz.partial_ratio(first, second, score_cutoff=_ENOUGH) >= _ENOUGH
