"""The turn of a process's threads: one reads a page while the others wait, in the order in which they came."""

from __future__ import annotations

import threading
from typing import Final

# A page takes a second; a thread that hangs in one must not stop the others.
_LONGEST_SECONDS: Final = 30.0


class ReadingTurn:
    """A lock that the thread that waits gets before the one that has just had it."""

    def __init__(self) -> None:
        self._next, self._taken = threading.Lock(), threading.Lock()
        self._holder: int | None = None

    def __enter__(self) -> None:
        # Who waits for the turn holds `_next`, so that who gives the turn back cannot take it again before.
        if self._next.acquire(timeout=_LONGEST_SECONDS):
            if self._taken.acquire(timeout=_LONGEST_SECONDS):
                self._holder = threading.get_ident()
            self._next.release()

    def __exit__(self, *_: object) -> None:
        self.pass_on()

    def pass_on(self) -> None:
        """Give the turn back before the end of the block; of a thread that has not got it, nothing."""
        # A thread that has waited too long went on without the turn.
        if self._holder == threading.get_ident():
            self._holder = None
            self._taken.release()
