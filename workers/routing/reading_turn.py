"""The turn of a process's threads: one reads a batch while the others wait, in the order in which they came."""

from __future__ import annotations

import threading
from collections import deque
from time import monotonic
from typing import Final

# A batch takes a second; a thread that hangs in one must not stop the others.
_LONGEST_SECONDS: Final = 30.0


class ReadingTurn:
    """A fair lock: threads get it in the order in which they asked, and one that holds it too long loses it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._line = deque[object]()
        self._holder: int | None = None
        self._held_since = 0.0

    @property
    def is_held(self) -> bool:
        """Whether a thread has the turn."""
        return self._holder is not None

    @property
    def waiting(self) -> int:
        """How many threads wait for the turn."""
        return len(self._line)

    def __enter__(self) -> None:
        place = object()
        with self._changed:
            self._line.append(place)
            try:
                while (left := self._seconds_left()) or self._line[0] is not place:
                    self._changed.wait(left or None)
                self._holder, self._held_since = threading.get_ident(), monotonic()
            finally:
                self._line.remove(place)
                self._changed.notify_all()

    def __exit__(self, *_: object) -> None:
        self.pass_on()

    def pass_on(self) -> None:
        """Give the turn back before the end of the block; does nothing in a thread that does not hold it."""
        with self._changed:
            if self._holder == threading.get_ident():
                self._holder = None
                self._changed.notify_all()

    def _seconds_left(self) -> float:
        """Return for how long the holder may keep the turn; 0 without one."""
        if self._holder is None:
            return 0.0
        return max(0.0, self._held_since + _LONGEST_SECONDS - monotonic())
