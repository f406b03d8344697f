"""Which numbers carry a check digit that proves what they are: cards, Chinese identity numbers, bank accounts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import accumulate
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
CARD_LENGTHS: Final = {f"{head}": lengths for low, high, lengths in _ISSUERS for head in range(low, high + 1)}
"""First four digits of a card -> the lengths that its issuer uses."""

# The first two digits of an identity number name a province (GB/T 2260).
PROVINCES: Final = frozenset(
    f"{tens}{ones}"
    for tens, last in ((1, 5), (2, 3), (3, 7), (4, 6), (5, 4), (6, 5), (7, 1), (8, 3))
    for ones in range(last + 1)
)
_ID_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CENTURIES: Final = frozenset({"19", "20"})
_DOUBLED: Final = str.maketrans("0123456789", "0246813579")
# Country -> length of its bank account numbers (the registry of ISO 13616).
_ACCOUNT_LENGTHS: Final[dict[str, int]] = {
    "ad": 24, "ae": 23, "al": 28, "at": 20, "az": 28, "ba": 20, "be": 16, "bg": 22, "bh": 22, "br": 29, "by": 28,
    "ch": 21, "cr": 22, "cy": 28, "cz": 24, "de": 22, "dk": 18, "do": 28, "ee": 20, "eg": 29, "es": 24, "fi": 18,
    "fo": 18, "fr": 27, "gb": 22, "ge": 22, "gi": 23, "gl": 18, "gr": 27, "gt": 28, "hr": 21, "hu": 28, "ie": 22,
    "il": 23, "iq": 23, "is": 26, "it": 27, "jo": 30, "kw": 30, "kz": 20, "lb": 28, "lc": 32, "li": 21, "lt": 20,
    "lu": 20, "lv": 21, "ly": 25, "mc": 27, "md": 24, "me": 22, "mk": 19, "mr": 27, "mt": 31, "mu": 30, "nl": 18,
    "no": 15, "pk": 24, "pl": 28, "ps": 29, "pt": 25, "qa": 29, "ro": 24, "rs": 22, "sa": 24, "sc": 31, "sd": 18,
    "se": 24, "si": 19, "sk": 24, "sm": 27, "st": 25, "sv": 28, "tl": 23, "tn": 24, "tr": 26, "ua": 29, "va": 22,
    "vg": 24, "xk": 20,
}  # fmt: skip


def passes_luhn(digits: str) -> bool:
    """Return whether the last digit is the check digit of the others (ISO/IEC 7812-1 annex B)."""
    return (sum(map(int, digits[::-2])) + sum(map(int, digits[-2::-2].translate(_DOUBLED)))) % 10 == 0


class LuhnSums:
    """The sums of a run of digits, so that each test of a part of it costs the same however long it is."""

    def __init__(self, digits: str) -> None:
        plain, doubled = [int(digit) for digit in digits], [int(digit) for digit in digits.translate(_DOUBLED)]
        odd_doubled, even_doubled = plain.copy(), doubled
        odd_doubled[1::2], even_doubled[1::2] = doubled[1::2], plain[1::2]
        # The digit before the end is never doubled: which sum counts follows from where the part ends.
        self._ending: Sequence[list[int]] = (
            [*accumulate(even_doubled, initial=0)],
            [*accumulate(odd_doubled, initial=0)],
        )

    def passes(self, start: int, end: int) -> bool:
        """Return whether the digits from `start` up to `end` end with their check digit."""
        sums = self._ending[end % 2]
        return (sums[end] - sums[start]) % 10 == 0


def is_card(digits: str) -> bool:
    """Return whether an issuer uses such a number: prefix, length and check digit."""
    return len(digits) in CARD_LENGTHS.get(digits[:4], ()) and passes_luhn(digits)


def is_identity_number(number: str) -> bool:
    """Return whether it is a Chinese resident's number: province, birthday and check character (GB 11643-1999)."""
    if len(number) != 18 or not may_be_identity_number(number) or not _is_day(number[6:14]):
        return False
    weighed = sum(weight * int(digit) for weight, digit in zip(_ID_WEIGHTS, number[:17], strict=True))
    return "10X98765432"[weighed % 11] == number[17].upper()


def may_be_identity_number(digits: str) -> bool:
    """Return whether digits begin as an identity number does: a cheap test that rejects nearly all others."""
    return digits[6:8] in _CENTURIES and digits[:2] in PROVINCES


def is_bank_account(number: str) -> bool:
    """Return whether it is an international bank account number, in lower case: country, length and check digits.

    Source: ISO 13616, and ISO 7064 (MOD 97-10).
    """
    if _ACCOUNT_LENGTHS.get(number[:2]) != len(number):
        return False
    moved = number[4:] + number[:4]
    return int("".join(str(int(char, 36)) for char in moved)) % 97 == 1


def _is_day(digits: str) -> bool:
    try:
        return 1900 <= date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).year <= 2100
    except ValueError:
        return False
