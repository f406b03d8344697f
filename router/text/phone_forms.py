"""A phone number in whatever writing a person types it, as the handle that is stored, or the end of one."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

# What people put between digits; a number has at least as many digits as the shortest national ones.
_LOOKS_LIKE_ONE: Final = re.compile(r"(?:tel:|whatsapp:)?\+?[\d\s().\-/\u2010-\u2015]{6,40}", re.IGNORECASE)
_FEWEST: Final = 6
_MOST: Final = 15
# The trunk prefix in "+49 (0)30": it is dialled within the country alone.
_TRUNK: Final = re.compile(r"\(\s*0\s*\)")


@dataclass(frozen=True, slots=True)
class PhoneForm:
    """digits: of the whole number with its country code if `whole`, else its end without the trunk prefix."""

    digits: str
    whole: bool


def phone_form(text: str) -> PhoneForm | None:
    """Return the number that the text is; None if it is none, such as a mail address or a short code."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if not _LOOKS_LIKE_ONE.fullmatch(plain):
        return None
    whole = "+" in plain
    digits = "".join(char for char in _TRUNK.sub("", plain) if char.isdecimal())
    digits = "".join(str(unicodedata.decimal(char)) for char in digits)
    if not whole and digits.startswith("00"):
        whole, digits = True, digits[2:]
    if not whole:
        digits = digits.lstrip("0")
    return PhoneForm(digits, whole) if _FEWEST <= len(digits) <= _MOST else None
