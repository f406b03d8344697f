"""The contract of what is sent: an Outgoing goes to the Sender of its channel, and each attempt ends with a Receipt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from connectors.base import Health
from router.delivery import Window


class SendVerdict(StrEnum):
    """The outcome of one attempt to send.

    accepted: the provider has it.  refused: the provider refused this message permanently.
    not_sent: certainly not accepted: no byte was sent, or the provider said "not now"; another attempt is safe.
    unknown: any other outcome after the first byte was sent. It is not repeated where the customer would get a copy.
    """

    ACCEPTED = "accepted"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The provider's answer to one attempt, or the result of looking for the message there.

    provider_id: the provider's id of the message; empty without one.
    other_ids: further ids of it, where the provider sent it in parts; reports may name any.
    why: a sentence for people, with the provider's code; no text, address or secret.
    retry_after: how long the provider asks us to wait; only with `not_sent`.
    whole_channel: the channel cannot send at all now (no connection, refused login, 429), so the other messages wait
        without an attempt; only with `not_sent`.
    whole_recipient: this recipient can get nothing now; the messages to others go on; only with `not_sent`.
    """

    verdict: SendVerdict
    provider_id: str = ""
    other_ids: tuple[str, ...] = ()
    why: str = ""
    retry_after: timedelta | None = None
    whole_channel: bool = False
    whole_recipient: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingFile:
    """A file that is sent with a message."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One outgoing message in one attempt. Its row is `sending` on disk before a sender gets it.

    outbound_id: the row's id, named in status callbacks.  attempt_id: new for each attempt.  attempt: counted from 1.
    recipient: the recipient's handle.  copies: further recipients, on channels that have them.
    rfc_message_id, dated_at: fixed before the first attempt, the same in every attempt.
    references: oldest first, without angle brackets, as are rfc_message_id and in_reply_to.
    automatic: not written by a person (RFC 3834).
    reply_token: finds the conversation again if an answer's threading headers are lost (`router.threads.correlation`).
    others: the provider's ids of our other messages to this recipient; only for `reconcile`.
    blind_copies: recipients whom the others do not see.  sender_name: next to our address; empty for the usual one.
    html: the text with its markup, as an alternative to `text`; empty for plain text.
    template: the provider's name of an approved template, with its variables, instead of `text`; None for free text.
    """

    outbound_id: UUID
    attempt_id: UUID
    attempt: int
    channel: str
    recipient: str
    text: str
    rfc_message_id: str
    dated_at: datetime
    copies: tuple[str, ...] = ()
    blind_copies: tuple[str, ...] = ()
    sender_name: str = ""
    html: str = ""
    subject: str = ""
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    automatic: bool = False
    reply_token: str = ""
    files: tuple[OutgoingFile, ...] = ()
    template: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    others: frozenset[str] = frozenset()


class Sender(Protocol):
    """Sends on a channel. One thread owns one sender, and sends one message at a time."""

    @property
    def channel(self) -> str:
        """The channel's name in the configuration."""

    @property
    def repeatable(self) -> bool:
        """Whether a second copy does no harm because receivers detect it: true for mail, by its Message-ID.

        An unknown outcome is then sent again, at most twice; otherwise `reconcile` or an agent settles it.
        """

    def window(self, recipient: str) -> Window:
        """Return the provider's limits for writing to this recipient; by default none."""

    def send(self, outgoing: Outgoing) -> Receipt:
        """Hand the message over, once; never retry here.

        Every outcome is a Receipt. An exception counts as `unknown`, because a byte may have been sent.
        """

    def reconcile(self, outgoing: Outgoing, *, since: datetime) -> Receipt | None:
        """Look for the message at the provider; None when it is not there, or when the provider cannot be searched.

        outgoing: the attempt without an answer.  since: the earliest possible time at the provider, aware UTC.
        Raises TransientError when the provider does not answer now; that look does not count.
        """

    def probe(self) -> Health:
        """Connect, log in, and report it; send nothing."""

    def close(self) -> None:
        """Close the connection."""
