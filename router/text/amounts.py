"""Amounts of money in any writing, as one index word: 1,200.00, ￥1200, 1200元 and 0.12万 are the same."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import Final

# Letters and digits alone, as every index word; no text has such a word.
_WORD: Final = "zamt{cents}"
_NUMBER: Final = r"(?:\d{1,3}(?:,\d{3})+|\d{1,12})(?:\.\d{1,2})?"
# The same, but a digit is looked for first and what stands before it after that: the engine can jump to digits.
_IN_TEXT: Final = re.compile(r"\d(?<![\d.,]\d)(?:\d{0,2}(?:,\d{3})+|\d{0,11})(?:\.\d{1,2})?(?!\d)(?:\s?(万|千))?")
_SIGN: Final = r"[¥$€£₩]|rmb|cny|usd|eur|gbp|hkd|jpy|us\$|hk\$"
_UNIT: Final = rf"元|块|圆|yuan|dollars?|euros?|{_SIGN}"
_QUERY: Final = re.compile(rf"(?:{_SIGN})?\s?({_NUMBER})\s?(万|千)?\s?(?:{_UNIT})?", re.IGNORECASE)
_TIMES: Final = {"": 1, "千": 1_000, "万": 10_000}
# A long log has thousands of numbers, which no agent searches for.
_MOST: Final = 50


def amount_words(text: str) -> set[str]:
    """Return the index words of the numbers in a text without differences of width."""
    found: set[str] = set()
    for match in _IN_TEXT.finditer(text):
        number = match.group().rstrip("万千 ")
        found.add(_word(number, match.group(1) or ""))
        if len(found) >= _MOST:
            break
    return found


def written_amounts(text: str, word: str) -> set[str]:
    """Return how the amount with this index word stands in the text, without differences of width."""
    folded = unicodedata.normalize("NFKC", text)
    found = ((match.group().rstrip("万千 "), match.group(1) or "") for match in _IN_TEXT.finditer(folded))
    return {number for number, times in found if _word(number, times) == word}


def read_amount(query: str) -> str | None:
    """Return the index word of a query that is an amount, alone or with its currency; None for any other query."""
    match = _QUERY.fullmatch(unicodedata.normalize("NFKC", query).strip())
    return _word(match.group(1), match.group(2) or "") if match else None


def _word(number: str, times: str) -> str:
    cents = int(Decimal(number.replace(",", "")) * 100 * _TIMES[times])
    return _WORD.format(cents=cents)
