"""Find secret numbers that carry a check digit: payment cards (issuer and Luhn) and Chinese identity numbers.

People write them with blanks, in brackets or over two lines, mail programs cut them with tags, and addresses escape
them. So this module reads digits in groups and joins neighbouring groups where a person would read them as one number.
The work for each group is bounded, and nearly all groups are rejected by their first four digits.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Final

from router.masking.check_digits import (
    CARD_LENGTHS,
    LuhnSums,
    is_card,
    is_identity_number,
    may_be_identity_number,
)
from router.masking.visible_text import INVISIBLE, UNSEEN, FoundSecret

SHORTEST: Final = 13
"""No secret number has fewer digits."""
_LONGEST: Final = 19
# The last of the eighteen characters may be an X, which is not a digit.
_ID_LENGTHS: Final = frozenset({17, 18})
_NO_LENGTHS: Final[frozenset[int]] = frozenset()

# Possessive, because a mail may hold a megabyte of blanks between two digits (so that the search stays linear).
_HIDDEN: Final = re.compile(rf"(?:{UNSEEN})*+", re.IGNORECASE)
_CHECK_X: Final = re.compile(rf"(?:{UNSEEN})*+[\s\-]?x(?![a-z])", re.IGNORECASE)
# The separators that people write inside one number; a line break may carry the quote marks of mail.
_GAP: Final = r"\s\-\u2010-\u2015\u2212._·•/\\|,，、:：;；~*+>()（）\[\]【】{}「」\"'“”‘’"
# As HTML and addresses write such a separator.
_ESCAPED: Final = r"&(?:nbsp|gt|lt|amp|quot|ensp|emsp|thinsp|\#x?[0-9a-f]{1,6});|%(?:20|2[bcdef]|c2%a0|0[9ad]|3a|5f)"
_REGION: Final = re.compile(rf"\d(?:[{_GAP}{INVISIBLE}]*+\d){{12,}}")
_REGION_OF_HTML: Final = re.compile(rf"\d(?:(?:[{_GAP}]|{_ESCAPED}|{UNSEEN})*+\d){{12,}}", re.IGNORECASE)
_LINE_BREAK: Final = re.compile(r"\n|\s(?:>|&gt;)")
_DIGITS: Final = re.compile(r"\d+")
_STEP: Final = re.compile(rf"<[^<>]{{0,2000}}>|{_ESCAPED}|\d+", re.IGNORECASE)
# "SF4177961188085" is a parcel number; "card4111..." is a card, and so is "%B4111..." on a card's stripe.
_LETTERS_BEFORE: Final = re.compile(
    r"(?<![a-z])(?!no$|nr$|pan$)(?<!%)(?![a-z]{0,8}(?:card|visa|master|amex))[a-z]{1,8}$", re.IGNORECASE
)

_CARD_TALK: Final = ("card", "visa", "master", "amex", "unionpay", "debit", "credit", "卡", "银联", "銀聯")
# A number after one of these words is a card even if its check digit is wrong: people mistype.
_CARD_LABEL: Final = re.compile(
    r"(?:card\s?(?:number|no\.?|num|\#)?|卡号|卡號|卡號碼|卡号码|银行卡|銀行卡|信用卡|储蓄卡|借记卡)"
    rf"(?:(?:\s|is\b|was\b|[:：=#(（\"'“【是为為]|{UNSEEN}){{0,24}}+)(?=\d)",
    re.IGNORECASE,
)
# A number without separators after one of these words is an order number, even if it looks like a card.
_ORDER_LABEL: Final = re.compile(
    r"(?:order|transaction|txn|trans|reference|ref|tracking|invoice|receipt|ticket|case|serial|"
    r"订单|訂單|交易|流水|单|單|凭证|憑證|编|編)"
    r"(?:\s|no\b|number|num|id\b|code|is\b|was\b|[.:：=#(（\"'“【\[<「『是为為号號码碼])*$",
    re.IGNORECASE,
)
_LABEL_WORD: Final = re.compile(r"card|[卡银銀]", re.IGNORECASE)
# The month and year of expiry that people write directly after a card's number, and its security code after them.
_GLUED: Final = re.compile(r"(?:(?:0[1-9]|1[0-2])(?:20)?[2-4]\d|[2-4]\d(?:0[1-9]|1[0-2]))(?:\d{3,4})?")
_GLUED_LENGTHS: Final = range(4, 11)

# "4111, then 1111, then 1111 and 1111", "c1=4111&c2=1111&...": groups of a card with words between them.
_BETWEEN: Final = r"(?:[^\d\n]|(?<=[a-z_\[])\d{1,2}(?=\]?=)){1,24}?"
# It begins with a class, so that the engine can jump to the digits.
_SPOKEN: Final = re.compile(
    rf"([2-68]\d{{3}})(?<!\d.{{4}})({_BETWEEN})"
    rf"(?:(\d{{4}})({_BETWEEN})(\d{{4}})({_BETWEEN})(\d{{4}})|(\d{{6}})({_BETWEEN})(\d{{5}}))(?!\d)",
    re.IGNORECASE,
)
# What people say when they read a number out.
_JOINING: Final = re.compile(
    r"(?:[\s,，.。;；:：、…]|and|then|next|dash|hyphen|space|blank|followed|by|after|that|再|然后|然後|接着|后|後|和|跟|杠|空格|横)+",
    re.IGNORECASE,
)
# These stand between amounts.
_MONEY: Final = re.compile(
    r"[¥￥$€£%]|元|块|塊|币|幣|rmb|cny|usd|hkd|eur|gbp|yuan|dollar|pound|balance|amount|total|paid|fee|年|月|日|分",
    re.IGNORECASE,
)
_LETTER: Final = re.compile(r"[^\W\d_]")


def find_numbers(text: str) -> Iterator[FoundSecret]:
    """Yield the cards and identity numbers of a text or a piece of HTML; those with words inside may overlap others.

    text: narrow (`visible_text.narrow`).
    """
    marked = "<" in text or "&" in text or "%" in text
    named = {match.end() for match in _CARD_LABEL.finditer(text)} if _LABEL_WORD.search(text) else ()
    for region in (_REGION_OF_HTML if marked else _REGION).finditer(text):
        for groups in _groups(region) if marked else [_spans(_DIGITS, region)]:
            yield from _Run(text, groups, named).secrets()
    yield from _spoken(text)


def _spans(pattern: re.Pattern[str], region: re.Match[str]) -> list[tuple[int, int]]:
    return [match.span() for match in pattern.finditer(region.string, region.start(), region.end())]


def _groups(region: re.Match[str]) -> Iterator[list[tuple[int, int]]]:
    """Yield the groups that a reader sees next to each other; digits in a tag's attributes are separate runs."""
    text = region.string
    seen: list[tuple[int, int]] = []
    for start, end in _spans(_STEP, region):
        if text[start] == "<":
            if end - start > SHORTEST:
                yield from ([inside.span()] for inside in _DIGITS.finditer(text, start, end) if _may_hold(inside))
        elif text[start] not in "&%":
            seen.append((start, end))
    yield seen


