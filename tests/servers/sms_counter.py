"""How many SMS a text makes, as the network counts them: what the reply box must show.

GSM 03.38 (3GPP TS 23.038); see `router.text.sms_segments`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from router.text.sms_segments import BASIC, EXTENDED


class Encoding(StrEnum):
    """The alphabet that a text needs."""

    GSM7 = "GSM-7"
    UCS2 = "UCS-2"


@dataclass(frozen=True, slots=True)
class Segments:
    """units: septets, or UTF-16 code units.  parts: messages on the network.  left: free units in the last one."""

    encoding: Encoding
    units: int
    parts: int
    left: int


def count_segments(text: str) -> Segments:
    """Return the segments of a text. An empty text is one message."""
    if all(character in BASIC or character in EXTENDED for character in text):
        units = sum(2 if character in EXTENDED else 1 for character in text)
        return _cut(Encoding.GSM7, text, units=units, alone=160, several=153)
    units = len(text.encode("utf-16-le", "replace")) // 2
    return _cut(Encoding.UCS2, text, units=units, alone=70, several=67)


def _cut(encoding: Encoding, text: str, *, units: int, alone: int, several: int) -> Segments:
    if units <= alone:
        return Segments(encoding, units, 1, alone - units)
    parts, room = 1, several
    for character in text:
        wide = (encoding is Encoding.GSM7 and character in EXTENDED) or ord(character) > 0xFFFF
        needed = 2 if wide else 1
        # A part must not end between an escape and its character, nor inside a surrogate pair.
        if needed > room:
            parts, room = parts + 1, several
        room -= needed
    return Segments(encoding, units, parts, room)
