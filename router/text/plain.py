"""A text in the plain form that the operator's words are compared with."""

from __future__ import annotations

import unicodedata


def fold(text: str) -> str:
    """Return the text in the form that rules compare: NFKC, case folded, single blanks."""
    normal = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return " ".join(normal.casefold().split())