def _may_hold(digits: re.Match[str]) -> bool:
    return digits.end() - digits.start() >= SHORTEST


class _Run:
    """Groups of digits that stand next to each other. named: where numbers begin that a word calls a card's."""

    def __init__(self, text: str, groups: Sequence[tuple[int, int]], named: Container[int]) -> None:
        self._text, self._groups, self._named = text, groups, named
        pieces = [text[start:end] for start, end in groups]
        self._digits = "".join(pieces)
        # Where each group begins among the digits, and where the last one ends.
        self._offsets = [*accumulate(map(len, pieces), initial=0)]
        self._sums: LuhnSums | None = None

    def secrets(self) -> Iterator[FoundSecret]:
        """Yield the secrets from left to right, without overlaps."""
        at, last = 0, len(self._digits) - SHORTEST
        while at < len(self._groups) and self._offsets[at] <= last:
            found, used = self._longest_from(at)
            if found:
                yield found
            at += used

    def _longest_from(self, at: int) -> tuple[FoundSecret | None, int]:
        """Return the longest secret that starts with a group, and how many groups it spans."""
        best: tuple[FoundSecret | None, int] = (None, 1)
        offset = self._offsets[at]
        # A text may consist of digits only: the prefix excludes nearly all candidates at low cost.
        lengths = CARD_LENGTHS.get(self._digits[offset : offset + 4], _NO_LENGTHS)
        if may_be_identity_number(self._digits[offset : offset + 8]):
            lengths |= _ID_LENGTHS
        named = self._groups[at][0] in self._named
        if not named and not lengths:
            return best
        for end in range(at + 1, len(self._offsets)):
            length = self._offsets[end] - offset
            if length > _LONGEST:
                break
            if length >= SHORTEST and (named or length in lengths):
                found = self._judge(at, end, named=named)
                best = (found, end - at) if found else best
        return best if best[0] else (self._with_expiry(at, lengths), 1)

    def _judge(self, at: int, end: int, *, named: bool) -> FoundSecret | None:
        start, stop = self._groups[at][0], self._groups[end - 1][1]
        first, last = self._offsets[at], self._offsets[end]
        digits = self._digits[first:last]
        if last - first == 17 and (found := self._with_check_x(digits, start, stop)):
            return found
        if last - first == 18 and is_identity_number(digits):
            return FoundSecret(start, stop, "id_card", "****")
        is_ours = last - first in CARD_LENGTHS.get(digits[:4], _NO_LENGTHS) and self._passes_luhn(first, last)
        if (named and self._reads_as_one(at, end)) or (is_ours and self._is_card_here(at, end)):
            return FoundSecret(start, stop, "card", f"**** {digits[-4:]}")
        return None

    def _with_check_x(self, digits: str, start: int, stop: int) -> FoundSecret | None:
        last = _CHECK_X.match(self._text, stop) if is_identity_number(f"{digits}X") else None
        return FoundSecret(start, last.end(), "id_card", "****") if last else None

    def _with_expiry(self, at: int, lengths: frozenset[int]) -> FoundSecret | None:
        """Return the card at the start of a solid number that goes on with a date of expiry."""
        start, stop = self._groups[at]
        if stop - start <= SHORTEST:
            return None
        first = self._offsets[at]
        for length in sorted(lengths, reverse=True):
            rest = stop - start - length
            if rest not in _GLUED_LENGTHS or not _GLUED.fullmatch(self._text, start + length, stop):
                continue
            if self._passes_luhn(first, first + length) and not is_named_otherwise(self._text, start):
                return FoundSecret(start, stop, "card", f"**** {self._text[start + length - 4 : start + length]}")
        return None

    def _passes_luhn(self, first: int, last: int) -> bool:
        self._sums = self._sums or LuhnSums(self._digits)
        return self._sums.passes(first, last)

    def _is_card_here(self, at: int, end: int) -> bool:
        start, stop = self._groups[at][0], self._groups[end - 1][1]
        if end == at + 1:
            # UnionPay's prefix 62 is rare among order numbers and common among our cards: mask it after any word.
            return self._text.startswith("62", start) or not is_named_otherwise(self._text, start)
        return self._reads_as_one(at, end) or _is_about_cards(self._text, start, stop)

    def _reads_as_one(self, at: int, end: int) -> bool:
        """Return whether a person would read the groups as one number."""
        groups = self._groups[at:end]
        sizes = _Sizes.of(self._text, groups, broken_lines=False)
        return sizes.are_usual or _Sizes.of(self._text, groups, broken_lines=True).are_usual


