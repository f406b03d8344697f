"""Masking: what must not be kept is replaced before anything else keeps the text.

Card numbers, identity cards, passports, security codes, passwords and one-time codes (PCI DSS 4.0 3.3 to 3.5).
A card leaves its last four digits, which agents and customers need to speak of it; everything else leaves stars.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from router.masking.cards_and_ids import UNSEEN, FoundSecret, find_numbers
from router.masking.passwords_and_codes import HINTS, find_after_card, find_in_context
from router.text.chinese_script import fold_case

_DIGIT: Final = re.compile(r"\d")
_WIDE: Final = re.compile(r"[０-９Ａ-Ｚａ-ｚ]|[〇零一二三四五六七八九]{4}")
# One character for one, so that what is found in the narrow text lies at the same place in the other.
_NARROW: Final = str.maketrans(
    "０１２３４５６７８９ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ〇零一二三四五六七八九"
    "ａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ＠＃＿．－",
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ00123456789abcdefghijklmnopqrstuvwxyz@#_.-",
)
_TAG: Final = re.compile(r"<[^<>]{0,2000}>")
# These tags part words for the reader; the others stand inside words.
_DIVIDING: Final = re.compile(
    r"</?(?:p|div|br|td|th|tr|li|h[1-6]|table|ul|ol|dd|dt|hr|blockquote|pre)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Masked:
    """The text without its secrets. kinds: what was found, each once, in order of the alphabet."""

    text: str
    kinds: tuple[str, ...] = ()


def mask(text: str) -> Masked:
    """Replace every secret in a text or a piece of HTML; tags inside a number survive."""
    narrow = text if text.isascii() or not _WIDE.search(text) else text.translate(_NARROW)
    seen = _seen(narrow)
    lowered = fold_case(seen.text)
    if not _DIGIT.search(narrow) and not any(hint in lowered for hint in HINTS):
        return Masked(text)
    found = _without_overlaps([*_numbers(narrow), *seen.originals(find_in_context(lowered))])
    if not found:
        return Masked(text)
    return Masked(_replaced(text, found), tuple(sorted({one.kind for one in found})))


@dataclass(frozen=True, slots=True)
class _Seen:
    """A text as its reader sees it. starts: where its pieces begin; origins: where they came from."""

    text: str
    starts: tuple[int, ...] = ()
    origins: tuple[int, ...] = ()

    def originals(self, found: Iterable[FoundSecret]) -> list[FoundSecret]:
        """Return the same finds at their places in the original text."""
        if not self.starts:
            return list(found)
        return [
            FoundSecret(self._origin(one.start), self._origin(one.end - 1) + 1, one.kind, one.shown) for one in found
        ]

    def _origin(self, position: int) -> int:
        piece = bisect_right(self.starts, position) - 1
        return self.origins[piece] + position - self.starts[piece]


def _seen(text: str) -> _Seen:
    if (text.isascii() and "<" not in text and "&" not in text) or not UNSEEN.search(text):
        return _Seen(text)
    pieces, starts, origins = [], [], []
    length = at = 0
    for match in UNSEEN.finditer(text):
        piece = text[at : match.start()] + (" " if _DIVIDING.match(match[0]) else "")
        if piece:
            pieces.append(piece)
            starts.append(length)
            origins.append(at)
            length += len(piece)
        at = match.end()
    return _Seen("".join([*pieces, text[at:]]), (*starts, length), (*origins, at))


def _numbers(text: str) -> list[FoundSecret]:
    found = list(find_numbers(text))
    codes = [find_after_card(text, one.end) for one in found if one.kind == "card"]
    return found + [code for code in codes if code]


def _without_overlaps(found: Iterable[FoundSecret]) -> list[FoundSecret]:
    """Join what overlaps: the earliest says what is shown; where two begin together, the longest does."""
    kept: list[FoundSecret] = []
    for one in sorted(found, key=lambda one: (one.start, -one.end)):
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
        elif one.end > kept[-1].end:
            first = kept.pop()
            kept.append(FoundSecret(first.start, one.end, first.kind, first.shown))
    return kept


def _replaced(text: str, found: Iterable[FoundSecret]) -> str:
    pieces, at = [], 0
    for one in found:
        tags = _TAG.findall(text, one.start, one.end)
        pieces += [text[at : one.start], one.shown, *tags]
        at = one.end
    return "".join([*pieces, text[at:]])
