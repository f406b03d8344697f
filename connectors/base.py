"""The contract of a gate: it fetches foreign bytes batch by batch, or takes what is brought, and can be probed.

A gate knows only its provider. It has no database: its caller stores what it fetched,
and then calls `settle` (mark seen, move, answer 250). How it sends is in `connectors.sender_contract`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol, runtime_checkable
from uuid import UUID

from router.delivery import DeliveryReport
from router.phone_call import MISSED_AFTER, CallNews

# The form of mail messages.
MAIL: Final = "mail"


@dataclass(frozen=True, slots=True, kw_only=True)
class RawMessage:
    """One message as the provider has it.

    source_key: the transport's own id with its epoch (`uidvalidity:uid`, a message sid, a DM event id).
    content: the original bytes; empty if they are not available, and then `defect` says why.
    received_at: when the provider received it, aware UTC.
    from_sent: whether it was read from our own folder of sent mail, which only our own mail programs write.
    """

    source_key: str
    content: bytes
    received_at: datetime
    defect: str = ""
    from_sent: bool = False


@dataclass(frozen=True, slots=True)
class Cursor:
    """The position up to which a channel has been read.

    epoch: positions are comparable only within an epoch (IMAP's UIDVALIDITY); another epoch means another mailbox.
    position: the provider's own position within the epoch, as text.
    """

    epoch: str
    position: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedReport:
    """A report on a message of ours that is named by our id, or else by the provider's. key: of the report itself."""

    key: str
    report: DeliveryReport
    outbound_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The result of one fetch.

    cursor: where to continue once these messages are stored; None for a channel that pushes and has no position.
    more: true if the provider has further messages now.
    backfill: true for old mail: agents see it, but it gets no automatic reply and no clock.
    notice: a sentence for the operator when something about the channel changed (a new epoch); else empty.
    waiting: how many messages the provider still has above the cursor, if known.
    held: how many messages the provider has in all; None if it does not report it.
    form: how to parse the messages: as mail, or with the reader of the kind of that name (`connectors.registry`).
    reports: what the provider says about messages of ours.
    wakes: topic -> what a callback says about waiting messages; a polled channel with that topic asks at once.
    calls: what the provider's list says about calls; each becomes a message when enough is known of it.
    missed_after: how long after its end such a call's voicemail may come in.
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
    reports: Sequence[NamedReport] = ()
    wakes: Mapping[str, str] = field(default_factory=dict)
    calls: Sequence[CallNews] = ()
    missed_after: timedelta = MISSED_AFTER


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One message, normalised and ready to be stored.

    envelope: the Envelope as JSON (`router.envelope.to_json`).
    original: the fetched bytes, compressed with zstandard.  size: their length before.
    content_hash: SHA-256 of the fetched bytes; where a provider delivers one message in several forms, of the values
        that all forms contain.
    unreadable: why the message could not be parsed, in a sentence; its envelope is then a stub; else empty.
    completes: it tells more about the message of its source key, so that other bytes under the key are no conflict.
    """

    source_key: str
    envelope: bytes
    original: bytes
    size: int
    content_hash: bytes
    received_at: datetime
    unreadable: str = ""
    completes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The result of a `probe`: ok, and sentences for the operator: facts, or problems with their solution."""

    ok: bool
    findings: tuple[str, ...]


class Connector(Protocol):
    """A channel that is polled. Only one thread at a time uses a connector, except for `close`."""

    @property
    def channel(self) -> str:
        """The channel's name in the configuration."""

    def fetch(self, cursor: Cursor | None) -> Batch:
        """Return the next messages above the cursor, oldest first; an empty batch when there are none.

        cursor: None on the very first run; the channel's `start` setting then decides.
        Raises TransientError when the provider cannot be reached or is busy, PermanentError when it refuses us.
        """

    def settle(self, batch: Batch) -> None:
        """Tell the provider that the batch is stored. Called after the commit; may fail or come twice."""

    def wait(self, seconds: float) -> None:
        """Return after `seconds`, or earlier if the provider announces messages or `close` is called."""

    def close(self) -> None:
        """Close the connection and end a `wait`; callable from another thread."""


@runtime_checkable
class WakeableConnector(Protocol):
    """A connector whose provider's callbacks say when to ask."""

    def wake(self, token: str) -> None:
        """Ask at once, with what the callback brought; callable from another thread."""


@runtime_checkable
class PausingConnector(Protocol):
    """A connector whose provider may forbid the next poll for longer than the channel's own pause."""

    def pause(self) -> float:
        """Return for how many seconds the next poll has to wait at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """A polled channel. poll: seconds between two polls when nothing is waiting.

    topic: under which callbacks for it are left; empty without any.
    """

    connector: Connector
    poll: float
    topic: str = ""


class PushGate(Protocol):
    """A channel that pushes: its senders connect at any time and wait for our answer."""

    @property
    def channel(self) -> str:
        """The channel's name in the configuration."""

    def open(self, accept: Callable[[Batch], None]) -> None:
        """Start to listen. Each batch goes to `accept`, which returns once it is on disk; only then we confirm it.

        accept: raises TransientError when the batch cannot be stored now; its senders get a temporary refusal.
        Raises TransientError when the address is in use, PermanentError when listening on it is impossible.
        """

    def check(self) -> None:
        """Raise TransientError if the gate no longer listens."""

    def take_refusals(self) -> Mapping[str, int]:
        """Return how much was refused or put off since the last call, by the limit that was reached."""

    def probe(self) -> Health:
        """Test whether the gate listens or could listen; change nothing."""

    def close(self) -> None:
        """Stop listening; a sender that waits for an answer gets it first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRequest:
    """One HTTP request of a provider, unchanged.

    headers: names in lower case.  query: raw, without the question mark.  path: the part after the channel's address.
    """

    body: bytes
    headers: Mapping[str, str]
    query: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class WebhookResponse:
    """The response to the provider. media_type: of the text."""

    text: str
    media_type: str
    status: int = 200


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one item of a request.

    inbound_id: the row of a message; None for a report.  known: it was here before.  conflict: its key was, with other
    bytes.  unknown: it is about a message that we never sent.
    """

    inbound_id: UUID | None = None
    known: bool = False
    conflict: bool = False
    unknown: bool = False


class ProviderEndpoint(Protocol):
    """Handles the provider's HTTP requests for one channel. Made for one request; keeps no state.

    Every method may raise ConfigError when the operator's file lacks a value that the signature needs.
    """

    def is_signed(self, request: WebhookRequest, *, now: datetime) -> bool:
        """Return whether the provider signed exactly these bytes, and recently if it signs the time."""

    def challenge(self, request: WebhookRequest) -> WebhookResponse:
        """Return the response to the provider's challenge.

        Anybody can ask, with any text: the answer is never something that `is_signed` accepts for a body. Where the
        provider tests and signs under one secret, the form of the text separates the two.
        Raises NotFound for a provider without challenges, PermanentError for a request that is not a challenge.
        """

    def batch(self, request: WebhookRequest, *, now: datetime) -> Batch:
        """Return the messages in a signed request; none when it contains something else.

        Raises PermanentError when it cannot be parsed or is not for this channel.
        """

    def answer(self, request: WebhookRequest, *, taken: Mapping[str, Taken]) -> WebhookResponse:
        """Return the response that the provider expects once its messages are on disk.

        taken: what became of each message of `batch` by its source key, and of each report by its key.
        """

    def delivery(self, request: WebhookRequest) -> DeliveryReport:
        """Return the delivery report in a signed request.

        Raises NotFound for a provider without reports, PermanentError when the report is not known.
        """


def utc_now() -> datetime:
    """Return the current time, aware UTC."""
    return datetime.now(UTC)
