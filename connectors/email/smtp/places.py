"""The places of a listener: how many sessions, of all and of one address, and how many bytes of mail in memory."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import Final, Protocol

import structlog

from router.client_address import client_address
from router.settings.channels import SmtpSettings

_log: Final = structlog.get_logger()

# How many bytes of mail of all clients together may be in memory: half arrived, or waiting for the commit.
MOST_BYTES: Final = 134_217_728
_AGAIN_SECONDS: Final = 60.0


class Session(Protocol):
    """One client, as the places see it. heard_at: when it last sent something, monotonic seconds."""

    heard_at: float

    @property
    def is_in_mail(self) -> bool:
        """Whether a mail is being transferred."""
        ...

    @property
    def bytes_held(self) -> int:
        """The bytes of its mail in memory."""
        ...

    def end(self, reply: str) -> None:
        """Say the reply and close the connection."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class Places:
    """The sessions of one listener; used on its event loop alone."""

    def __init__(self, channel: str, settings: SmtpSettings) -> None:
        self._channel, self._settings = channel, settings
        self._sessions: dict[Session, str] = {}
        self._since: Counter[str] = Counter()
        self._logged: dict[str, float] = {}

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._sessions))

    def __contains__(self, session: object) -> bool:
        return session in self._sessions

    @property
    def bytes_held(self) -> int:
        """The bytes of half arrived mail."""
        return sum(session.bytes_held for session in self._sessions)

    def admit(self, session: Session, *, host: str) -> str:
        """Take a place and return an empty text, or return the reply of a refusal.

        When all are taken, the client that has been silent longest makes room, unless each one transfers a mail.
        """
        address = client_address(host)
        if sum(each == address for each in self._sessions.values()) >= self._settings.connections_per_address:
            self.note("connections_of_address")
            return "421 4.7.0 Too many connections from your address, please try again"
        if len(self._sessions) >= self._settings.connections and not self._make_room():
            return "421 4.7.0 Too many connections, please try again"
        self._sessions[session] = address
        return ""

    def leave(self, session: Session) -> None:
        """Give the place back; doing so twice is harmless."""
        self._sessions.pop(session, None)

    def note(self, limit: str) -> None:
        """Log a refusal: the first one of a minute, with how many there were since the last line."""
        self._since[limit] += 1
        now = time.monotonic()
        if now - self._logged.get(limit, -_AGAIN_SECONDS) >= _AGAIN_SECONDS:
            self._logged[limit] = now
            _log.warning("smtp.no_place", channel=self._channel, limit=limit, refused=self._since.pop(limit))

    def _make_room(self) -> bool:
        self.note("connections")
        waiting = [session for session in self._sessions if not session.is_in_mail]
        if not waiting:
            return False
        silent = min(waiting, key=lambda session: session.heard_at)
        self.leave(silent)
        silent.end("421 4.4.2 You were silent while others wait, please try again")
        return True
