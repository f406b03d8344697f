"""Names for rows: time-ordered ids, and the short references that people read out."""

from __future__ import annotations

import secrets
import threading
import time
from typing import Final
from uuid import UUID

# Crockford's base 32: no I, L, O or U, so that a reference survives a telephone line.
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_REFERENCE_LENGTH: Final = 9


class _Sequence:
    """Ids of one process never run backwards, however many fall in one millisecond."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def next(self) -> int:
        with self._lock:
            # 48 bits of milliseconds and 12 of a counter, as RFC 9562 section 6.2 method 1 lays them out.
            self._last = max(self._last + 1, time.time_ns() // 1_000_000 << 12)
            return self._last


_SEQUENCE: Final = _Sequence()


def new_id() -> UUID:
    """Return a UUID of version 7 (RFC 9562 section 5.7): unique anywhere, and in order of time."""
    stamp = _SEQUENCE.next()
    high = (stamp >> 12) << 16 | 0x7000 | stamp & 0xFFF
    return UUID(int=high << 64 | 0b10 << 62 | secrets.randbits(62))


def new_reference() -> str:
    """Return a random reference of 45 bits, such as `K7QF2MXD4`."""
    number = secrets.randbits(5 * _REFERENCE_LENGTH)
    return "".join(_ALPHABET[number >> 5 * place & 31] for place in range(_REFERENCE_LENGTH))
