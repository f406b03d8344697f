"""Find secret numbers that carry a check digit: payment cards (issuer and Luhn) and Chinese identity numbers.

People write them with blanks, in full width or over two lines, and mail programs cut them with tags. So this module
reads digits in groups and joins neighbouring groups where a person would read them as one number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final

# First four digits -> allowed lengths (ISO/IEC 7812-1; ranges as the schemes publish them). UnionPay is 62 and 81;
# Chinese banks' older cards begin with 955 and 9558, or are Visa numbers of 19 digits.
_ISSUERS: Final[tuple[tuple[int, int, frozenset[int]], ...]] = (
    (4000, 4999, frozenset({13, 16, 19})),
    (5100, 5599, frozenset({16})),
    (2221, 2720, frozenset({16})),
    (3400, 3499, frozenset({15})),
    (3700, 3799, frozenset({15})),
    (6200, 6299, frozenset({16, 17, 18, 19})),
    (8100, 8171, frozenset({16, 17, 18, 19})),
    (6011, 6011, frozenset({16, 19})),
    (6013, 6013, frozenset({16, 19})),
    (6440, 6599, frozenset({16, 19})),
    (3528, 3589, frozenset({16, 19})),
    (3000, 3059, frozenset({14, 16})),
    (3095, 3095, frozenset({14, 16})),
    (3600, 3699, frozenset({14, 16})),
    (3800, 3999, frozenset({14, 16})),
    (2200, 2204, frozenset({16, 17, 18, 19})),
    (9555, 9559, frozenset({16, 19})),
    (9792, 9792, frozenset({16})),
    (5018, 5018, frozenset(range(13, 20))),
    (5020, 5020, frozenset(range(13, 20))),
    (5038, 5038, frozenset(range(13, 20))),
    (5893, 5893, frozenset(range(13, 20))),
    (6304, 6304, frozenset(range(13, 20))),
    (6759, 6763, frozenset(range(13, 20))),
)
_LENGTHS: Final = {f"{head}": lengths for low, high, lengths in _ISSUERS for head in range(low, high + 1)}
_SHORTEST, _LONGEST = 13, 19

# The first two digits of an identity number name a province (GB/T 2260).
_PROVINCES: Final = frozenset(
    f"{tens}{ones}"
    for tens, last in ((1, 5), (2, 3), (3, 7), (4, 6), (5, 4), (6, 5), (7, 1), (8, 3))
    for ones in range(last + 1)
)
# The last of the eighteen characters may be an X, which is not a digit.
_ID_LENGTHS: Final = frozenset({17, 18})
_ID_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)

_UNSEEN: Final = (
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
    r"|<[^<>]{0,2000}>|&(?:shy|zwnj|zwj|\#8203|\#x200b);"
)
UNSEEN: Final = re.compile(_UNSEEN, re.IGNORECASE)
"""Invisible characters and tags: the reader sees no gap in the number."""

# Possessive, because a mail may hold a megabyte of blanks between two digits (linear, T35).
_HIDDEN: Final = re.compile(rf"(?:{_UNSEEN})*+", re.IGNORECASE)
_CHECK_X: Final = re.compile(rf"(?:{_UNSEEN})*+[\s\-]?x(?![a-z])", re.IGNORECASE)
# The separators that people write inside one number; a line break may carry the quote marks of mail.
_GAP: Final = r"\s\-\u2010-\u2015\u2212._·•/|,，、~*+>"
_REGION: Final = re.compile(rf"\d(?:[{_GAP}\u00ad\u034f\u200b-\u200f\u2060-\u206f\ufe0f\ufeff]*+\d){{12,}}")
_REGION_OF_HTML: Final = re.compile(rf"\d(?:(?:[{_GAP}]|&nbsp;|&gt;|&\#160;|{_UNSEEN})*+\d){{12,}}", re.IGNORECASE)
_DIGITS: Final = re.compile(r"\d+")
_DIGITS_OR_TAG: Final = re.compile(r"\d+|<[^<>]{0,2000}>")
# "SF4177961188085" is a parcel number; "card4111..." is a card.
_LETTERS_BEFORE: Final = re.compile(
    r"(?<![a-z])(?!no$|nr$|pan$)(?![a-z]{0,8}(?:card|visa|master|amex))[a-z]{1,8}$", re.IGNORECASE
)
_DOUBLED: Final = str.maketrans("0123456789", "0246813579")

_CARD_TALK: Final = ("card", "visa", "master", "amex", "unionpay", "debit", "credit", "卡", "银联", "銀聯")
# A number after one of these words is a card even if its check digit is wrong: people mistype.
_CARD_LABEL: Final = re.compile(
    r"(?:card\s?(?:number|no\.?|num|\#)?|卡号|卡號|卡號碼|卡号码|银行卡|銀行卡|信用卡|储蓄卡|借记卡)"
    r"(?:\s|is|was|[:：=#(（\"'“【是为為])*$",
    re.IGNORECASE,
)
# A number without separators after one of these words is an order number, even if it looks like a card.
_ORDER_LABEL: Final = re.compile(
    r"(?:order|transaction|txn|trans|reference|ref|tracking|invoice|receipt|ticket|case|serial|"
    r"订单|訂單|交易|流水|单|單|凭证|憑證|编|編)"
    r"(?:\s|no\b|number|num|id\b|code|is\b|was\b|[.:：=#(（\"'“【是为為号號码碼])*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class FoundSecret:
    """One secret at text[start:end], and the text that replaces it."""

    start: int
    end: int
    kind: str
    shown: str


@dataclass(frozen=True, slots=True)
class _Group:
    start: int
    end: int
    digits: str


def passes_luhn(digits: str) -> bool:
    """Return whether the last digit is the check digit of the others (ISO/IEC 7812-1 annex B)."""
    return (sum(map(int, digits[::-2])) + sum(map(int, digits[-2::-2].translate(_DOUBLED)))) % 10 == 0


def is_card(digits: str) -> bool:
    """Return whether an issuer uses such a number: prefix, length and check digit."""
    return len(digits) in _LENGTHS.get(digits[:4], ()) and passes_luhn(digits)


def is_identity_number(number: str) -> bool:
    """Return whether it is a Chinese resident's number: province, birthday and check character (GB 11643-1999)."""
    if len(number) != 18 or number[:2] not in _PROVINCES or not _is_day(number[6:14]):
        return False
    weighed = sum(weight * int(digit) for weight, digit in zip(_ID_WEIGHTS, number[:17], strict=True))
    return "10X98765432"[weighed % 11] == number[17].upper()


