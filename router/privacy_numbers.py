"""Secret numbers that prove themselves: payment cards by issuer and Luhn, Chinese identity numbers by checksum.

People write them with blanks, in full width, over two lines, and mail programs cut them with tags. So digits are
read in groups, and neighbouring groups are tried together as far as a person would read them as one number.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final

# Issuer prefix -> allowed lengths. ISO/IEC 7812-1; ranges as the schemes publish them. UnionPay is 62 and 81;
# 9558 and 9555 are old cards of Chinese banks, 4 with 19 digits is theirs too.
_ISSUERS: Final[tuple[tuple[int, int, frozenset[int]], ...]] = (
    (4000, 4999, frozenset({13, 16, 19})),
    (5100, 5599, frozenset({16})),
    (2221, 2720, frozenset({16})),
    (3400, 3499, frozenset({15})),
    (3700, 3799, frozenset({15})),
    (6200, 6299, frozenset({16, 17, 18, 19})),
    (8100, 8171, frozenset({16, 17, 18, 19})),
    (6011, 6011, frozenset({16, 17, 18, 19})),
    (6013, 6013, frozenset({16, 19})),
    (6440, 6599, frozenset({16, 17, 18, 19})),
    (3528, 3589, frozenset({16, 17, 18, 19})),
    (3000, 3059, frozenset({14, 16, 19})),
    (3095, 3095, frozenset({14, 16, 19})),
    (3600, 3699, frozenset({14, 16, 19})),
    (3800, 3999, frozenset({14, 16, 19})),
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
_SHORTEST, _LONGEST = 13, 19

# GB/T 2260: the first two digits of an identity number name a province.
_PROVINCES: Final = frozenset(
    map(
        str,
        (
            *range(11, 16),
            *range(21, 24),
            *range(31, 38),
            *range(41, 47),
            *range(50, 55),
            *range(61, 66),
            71,
            81,
            82,
            83,
        ),
    )
)
_ID_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)

_GROUP: Final = re.compile(r"\d+")
# What people put between the parts of one number; a line break may carry the quote marks of mail.
_GAP: Final = re.compile(r"(?:[\s\-\u00ad\u2010-\u2015\u2212\uff0d._·•/|,，>*]|&nbsp;|&#160;){1,8}")
_DOUBLED: Final = str.maketrans("0123456789", "0246813579")


@dataclass(frozen=True, slots=True)
class Found:
    """One secret at text[start:end], and what may be shown in its place."""

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
    """Tell whether the last digit checks the others (ISO/IEC 7812-1 annex B)."""
    return (sum(map(int, digits[::-2])) + sum(map(int, digits[-2::-2].translate(_DOUBLED)))) % 10 == 0


def is_card(digits: str) -> bool:
    """Tell whether an issuer gives out such a number: prefix, length and check digit."""
    return _has_issuer(digits) and passes_luhn(digits) and len(set(digits)) > 1


def is_identity_number(number: str) -> bool:
    """Tell whether it is a Chinese resident's number: province, birthday and check character (GB 11643-1999)."""
    if len(number) != 18 or number[:2] not in _PROVINCES or not _is_day(number[6:14]):
        return False
    weighed = sum(weight * int(digit) for weight, digit in zip(_ID_WEIGHTS, number[:17], strict=True))
    return "10X98765432"[weighed % 11] == number[17].upper()


def find_numbers(text: str, *, cards_are_talked_of: bool) -> Iterator[Found]:
    """Yield cards and identity numbers, left to right, none inside another.

    cards_are_talked_of: somebody says "card" near it; then odd groupings count as well.
    """
    for chain in _chains(text):
        yield from _in_chain(text, chain, cards_are_talked_of=cards_are_talked_of)


def _has_issuer(digits: str) -> bool:
    head, length = int(digits[:4]), len(digits)
    return any(low <= head <= high and length in lengths for low, high, lengths in _ISSUERS)


def _is_day(digits: str) -> bool:
    try:
        return 1900 <= date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).year <= 2100
    except ValueError:
        return False


def _chains(text: str) -> Iterator[list[_Group]]:
    """Yield runs of digit groups that only such characters divide as may stand inside one number."""
    chain: list[_Group] = []
    for match in _GROUP.finditer(text):
        group = _Group(match.start(), match.end(), _plain(match[0]))
        if chain and not _GAP.fullmatch(text, chain[-1].end, group.start):
            yield chain
            chain = []
        chain.append(group)
    if chain:
        yield chain


def _plain(digits: str) -> str:
    return digits if digits.isascii() else "".join(str(int(digit)) for digit in digits)


def _in_chain(text: str, chain: list[_Group], *, cards_are_talked_of: bool) -> Iterator[Found]:
    at = 0
    while at < len(chain):
        found, used = _longest_from(text, chain[at : at + _LONGEST], cards_are_talked_of=cards_are_talked_of)
        if found:
            yield found
        at += used


def _longest_from(text: str, groups: list[_Group], *, cards_are_talked_of: bool) -> tuple[Found | None, int]:
    """Return the longest secret that starts with the first group, and how many groups it takes."""
    best: tuple[Found | None, int] = (None, 1)
    digits = ""
    for count, group in enumerate(groups, start=1):
        digits += group.digits
        if len(digits) > _LONGEST:
            break
        if len(digits) < _SHORTEST:
            continue
        found = _judge(text, groups[:count], digits, cards_are_talked_of=cards_are_talked_of)
        best = (found, count) if found else best
    return best


def _judge(text: str, groups: list[_Group], digits: str, *, cards_are_talked_of: bool) -> Found | None:
    start, end = groups[0].start, groups[-1].end
    if len(digits) == 17 and text[end : end + 1] in {"x", "X", "ｘ", "Ｘ"} and is_identity_number(digits + "X"):
        return Found(start, end + 1, "id_card", "****")
    if len(digits) == 18 and is_identity_number(digits):
        return Found(start, end, "id_card", "****")
    if is_card(digits) and (cards_are_talked_of or _reads_as_one(text, groups)):
        return Found(start, end, "card", f"**** {digits[-4:]}")
    return None


def _reads_as_one(text: str, groups: list[_Group]) -> bool:
    """Tell whether a person would read the groups as one number: even groups, or one number over two lines."""
    sizes = [len(group.digits) for group in groups]
    if len(sizes) <= 1:
        return True
    gaps = [text[left.end : right.start] for left, right in pairwise(groups)]
    even = len(set(sizes[:-1])) == 1 and sizes[-1] <= 7 and (sizes[0] == 4 or len(sizes) > 6)
    return even or sizes[:2] == [4, 6] or sizes[0] == 6 or (len(sizes) == 2 and "\n" in gaps[0])


def locate(offsets: tuple[list[int], list[int]], position: int) -> int:
    """Return where a position of a shortened text lies in the original; offsets: shortened starts, original starts."""
    index = bisect_right(offsets[0], position) - 1
    return offsets[1][index] + position - offsets[0][index]
