"""Test whether work grows linearly with its size and not with the square: a ratio of two runs, never seconds."""

from __future__ import annotations

import time
from collections.abc import Callable

# Four times the text costs linear work four times as much, and quadratic work sixteen times.
_STEP, _ALLOWED = 4, 9
_ATTEMPTS = 6
# Below this, the clock measures the machine rather than the work.
_LEAST_SECONDS = 0.002


def grows_linearly(work: Callable[[str], object], unit: str, *, size: int) -> bool:
    """Run `work` on `unit` repeated to `size` characters and to four times that, and compare.

    Other load or a garbage collection can spoil one attempt, so there are several; quadratic work passes none.
    """
    text = (unit * (size * _STEP // len(unit) + 1))[: size * _STEP]
    return any(
        _seconds(work, text) < _ALLOWED * max(_seconds(work, text[:size]), _LEAST_SECONDS) for _ in range(_ATTEMPTS)
    )


def _seconds(work: Callable[[str], object], text: str) -> float:
    started = time.process_time()
    work(text)
    return time.process_time() - started
