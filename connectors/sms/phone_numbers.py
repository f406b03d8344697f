"""Normalise phone numbers: E.164 for numbers, unchanged for names and short codes."""

from __future__ import annotations

from typing import Final

import phonenumbers

# A sender may be a name of up to 11 characters; anything much longer is not a sender.
_LONGEST: Final = 32


def comparable(number: str, *, region: str | None = None) -> str:
    """Return the number in E.164 if it is one, else the short code or name in lower case; empty for nothing.

    region: ISO 3166, for numbers without a country code; None: such numbers are short codes.
    """
    shown = "".join(number.split())[:_LONGEST]
    try:
        parsed = phonenumbers.parse(shown, region)
    except phonenumbers.NumberParseException:
        return shown.lower()
    # Digits without a country code may also be a service's short code; only a valid number counts as a number.
    dialled = not shown.startswith("+")
    if not (phonenumbers.is_valid_number(parsed) if dialled else phonenumbers.is_possible_number(parsed)):
        return shown.lower()
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def is_mainland_china(number: str) -> bool:
    """Return whether a number is in +86, where Twilio offers no two-way SMS."""
    return comparable(number).startswith("+86")
