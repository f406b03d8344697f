"""Replace secrets in a text before anything else stores the text.

Secrets are card numbers, identity cards, passports, security codes, passwords and one-time codes (PCI DSS 4.0 3.3 to
3.5). The last four digits of a card stay, because agents and customers need them to identify it; stars replace
everything else.
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
# One character replaces one, so that positions in the narrow text are positions in the original.
_NARROW: Final = str.maketrans(
    "０１２３４５６７８９ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ〇零一二三四五六七八九"
    "ａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ＠＃＿．－",
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ00123456789abcdefghijklmnopqrstuvwxyz@#_.-",
)
_TAG: Final = re.compile(r"<[^<>]{0,2000}>")
# The reader sees a gap at these tags; other tags may stand inside a word.
_DIVIDING: Final = re.compile(
    r"</?(?:p|div|br|td|th|tr|li|h[1-6]|table|ul|ol|dd|dt|hr|blockquote|pre)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Masked:
    """The text without its secrets. kinds: the kinds that were found, each once, in alphabetical order."""

    text: str
    kinds: tuple[str, ...] = ()


def mask(text: str) -> Masked:
    """Replace every secret in a text or a piece of HTML; tags inside a number stay."""
    narrow = text if text.isascii() or not _WIDE.search(text) else text.translate(_NARROW)
    visible = _visible(narrow)
    lowered = fold_case(visible.text)
    if not _DIGIT.search(narrow) and not any(hint in lowered for hint in HINTS):
        return Masked(text)
    found = _without_overlaps([*_numbers(narrow), *visible.originals(find_in_context(lowered))])
    if not found:
        return Masked(text)
    return Masked(_replaced(text, found), tuple(sorted({one.kind for one in found})))


@dataclass(frozen=True, slots=True)
class _Visible:
    """A text as its reader sees it. starts: where its pieces begin; origins: where they begin in the original."""

    text: str
    starts: tuple[int, ...] = ()
    origins: tuple[int, ...] = ()

    def originals(self, found: Iterable[FoundSecret]) -> list[FoundSecret]:
        """Return the same secrets at their positions in the original text."""
        if not self.starts:
            return list(found)
        return [
            FoundSecret(self._origin(one.start), self._origin(one.end - 1) + 1, one.kind, one.shown) for one in found
        ]

    def _origin(self, position: int) -> int:
        piece = bisect_right(self.starts, position) - 1
        return self.origins[piece] + position - self.starts[piece]


def _visible(text: str) -> _Visible:
    if (text.isascii() and "<" not in text and "&" not in text) or not UNSEEN.search(text):
        return _Visible(text)
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
    return _Visible("".join([*pieces, text[at:]]), (*starts, length), (*origins, at))


def _numbers(text: str) -> list[FoundSecret]:
    found = list(find_numbers(text))
    codes = [find_after_card(text, one.end) for one in found if one.kind == "card"]
    return found + [code for code in codes if code]


def _without_overlaps(found: Iterable[FoundSecret]) -> list[FoundSecret]:
    """Join overlapping secrets: the replacement is that of the earliest, and among equal starts of the longest."""
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
