"""The token that we print in subjects, addresses and Message-IDs: `K7QF2MXD4-9F3A61C20B`, a reference and its proof."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

TOKEN: Final = re.compile(r"\b([0-9A-HJKMNP-TV-Z]{9})-([0-9A-F]{10})\b", re.IGNORECASE)
MOST_TOKENS: Final = 8


def printed_tokens(places: Iterable[str]) -> tuple[str, ...]:
    """Return the tokens in some texts as they are printed, each once, at most `MOST_TOKENS`."""
    found = dict.fromkeys(match[0].upper() for place in places for match in TOKEN.finditer(place))
    return tuple(found)[:MOST_TOKENS]
