"""One logged-in IMAP connection: its folder, its hints about new mail, its end."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from connectors.email.imap_login import connect, hang_up
from router.errors import TransientError
from router.settings.channels import ImapSettings

# IDLE is watched in slices, so that a stop is noticed within one of them.
_SLICE: Final = 1.0

# An empty answer that comes well before its time-out is a dead line: `idle_check` says nothing about an EOF.
_TOO_SOON: Final = 0.5


@dataclass(frozen=True, slots=True)
class Folder:
    """What SELECT said. epoch: UIDVALIDITY, "0" if the server has none.  next_uid: above every UID there is."""

    epoch: str
    next_uid: int
    exists: int


class Session:
    """A connection that is logged in; used by one thread, except for `interrupt`."""

    def __init__(self, settings: ImapSettings) -> None:
        self._name = settings.folder
        self.client = connect(settings)
        self.can_idle = settings.idle and self.client.has_capability("IDLE")

    def open_folder(self, *, readonly: bool) -> Folder:
        """Select the folder and look at it anew. Read-only unless something is to be marked or moved."""
        answer: dict[bytes, Any] = self.client.select_folder(self._name, readonly=readonly)
        exists = int(answer.get(b"EXISTS", 0))
        next_uid = answer.get(b"UIDNEXT")
        if next_uid is None:
            next_uid = max(self.client.search(["*"]), default=0) + 1 if exists else 1
        # SELECT has told how many there are; from here on an EXISTS means news.
        self.has_news()
        return Folder(epoch=str(answer.get(b"UIDVALIDITY", 0)), next_uid=int(next_uid), exists=exists)

    def has_news(self) -> bool:
        """Tell whether the server has mentioned new mail since the last call.

        It does so once, with the answer to whatever we asked, and that answer may not yet hold the mail.
        """
        return bool(self.client._imap.response("EXISTS")[1] != [None])

    def idle(self, deadline: float, woken: threading.Event) -> None:
        """Return when the server hints at new mail, at `deadline` (monotonic) or when woken.

        Raises TransientError when the line is dead.
        """
        self.client.idle()
        heard: list[Any] = []
        while not heard and not woken.is_set() and (left := deadline - time.monotonic()) > 0:
            heard = self._listen(min(left, _SLICE))
        self.client.idle_done()

    def _listen(self, seconds: float) -> list[Any]:
        began = time.monotonic()
        responses = self.client.idle_check(timeout=seconds)
        if not responses and time.monotonic() - began < seconds * _TOO_SOON:
            raise TransientError("the server closed the connection while we waited")
        # "* OK Still here" is a sign of life and no news.
        return [response for response in responses if b"EXISTS" in response or b"BYE" in response]

    def interrupt(self) -> None:
        """End whatever the session's thread is reading; from any thread."""
        # Only shutdown wakes a reader; close would wait for it. On a TLS socket the plain method is meant:
        # its own would let the reader go on without encryption.
        with suppress(OSError, AttributeError):
            socket.socket.shutdown(self.client.socket(), socket.SHUT_RDWR)

    def end(self) -> None:
        """Let go of the connection."""
        hang_up(self.client)
