"""The whole contract of a gate: foreign bytes in, one Page at a time; an Outgoing out; a probe for the operator.

A gate knows its provider and nothing else. It has no database: what it fetched is kept by whoever polls it,
and only then is it told to `settle` (mark seen, move, answer 250).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class RawMessage:
    """One message as the provider has it.

    source_key: the transport's own id with its epoch (`uidvalidity:uid`, a message sid, a DM event id).
    content: the original bytes; empty if they could not be had, and then `defect` says why.
    received_at: when the provider took it, aware UTC.
    """

    source_key: str
    content: bytes
    received_at: datetime
    defect: str = ""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a channel has been read.

    epoch: what makes positions comparable (IMAP's UIDVALIDITY); another epoch means another mailbox.
    position: the provider's own mark within the epoch, as text.
    """

    epoch: str
    position: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What one fetch brought.

    cursor: where to go on once these messages are kept; None if the channel pushes and has no position.
    more: true if the provider has further messages waiting now.
    backfill: true if these are old mail: shown to agents, but nothing automatic is sent and no clock starts.
    notice: a sentence for the operator when something about the channel changed (a new epoch); else empty.
    waiting: how many messages the provider still has above the cursor, as far as is known.
    held: how many messages the provider says it holds in all; None if it does not say.
    """

    channel: str
    messages: Sequence[RawMessage] = ()
    cursor: Cursor | None = None
    more: bool = False
    backfill: bool = False
    notice: str = ""
    waiting: int = 0
    held: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One message, normalised and ready to be kept.

    envelope: the Envelope as JSON (`router.envelope.to_json`).
    original: the bytes as fetched, compressed with zstandard.  size: their length before.
    content_hash: SHA-256 of the bytes as fetched.
    unreadable: why the message could not be read, in a sentence; its envelope is then a stub; else empty.
    """

    source_key: str
    envelope: bytes
    original: bytes
    size: int
    content_hash: bytes
    received_at: datetime
    unreadable: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What `probe` found. ok, and sentences for the operator: what is so, or what is wrong and how to mend it."""

    ok: bool
    findings: tuple[str, ...]


class Connector(Protocol):
    """A channel that is polled. One thread owns one connector; nothing here is shared between threads."""

    @property
    def channel(self) -> str:
        """The channel's name in the configuration."""

    def fetch(self, cursor: Cursor | None) -> Page:
        """Return the next messages above the cursor, oldest first; an empty page when there are none.

        cursor: None on the first run ever; the channel's `start` setting then decides.
        Raises TransientError when the provider cannot be reached or is busy, PermanentError when it refuses us.
        """

    def settle(self, page: Page) -> None:
        """Tell the provider that the page is kept. Called after the commit; may fail freely; may come twice."""

    def wait(self, seconds: float) -> None:
        """Return after `seconds`, or sooner if the provider hints at new messages or `close` is called."""

    def probe(self) -> Health:
        """Log in, look, and say how it went; changes nothing."""

    def close(self) -> None:
        """Let go of the connection and end a `wait`; callable from another thread."""


class Gate(Protocol):
    """A channel that pushes: mail comes when it likes, and its sender waits for our answer."""

    @property
    def channel(self) -> str:
        """The channel's name in the configuration."""

    def open(self, accept: Callable[[Page], None]) -> None:
        """Begin to listen. Each page goes to `accept`, which returns once it is on disk; only then we say yes.

        accept: raises TransientError when the page cannot be kept now; the senders are told to come again.
        Raises TransientError when the address is taken, PermanentError when it can never be listened on.
        """

    def check(self) -> None:
        """Raise TransientError if we no longer listen."""

    def probe(self) -> Health:
        """Look whether we could listen, or do; changes nothing."""

    def close(self) -> None:
        """Stop listening; whoever waits for an answer gets it first."""
