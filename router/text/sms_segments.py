"""The characters of SMS, by which the reply box counts how many a text makes (`segments` in `api/static/desk.js`).

GSM 03.38 (3GPP TS 23.038): 160 septets in one message, 153 a part when there are several; a single character outside
its alphabet makes the whole text UCS-2: 70, or 67 a part.
"""

from __future__ import annotations

from typing import Final

BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Each of these takes an escape before it.
EXTENDED: Final = frozenset("\f^{}\\[~]|€")
# Twilio takes no longer body (its documentation, error 21617).
LONGEST: Final = 1600