def _is_about_cards(text: str, start: int, stop: int) -> bool:
    around = text[max(0, start - 80) : stop + 40].lower()
    return any(word in around for word in _CARD_TALK)


def is_named_otherwise(text: str, start: int) -> bool:
    """Return whether the words before a number without separators, or letters joined to it, name it an order."""
    if text[start - 1 : start].isalpha() and text[start - 1 : start].isascii():
        return _LETTERS_BEFORE.search(text, max(0, start - 12), start) is not None
    return _ORDER_LABEL.search(text, max(0, start - 32), start) is not None


@dataclass(frozen=True, slots=True)
class _Sizes:
    """How many digits each visible group of a number has, and what stands between the groups."""

    sizes: Sequence[int]
    gaps: frozenset[str]

    @classmethod
    def of(cls, text: str, groups: Sequence[tuple[int, int]], *, broken_lines: bool) -> _Sizes:
        """Read groups. broken_lines: ignore line breaks, and quote marks whose line break became a blank."""
        sizes = [groups[0][1] - groups[0][0]]
        gaps: set[str] = set()
        for (_, left), (start, end) in pairwise(groups):
            gap = text[left:start]
            if _HIDDEN.fullmatch(gap) or (broken_lines and _LINE_BREAK.search(gap)):
                sizes[-1] += end - start
            else:
                sizes.append(end - start)
                gaps.add("".join(gap.split()))
        return cls(sizes, frozenset(gaps))

    @property
    def are_usual(self) -> bool:
        """Whether cards are written so: solid, in fours, 4-6-5, after six; or one separator after each digit or two.

        Times and amounts have two digits as well, but not the same separator throughout.
        """
        sizes = self.sizes
        if len(sizes) == 1 or list(sizes[:2]) == [4, 6] or sizes[0] == 6:
            return True
        even = len(set(sizes[:-1])) == 1 and sizes[-1] <= 7
        return even and (sizes[0] == 4 or (len(sizes) >= 6 and len(self.gaps) == 1))


def _spoken(text: str) -> Iterator[FoundSecret]:
    """Yield the cards whose groups have words between them."""
    for match in _SPOKEN.finditer(text):
        parts = [part for part in match.groups() if part is not None]
        digits, gaps = "".join(parts[0::2]), parts[1::2]
        # Without a letter between them, they are groups of a run.
        if not _LETTER.search("".join(gaps)) or not is_card(digits) or any(map(_MONEY.search, gaps)):
            continue
        if _is_about_cards(text, *match.span()) or _are_alike(gaps) or all(map(_JOINING.fullmatch, gaps)):
            yield FoundSecret(*match.span(), "card", f"**** {digits[-4:]}")


def _are_alike(gaps: Sequence[str]) -> bool:
    """Return whether the same stands in each gap, but for a number."""
    return len({re.sub(r"\d", "", gap) for gap in gaps}) == 1
