"""The words of texts that hold nothing but ASCII, as most support mail does: by a table instead of a pattern."""

from __future__ import annotations

from typing import Final

_BLANKS: Final = str.maketrans({chr(code): " " for code in range(128) if not chr(code).isalnum()})


def ascii_words(text: str) -> list[str]:
    """Return the runs of letters and digits of an ASCII text, in lower case."""
    return text.lower().translate(_BLANKS).split()
