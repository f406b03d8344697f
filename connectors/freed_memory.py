"""Give freed memory back to the system: a gate holds large mails for moments, and its process runs for months."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress
from typing import Final

# malloc.h of the GNU C library: from which size a block is mapped on its own, and unmapped when it is freed.
_M_MMAP_THRESHOLD: Final = -3
_LARGE: Final = 262_144
# The number of heaps; by default each thread gets one, up to eight for each core, and what is free in one is free in no
# other. Python's threads wait for each other anyway.
_M_ARENA_MAX: Final = -8
_HEAPS: Final = 2
# After how many new objects the youngest are scanned; Python's own number is 700. A mail has a hundred while its batch
# is routed, and leaves three that only a scan finds.
_SCANNED_AFTER: Final = 20_000
# After how many scans the older ones are.
_FEW_SCANS: Final = 5


def unmap_large_blocks() -> None:
    """Fix the size from which the C library unmaps a freed block; does nothing with another C library.

    By default it raises that size to that of the largest block freed so far, up to 32 MB: then large mails share a heap
    that never shrinks (measured: 500 MB where 220 are enough).
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE)


def limit_heaps() -> None:
    """Let all threads share two heaps; does nothing with another C library. Call it before threads start."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _HEAPS)


def return_freed() -> None:
    """Return what the start allocated and freed to the system; does nothing with another C library."""
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def scan_seldom() -> None:
    """Never scan again what is loaded by now, and scan later objects less often than Python does by default.

    For a worker: repeated scans of what it had loaded took a tenth of its time, and of its batches a twentieth. A gate
    scans as usual, because what a session leaves may hold a large mail.
    """
    gc.freeze()
    gc.set_threshold(_SCANNED_AFTER, _FEW_SCANS, _FEW_SCANS)
