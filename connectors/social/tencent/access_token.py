"""The access token of one app, held in one place: fetched once, shared by all threads, renewed once when it has ended.

Asking again while it is valid brings the same token, so each process may hold it; only what is renewed by force ends
the token of the others, and they then ask without force.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

# Renewed before it ends, by this much.
_MARGIN_SECONDS: Final = 300.0
# Renewing by force is limited to twenty a day, and to one in half a minute.
_BETWEEN_FORCED_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token as it was issued. seconds: how long it lasts."""

    value: str
    seconds: float


class TokenHolder:
    """Holds the token of one app. issue: asks for it; its argument says whether by force. clock: seconds."""

    def __init__(self, issue: Callable[[bool], IssuedToken], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._issue, self._clock = issue, clock
        self._lock = threading.Lock()
        self._token, self._until, self._forced_at = "", 0.0, -_BETWEEN_FORCED_SECONDS

    def token(self) -> str:
        """Return a valid token. Raises what `issue` raises."""
        with self._lock:
            return self._token if self._clock() < self._until else self._ask(forced=False)

    def renew(self, refused: str) -> str:
        """Return another token than one that was refused; the same if it has been renewed just now."""
        with self._lock:
            if self._token not in {"", refused}:
                return self._token
            if self._ask(forced=False) == refused and self._clock() - self._forced_at >= _BETWEEN_FORCED_SECONDS:
                self._forced_at = self._clock()
                self._ask(forced=True)
            return self._token

    def _ask(self, *, forced: bool) -> str:
        issued = self._issue(forced)
        self._token = issued.value
        # A short-lived token is used for a while too, so that not every message costs a call.
        self._until = self._clock() + max(issued.seconds - _MARGIN_SECONDS, min(issued.seconds, 1.0))
        return self._token
