"""Normalise phone numbers: E.164 for numbers, unchanged for opaque ids, in lower case for names of SMS senders."""

from __future__ import annotations

from typing import Final

import phonenumbers

# The sender of an SMS may be a name of up to 11 characters (3GPP TS 23.040 section 9.1.2.5), which has no case.
_LONGEST_NAME: Final = 11
# No number is longer, with all the marks that people write between its digits.
_LONGEST_NUMBER: Final = 32


def comparable(number: str, *, region: str | None = None) -> str:
    """Return the number in E.164 if it is one, else the short code or name in lower case; empty for nothing.

    Longer text is an opaque id, which stays as it is: two ids that differ only in case, or only at their end, are two
    people.

    region: ISO 3166, for numbers without a country code; None: such numbers are short codes.
    """
    shown = "".join(number.split())
    name = shown.lower() if len(shown) <= _LONGEST_NAME else shown
    return e164(shown, region=region) or name


def e164(shown: str, *, region: str | None = None) -> str:
    """Return the number in E.164; empty for what is not a number. region: see `comparable`."""
    if len(shown) > _LONGEST_NUMBER:
        return ""
    try:
        parsed = phonenumbers.parse(shown, region)
    except phonenumbers.NumberParseException:
        return ""
    # Digits without a country code may also be a service's short code; only a valid number counts as a number.
    dialled = not shown.startswith("+")
    if not (phonenumbers.is_valid_number(parsed) if dialled else phonenumbers.is_possible_number(parsed)):
        return ""
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def is_mainland_china(number: str) -> bool:
    """Return whether a number is in +86, where Twilio offers no two-way SMS."""
    return comparable(number).startswith("+86")
