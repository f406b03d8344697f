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
