"""Which agents a note names: `@name`, as the name is written in the list of agents."""

from __future__ import annotations

import re
from collections.abc import Collection


def names_mentioned(text: str, names: Collection[str]) -> frozenset[str]:
    """Return the names that stand after an `@`, in any case; of two that fit, the longer one.

    A name ends where its letters end: "@Li" is not in "@Lisa". Chinese has no such end: "@李娜请看" names 李娜.
    """
    longest_first = sorted((name for name in names if name), key=len, reverse=True)
    if not longest_first or "@" not in text:
        return frozenset()
    named = "|".join(f"{re.escape(name)}{_end(name)}" for name in longest_first)
    found = {match.group(1).casefold() for match in re.finditer(rf"(?<![A-Za-z0-9_.])@({named})", text, re.IGNORECASE)}
    return frozenset(name for name in names if name.casefold() in found)


def _end(name: str) -> str:
    return r"(?!\w)" if name[-1].isascii() else ""
