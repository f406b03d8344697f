"""The whole contract of a gate: foreign bytes in, one Page at a time; an Outgoing out; a probe for the operator.

A gate knows its provider and nothing else. It has no database: its caller keeps what it fetched,
and then calls `settle` (mark seen, move, answer 250).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol
from uuid import UUID

from router.delivery import DeliveryReport, Window

# The form of messages that are mail.
MAIL: Final = "mail"


@dataclass(frozen=True, slots=True, kw_only=True)
class RawMessage:
    """One message as the provider has it.

    source_key: the transport's own id with its epoch (`uidvalidity:uid`, a message sid, a DM event id).
    content: the original bytes; empty if they could not be had, and then `defect` says why.
    received_at: when the provider took it, aware UTC.
    from_sent: whether it was read from our own folder of sent mail, which only our own mail programs write.
    """

    source_key: str
    content: bytes
    received_at: datetime
    defect: str = ""
    from_sent: bool = False


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
    form: how the messages are to be read: as mail, or by the reader of the kind of that name (`connectors.registry`).
    """

    channel: str
    messages: Sequence[RawMessage] = ()
    cursor: Cursor | None = None
    more: bool = False
    backfill: bool = False
    notice: str = ""
    waiting: int = 0
    held: int | None = None
    form: str = MAIL


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One message, normalised and ready to be kept.

    envelope: the Envelope as JSON (`router.envelope.to_json`).
    original: the bytes as fetched, compressed with zstandard.  size: their length before.
    content_hash: SHA-256 of the bytes as fetched; where a provider tells one message in several ways, of what it
        says in all of them.
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
    """A channel that is polled. One thread at a time uses a connector, but for `close`."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """A polled channel. poll: seconds between two looks when nothing is waiting."""

    connector: Connector
    poll: float


class PushGate(Protocol):
    """A channel that pushes: mail comes when it likes, and its sender waits for our answer."""

    @property
    def channel(self) -> str:
        """The channel's name in the configuration."""

    def open(self, accept: Callable[[Page], None]) -> None:
        """Begin to listen. Each page goes to `accept`, which returns once it is on disk; only then we say yes.

        accept: raises TransientError when the page cannot be kept now; its senders get a temporary refusal.
        Raises TransientError when the address is taken, PermanentError when it can never be listened on.
        """

    def check(self) -> None:
        """Raise TransientError if we no longer listen."""

    def probe(self) -> Health:
        """Look whether we could listen, or do; changes nothing."""

    def close(self) -> None:
        """Stop listening; a sender that waits for an answer gets it first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRequest:
    """One HTTP request of a provider, as it came.

    headers: names in lower case.  query: raw, without the question mark.  path: what follows the channel's address.
    """

    body: bytes
    headers: Mapping[str, str]
    query: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class WebhookResponse:
    """What the provider gets as an answer. media_type: of the text."""

    text: str
    media_type: str


class ProviderEndpoint(Protocol):
    """Where the provider of one channel calls us over HTTP. Made for one request; keeps nothing.

    All of it may raise ConfigError when the operator's file lacks what the provider's signature needs.
    """

    def is_signed(self, request: WebhookRequest, *, now: datetime) -> bool:
        """Return whether the provider signed these very bytes, and lately if it signs the time."""

    def challenge(self, request: WebhookRequest) -> WebhookResponse:
        """Return the answer to the provider's test of who we are.

        Raises NotFound for a provider that makes no such test, PermanentError for a request that is none.
        """

    def page(self, request: WebhookRequest, *, now: datetime) -> Page:
        """Return the messages that a signed request brings; none when it brings something else.

        Raises PermanentError when it cannot be read or is not for this channel.
        """

    def answer(self, request: WebhookRequest) -> WebhookResponse:
        """Return what the provider wants to hear once its messages are on disk."""

    def delivery(self, request: WebhookRequest) -> DeliveryReport:
        """Return what a signed request says about a message of ours.

        Raises NotFound for a provider that reports nothing, PermanentError when it says nothing that is known.
        """


class SendVerdict(StrEnum):
    """What became of one attempt to send.

    accepted: the provider has it.  refused: the provider said no to this message, for good.
    not_sent: certainly not taken: no byte of it left, or the provider said "not now"; another attempt is safe.
    unknown: anything else once the first byte has left. Never repeated blindly where a copy would reach the customer.
    """

    ACCEPTED = "accepted"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a provider answered to one attempt, or was found to hold.

    provider_id: its own id of the message; empty if it gave none.
    why: a sentence for people, with the provider's code; no text, address or secret.
    retry_after: how long the provider asks us to wait; only with `not_sent`.
    whole_channel: nothing of this channel can leave now (no connection, refused login, 429), so that the others wait
        without an attempt of their own; only with `not_sent`.
    """

    verdict: SendVerdict
    provider_id: str = ""
    why: str = ""
    retry_after: timedelta | None = None
    whole_channel: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingFile:
    """One file that goes with a message."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One message that is to leave, at one attempt. Its row says `sending` on disk before a sender sees it.

    outbound_id: the row's; what status callbacks name.  attempt_id: new with each attempt.  attempt: counted from 1.
    recipient: comparable handle of who gets it.  copies: further recipients, where the channel knows any.
    rfc_message_id, dated_at: fixed before the first attempt, the same in every one.
    references: oldest first, without angle brackets, as are rfc_message_id and in_reply_to.
    automatic: a machine wrote it (RFC 3834).
    reply_token: finds the conversation again if an answer's threading headers are lost (`router.threads.correlation`).
    others: the provider's ids of other messages of ours to this recipient; only when it is looked for.
    template: the provider's name of an approved text, and its variables, in place of `text`; None for free text.
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
    """A channel's way out. One thread owns one sender, and sends one message at a time."""

    @property
    def channel(self) -> str:
        """The channel's name in the configuration."""

    @property
    def repeatable(self) -> bool:
        """Whether a second copy does no harm because receivers recognise it: true for mail, by its Message-ID.

        What is unknown is then sent again, twice at most; elsewhere it is settled by `reconcile` or by a person.
        """

    def window(self, recipient: str) -> Window:
        """Return within what bounds the provider lets us write to this recipient; by default without any."""

    def send(self, outgoing: Outgoing) -> Receipt:
        """Hand the message over, once; never try again in here.

        Every end is a Receipt. What is raised all the same counts as `unknown`, because a byte may have left.
        """

    def reconcile(self, outgoing: Outgoing, *, since: datetime) -> Receipt | None:
        """Look whether the provider has the message; None when it has not, or cannot be asked at all.

        outgoing: the attempt whose answer is missing.  since: the provider's earliest possible time, aware UTC.
        Raises TransientError when the provider cannot be asked now; that look does not count.
        """

    def probe(self) -> Health:
        """Connect, log in, and say how it went; sends nothing."""

    def close(self) -> None:
        """Let go of the connection."""


def utc_now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)