def find_numbers(text: str) -> Iterator[FoundSecret]:
    """Yield the cards and identity numbers of a text or a piece of HTML, left to right, without overlaps."""
    marked = "<" in text or "&" in text
    for region in (_REGION_OF_HTML if marked else _REGION).finditer(text):
        for groups in _groups(region):
            yield from _among(text, groups)


def _groups(region: re.Match[str]) -> Iterator[list[_Group]]:
    """Yield the groups that a reader sees next to each other; digits in a tag's attributes are separate runs."""
    seen: list[_Group] = []
    for match in _DIGITS_OR_TAG.finditer(region.string, region.start(), region.end()):
        if match[0][0] != "<":
            seen.append(_group(match))
            continue
        for inside in _DIGITS.finditer(region.string, match.start(), match.end()):
            yield [_group(inside)]
    yield seen


def _group(match: re.Match[str]) -> _Group:
    digits = match[0]
    plain = digits if digits.isascii() else "".join(str(int(digit)) for digit in digits)
    return _Group(match.start(), match.end(), plain)


def _among(text: str, groups: Sequence[_Group]) -> Iterator[FoundSecret]:
    digits = "".join(group.digits for group in groups)
    at = passed = 0
    while at < len(groups):
        found, used = _longest_from(text, groups[at : at + _LONGEST], ahead=digits[passed : passed + _LONGEST])
        if found:
            yield found
        passed += sum(len(group.digits) for group in groups[at : at + used])
        at += used


def _is_day(digits: str) -> bool:
    try:
        return 1900 <= date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).year <= 2100
    except ValueError:
        return False


