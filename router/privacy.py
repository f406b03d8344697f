"""Masking: what must not be kept is replaced before anything else keeps the text.

Card numbers, identity cards, passports, security codes, passwords and one-time codes (PCI DSS 4.0 3.3 to 3.5).
A card leaves its last four digits, which agents and customers need to speak of it; everything else leaves stars.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from router.privacy_numbers import Found, find_numbers, locate
from router.privacy_words import HINTS, find_in_context

_DIGIT: Final = re.compile(r"\d")
_CARD_TALK: Final = re.compile(
    r"card|visa|master|amex|unionpay|debit|credit|\bpan\b|卡|银联|銀聯|支付宝|账号|帐号|帳號", re.IGNORECASE
)
# A number after these is an order, however much it looks like a card.
_ORDER_TALK: Final = re.compile(
    r"(?:order|transaction|txn|trans|reference|ref|tracking|invoice|receipt|ticket|case|serial|"
    r"订单|訂單|交易|流水|单号|單號|运单|運單|凭证|憑證|商户|商戶)[^\d\n卡]{0,14}$",
    re.IGNORECASE,
)
# Characters that show nothing, and tags: neither divides a number for its reader.
_UNSEEN: Final = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
    r"|<[^<>]{0,2000}>|&(?:shy|zwnj|zwj|#8203|#x200b);",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Masked:
    """The text without its secrets. kinds: what was found, each once, in order of the alphabet."""

    text: str
    kinds: tuple[str, ...] = ()


def mask(text: str) -> Masked:
    """Replace every secret in a text or a piece of HTML; tags inside a number survive."""
    lowered = text.lower()
    hinted = any(hint in lowered for hint in HINTS)
    if not hinted and not _DIGIT.search(text):
        return Masked(text)
    found = _without_overlaps(_find(text, hinted=hinted))
    if not found:
        return Masked(text)
    return Masked(_replaced(text, found), tuple(sorted({one.kind for one in found})))


def _find(text: str, *, hinted: bool) -> list[Found]:
    plain, offsets = _seen(text)
    talk = _CARD_TALK.search(plain) is not None
    numbers = [one for one in find_numbers(plain, cards_are_talked_of=talk) if not _is_order(plain, one)]
    words = list(find_in_context(plain)) if hinted else []
    found = numbers + words
    if offsets is None:
        return found
    return [Found(locate(offsets, one.start), locate(offsets, one.end - 1) + 1, one.kind, one.shown) for one in found]


def _is_order(text: str, one: Found) -> bool:
    if one.kind != "card" or not text[one.start : one.end].isdigit():
        return False
    return _ORDER_TALK.search(text, max(0, one.start - 40), one.start) is not None


def _seen(text: str) -> tuple[str, tuple[list[int], list[int]] | None]:
    """Return the text as its reader sees it, and where its pieces come from; None if nothing is hidden."""
    if text.isascii() and "<" not in text and "&" not in text:
        return text, None
    pieces, shortened, original = [], [], []
    length = at = 0
    for match in _UNSEEN.finditer(text):
        if match.start() > at:
            pieces.append(text[at : match.start()])
            shortened.append(length)
            original.append(at)
            length += match.start() - at
        at = match.end()
    if at == 0:
        return text, None
    pieces.append(text[at:])
    return "".join(pieces), ([*shortened, length], [*original, at])


def _without_overlaps(found: Iterable[Found]) -> list[Found]:
    """Keep the earliest and longest; numbers that prove themselves come first in the list and win a tie."""
    kept: list[Found] = []
    for one in sorted(found, key=lambda one: (one.start, -one.end)):
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
        elif one.end > kept[-1].end:
            last = kept.pop()
            kept.append(Found(last.start, one.end, last.kind, last.shown))
    return kept


def _replaced(text: str, found: list[Found]) -> str:
    pieces, at = [], 0
    for one in found:
        inside = text[one.start : one.end]
        tags = "".join(re.findall(r"<[^<>]{0,2000}>", inside)) if "<" in inside else ""
        pieces += [text[at : one.start], one.shown, tags]
        at = one.end
    return "".join([*pieces, text[at:]])
