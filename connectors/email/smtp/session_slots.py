"""The slots of a listener: how many sessions, of all and of one address, and how many bytes of mail in memory."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Protocol

import structlog

from router.client_address import client_address
from router.settings.channels.mail import SmtpSettings

_log: Final = structlog.get_logger()

# How many bytes of mail of all clients together may be in memory: half arrived, or waiting for the commit. A batch that
# is being stored is there three times more: read, compressed and sealed.
MOST_BYTES: Final = 67_108_864
# What each session may hold while there is no place for more.
SMALL: Final = 262_144
_AGAIN_SECONDS: Final = 60.0
# An honest mail of the largest size takes seconds.
_PATIENCE_SECONDS: Final = 30.0
# A session that was silent for longer is kept for later mails.
_LATELY_SECONDS: Final = 0.5
_SHARE: Final = 4


class Session(Protocol):
    """One client, as the slots see it.

    heard_at: when it last sent something, monotonic seconds.  mail_began_at: when its present mail began.
    """

    heard_at: float
    mail_began_at: float

    @property
    def is_in_mail(self) -> bool:
        """Whether a mail is being transferred."""
        ...

    @property
    def bytes_held(self) -> int:
        """The bytes of its mail in memory."""
        ...

    def put_off(self) -> None:
        """Forget its mail, which its sender repeats, and close the connection."""
        ...

    def end(self, reply: str) -> None:
        """Say the reply and close the connection."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class SessionSlots:
    """The sessions of one listener; used on its event loop alone."""

    def __init__(self, channel: str, settings: SmtpSettings, *, bytes_waiting: Callable[[], int]) -> None:
        """bytes_waiting: how many bytes of mail wait for the commit."""
        self._channel, self._settings, self._bytes_waiting = channel, settings, bytes_waiting
        self._sessions: dict[Session, str] = {}
        self._since: Counter[str] = Counter()
        self._logged: dict[str, float] = {}
        self._tally: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._sessions))

    def __contains__(self, session: object) -> bool:
        return session in self._sessions

    @property
    def bytes_held(self) -> int:
        """The bytes of mail in memory: half arrived, or waiting for the commit."""
        return sum(session.bytes_held for session in self._sessions) + self._bytes_waiting()

    @property
    def is_full(self) -> bool:
        """Whether mail has to wait at its senders."""
        return self.bytes_held > MOST_BYTES

    def talking(self) -> int:
        """Return how many sessions have sent something in the last half second."""
        since = time.monotonic() - _LATELY_SECONDS
        return sum(session.heard_at > since for session in self._sessions)

    def that_gives_way(self) -> Session | None:
        """Return the session whose mail is put off while there is no place: the newest of the address that holds most.

        Older mails go on, so that some arrive, however many come at once.
        """
        large = [session for session in self._sessions if session.bytes_held > SMALL]
        held: Counter[str] = Counter()
        for session in large:
            held[self._sessions[session]] += session.bytes_held
        most = max(held.values(), default=0)
        theirs = (session for session in large if held[self._sessions[session]] == most)
        return max(theirs, key=lambda session: session.mail_began_at, default=None)

    def admit(self, session: Session, *, host: str) -> str:
        """Take a slot and return an empty text, or return the reply of a refusal.

        When all are taken, the client that has been silent longest makes room. If each one transfers a mail, it is the
        slowest of the address that has many: two strangers must not hold all slots by mails without an end.
        """
        address = client_address(host)
        if sum(each == address for each in self._sessions.values()) >= self._settings.connections_per_address:
            self.note("connections_of_address")
            return "421 4.7.0 Too many connections from your address, please try again"
        if len(self._sessions) >= self._settings.connections and not self._make_room(address):
            return "421 4.7.0 Too many connections, please try again"
        self._sessions[session] = address
        return ""

    def leave(self, session: Session) -> None:
        """Give the slot back; doing so twice is harmless."""
        self._sessions.pop(session, None)

    def note(self, limit: str) -> None:
        """Count and log a refusal: the first one of a minute, with how many there were since the last line."""
        self.count(limit)
        self._since[limit] += 1
        now = time.monotonic()
        if now - self._logged.get(limit, -_AGAIN_SECONDS) >= _AGAIN_SECONDS:
            self._logged[limit] = now
            _log.warning("smtp.no_place", channel=self._channel, limit=limit, refused=self._since.pop(limit))

    def count(self, what: str) -> None:
        """Count a refusal."""
        with self._lock:
            self._tally[what] += 1

    def take_counts(self) -> Mapping[str, int]:
        """Return the counts since the last call; callable from another thread."""
        with self._lock:
            taken, self._tally = self._tally, Counter()
        return taken

    def _make_room(self, newcomer: str) -> bool:
        """End the longest silence; where each one transfers a mail, an old mail of an address with too many."""
        self.note("connections")
        waiting = [session for session in self._sessions if not session.is_in_mail]
        if waiting:
            silent = min(waiting, key=lambda session: session.heard_at)
            self._end(silent, "421 4.4.2 You were silent while others wait, please try again")
            return True
        slow = self._slow_of_crowd(newcomer)
        if slow:
            self._end(slow, "421 4.4.2 This mail takes long while others wait, please try again")
        return slow is not None

    def _slow_of_crowd(self, newcomer: str) -> Session | None:
        """Return the oldest mail of the address with most sessions, if it has its time and much more than its share."""
        held = Counter(self._sessions.values())
        address, number = held.most_common(1)[0]
        if number < _SHARE * (held[newcomer] + 1):
            return None
        theirs = [session for session, host in self._sessions.items() if host == address]
        oldest = min(theirs, key=lambda session: session.mail_began_at)
        return oldest if time.monotonic() - oldest.mail_began_at > _PATIENCE_SECONDS else None

    def _end(self, session: Session, reply: str) -> None:
        self.leave(session)
        session.end(reply)
