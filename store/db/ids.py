"""Ids of rows, in order of time, and the short references that people read out."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID, SafeUUID

# Crockford's base 32: no I, L, O or U, so that a reference can be spelled on the phone.
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_REFERENCE_LENGTH: Final = 9
# Random bytes are fetched for this many ids at once: each fetch is a call of the kernel.
_AT_ONCE: Final = 256
_RANDOM_BYTES: Final = 8
_RANDOM_BITS: Final = (1 << 62) - 1


def id_maker(*, clock: Callable[[], int] = time.time_ns) -> Callable[[], UUID]:
    """Return a function that makes ids; they only increase, however many are made in a millisecond.

    clock: nanoseconds since 1970.  The function is thread-safe.
    """
    lock, last = threading.Lock(), 0
    left: list[int] = []
    # A forked process has the same bytes left as its parent.
    os.register_at_fork(after_in_child=left.clear)

    def make() -> UUID:
        """Return a UUID of version 7 (RFC 9562 section 5.7): unique anywhere, and in order of time."""
        nonlocal last
        with lock:
            # 48 bits of milliseconds and 12 of a counter, as RFC 9562 section 6.2 method 1 lays them out.
            last = stamp = max(last + 1, clock() // 1_000_000 << 12)
            if not left:
                left.extend(_random_numbers())
            random = left.pop()
        high = (stamp >> 12) << 16 | 0x7000 | stamp & 0xFFF
        return _uuid(high << 64 | 0b10 << 62 | random)

    return make


def _random_numbers() -> list[int]:
    fetched = memoryview(os.urandom(_AT_ONCE * _RANDOM_BYTES)).cast("Q")
    return [number & _RANDOM_BITS for number in fetched]


def _uuid(number: int) -> UUID:
    # `UUID()` spends most of its time on the other forms that it accepts.
    made = _blank(UUID)
    _set(made, "int", number)
    _set(made, "is_safe", _UNKNOWN)
    return made


_blank: Final = object.__new__
_set: Final = object.__setattr__
_UNKNOWN: Final = SafeUUID.unknown

# The ids of this process. Only one maker: two would not be in a common order.
new_id: Final = id_maker()


def first_id_at(moment: datetime) -> UUID:
    """Return the smallest id that can be made at a moment or later. moment: aware; before 1970 it counts as 1970."""
    milliseconds = max(0, int(moment.timestamp() * 1000))
    return UUID(int=(milliseconds << 16 | 0x7000) << 64 | 0b10 << 62)


def new_reference() -> str:
    """Return a random reference of 45 bits, such as `K7QF2MXD4`."""
    number = secrets.randbits(5 * _REFERENCE_LENGTH)
    return "".join(_ALPHABET[number >> 5 * place & 31] for place in range(_REFERENCE_LENGTH))
