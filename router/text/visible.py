"""Whether a text shows anything at all."""

from __future__ import annotations

import unicodedata
from typing import Final

# Letters and signs that are drawn as nothing: Hangul fillers, the empty Braille cell, the object placeholder.
_BLANK: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800\ufffc\U0001d159")


def is_visible(text: str) -> bool:
    """Return whether the text has a character that a reader sees.

    Blanks of any width, control and format characters, and marks without a character below them show nothing.
    """
    return any(unicodedata.category(each)[0] not in "ZCM" and each not in _BLANK for each in text)


# Marks above and below one character that any script uses; more of them cover the lines around it.
_MOST_MARKS: Final = 6
_OVERRIDES: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def tame(text: str) -> str:
    """Return the text without what would garble the page around it: control characters, overrides, towers of marks."""
    kept: list[str] = []
    marks = 0
    for each in text:
        category = unicodedata.category(each)
        marks = marks + 1 if category[0] == "M" else 0
        is_control = category == "Cc" and each not in "\n\t"
        if marks <= _MOST_MARKS and not is_control and each not in _OVERRIDES:
            kept.append(each)
    return "".join(kept)
