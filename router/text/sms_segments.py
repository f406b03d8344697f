"""The characters of SMS: the reply box counts the segments of a text by them (`segments` in `api/static/desk.js`).

GSM 03.38 (3GPP TS 23.038): 160 septets in one message, 153 in each part of a longer text. A single character outside
the GSM alphabet makes the whole text UCS-2: 70 units, or 67 in each part.
"""

from __future__ import annotations

from typing import Final

BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Each of these characters needs an escape before it.
EXTENDED: Final = frozenset("\f^{}\\[~]|€")
# Twilio refuses a longer body (its documentation, error 21617).
LONGEST: Final = 1600
