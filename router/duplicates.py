"""The same thing said twice: exact by fingerprint, near by comparison, never across different numbers.

The caller compares within one customer's recent messages; texts of two customers are never merged by this module's
word alone, because different people write alike.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from typing import Final

_GREETING: Final = re.compile(
    r"^(?:(?:hi|hello|hey|dear|good\s(?:morning|afternoon|evening|day)|greetings)\b[^\n,，!！.。]{0,30}[,，!！.。\n]|"
    r"(?:你好|您好|亲|大家好|早上好|下午好|晚上好|客服(?:你好|您好)?)[\s,，!！.。~～:：]{0,4})\s*",
    re.IGNORECASE,
)
_CLOSING: Final = re.compile(
    r"\n\s*(?:--\s*\n|(?:best|kind|warm)?\s?regards|best wishes|thanks|thank you|many thanks|cheers|sincerely|yours|"
    r"sent from my|谢谢|謝謝|感谢|感謝|此致|祝好|发自我的|發自我的)[\s\S]{0,300}$",
    re.IGNORECASE,
)
_QUOTED: Final = re.compile(r"^[>＞].*$", re.MULTILINE)
_NOT_WORD: Final = re.compile(r"[\W_]+")
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")
_NEGATION: Final = re.compile(
    r"\b(?:not|no|never|none|nothing|without|cannot|can't|n't)\b|n't\b|n’t\b|不|没|沒|未|无|無|别|別|非"
)
_SIMILAR: Final = 88.0


def canonical(text: str) -> str:
    """Return what is left of a text when greeting, sign-off, quotes, punctuation, case and width are taken off."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    stripped = _CLOSING.sub("", _GREETING.sub("", _QUOTED.sub("", folded).strip()))
    return _NOT_WORD.sub(" ", stripped).strip() or _NOT_WORD.sub(" ", folded).strip()


def fingerprint(text: str) -> str:
    """Return 16 hex digits that are equal for texts which differ in nothing but form."""
    return hashlib.blake2b(canonical(text).replace(" ", "").encode(), digest_size=8).hexdigest()


def same_message(a: str, b: str) -> bool:
    """Tell whether two texts of one customer say the same thing.

    Different numbers or an odd negation always mean no.
    """
    left, right = canonical(a), canonical(b)
    if not left or not right:
        return False
    if left.replace(" ", "") == right.replace(" ", ""):
        return _numbers(a) == _numbers(b)
    if _numbers(a) != _numbers(b) or _negations(a) != _negations(b):
        return False
    return _ratio(left, right) >= _SIMILAR


def _numbers(text: str) -> Counter[str]:
    return Counter(number.replace(",", "") for number in _NUMBER.findall(unicodedata.normalize("NFKC", text)))


def _negations(text: str) -> int:
    return len(_NEGATION.findall(text.casefold()))


def _ratio(left: str, right: str) -> float:
    from rapidfuzz import fuzz  # noqa: PLC0415

    return fuzz.ratio(left, right, score_cutoff=_SIMILAR)
