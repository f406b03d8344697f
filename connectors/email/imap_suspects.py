"""Which messages were being fetched when the connection broke, so that one bad mail does not hold up the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from imapclient import IMAPClient

# A line that breaks so often on one and the same message, each time after a fresh login, breaks because of it.
_DEATHS: Final = 4


class Suspects:
    """Counts broken connections a UID. After one, its page goes again one message at a time."""

    def __init__(self) -> None:
        self._deaths: dict[int, int] = {}

    @contextmanager
    def watching(self, uids: Sequence[int]) -> Iterator[None]:
        """Note these UIDs if the connection breaks inside; only a single one is blamed for it."""
        try:
            yield
        except (IMAPClient.AbortError, OSError):
            for uid in uids:
                self._deaths[uid] = self._deaths.get(uid, 0) + (len(uids) == 1)
            raise

    def alone(self, uid: int) -> bool:
        """Tell whether the message is to be asked for alone."""
        return uid in self._deaths

    def guilty(self, uid: int) -> bool:
        """Tell whether asking for the message again is hopeless."""
        return self._deaths.get(uid, 0) >= _DEATHS

    def acquit(self, through: int) -> None:
        """Forget the UIDs up to this one: they are done with."""
        self._deaths = {uid: deaths for uid, deaths in self._deaths.items() if uid > through}