def _longest_from(text: str, groups: Sequence[_Group], *, ahead: str) -> tuple[FoundSecret | None, int]:
    """Return the longest secret that starts with the first group, and how many groups it spans.

    ahead: the following digits, as many as the longest number has.
    """
    best: tuple[FoundSecret | None, int] = (None, 1)
    if len(ahead) < _SHORTEST:
        return best
    start = groups[0].start
    named = _CARD_LABEL.search(text, max(0, start - 24), start) is not None
    # A text may consist of digits only: the prefix excludes nearly all candidates at low cost.
    lengths = _LENGTHS.get(ahead[:4], frozenset()) | (_ID_LENGTHS if ahead[:2] in _PROVINCES else frozenset())
    if not named and not lengths:
        return best
    for count, length in _windows(groups):
        if named or length in lengths:
            found = _judge(text, groups[:count], ahead[:length], named=named)
            best = (found, count) if found else best
    return best


def _windows(groups: Sequence[_Group]) -> Iterator[tuple[int, int]]:
    """Yield how many groups, from the first on, make a number of a card's length, and that length."""
    length = 0
    for count, group in enumerate(groups, start=1):
        length += len(group.digits)
        if length > _LONGEST:
            return
        if length >= _SHORTEST:
            yield count, length


def _judge(text: str, groups: Sequence[_Group], digits: str, *, named: bool) -> FoundSecret | None:
    start, end = groups[0].start, groups[-1].end
    if len(digits) == 17 and is_identity_number(digits + "X") and (last := _CHECK_X.match(text, end)):
        return FoundSecret(start, last.end(), "id_card", "****")
    if len(digits) == 18 and is_identity_number(digits):
        return FoundSecret(start, end, "id_card", "****")
    if named and _reads_as_one(text, groups):
        return FoundSecret(start, end, "card", f"**** {digits[-4:]}")
    if is_card(digits) and _is_card_here(text, groups):
        return FoundSecret(start, end, "card", f"**** {digits[-4:]}")
    return None


def _is_card_here(text: str, groups: Sequence[_Group]) -> bool:
    start, end = groups[0].start, groups[-1].end
    if len(groups) == 1:
        # UnionPay's prefix 62 is rare among order numbers and common among our cards: mask it after any word.
        return groups[0].digits.startswith("62") or not _is_named_otherwise(text, start)
    around = text[max(0, start - 80) : end + 40].lower()
    return _reads_as_one(text, groups) or any(word in around for word in _CARD_TALK)


def _is_named_otherwise(text: str, start: int) -> bool:
    """Return whether the words before a number without separators, or letters joined to it, name it an order."""
    if text[start - 1 : start].isalpha() and text[start - 1 : start].isascii():
        return _LETTERS_BEFORE.search(text, max(0, start - 12), start) is not None
    return _ORDER_LABEL.search(text, max(0, start - 32), start) is not None


def _reads_as_one(text: str, groups: Sequence[_Group]) -> bool:
    """Return whether a person would read the groups as one number."""
    sizes = _sizes(text, groups, broken_lines=False)
    return _is_usual(sizes) or _is_usual(_sizes(text, groups, broken_lines=True))


def _is_usual(sizes: Sequence[int]) -> bool:
    """Return whether cards are written so: solid, in fours, 4-6-5, after six; or separated after every digit or two."""
    if len(sizes) == 1 or list(sizes[:2]) == [4, 6] or sizes[0] == 6:
        return True
    even = len(set(sizes[:-1])) == 1 and sizes[-1] <= 7
    return even and (sizes[0] == 4 or len(sizes) >= 6)


def _sizes(text: str, groups: Sequence[_Group], *, broken_lines: bool) -> list[int]:
    """Return the number of digits in each visible group. broken_lines: ignore line breaks."""
    sizes = [len(groups[0].digits)]
    for left, right in pairwise(groups):
        gap = text[left.end : right.start]
        hidden = _HIDDEN.fullmatch(gap) is not None or (broken_lines and "\n" in gap)
        if hidden:
            sizes[-1] += len(right.digits)
        else:
            sizes.append(len(right.digits))
    return sizes
