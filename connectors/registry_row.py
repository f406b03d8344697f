"""The row of a channel kind in the registry, and how the parts that it names are loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import import_module
from typing import Final, Generic, Protocol, TypeVar, cast, runtime_checkable
from urllib.parse import quote

from connectors.base import Connector, Health, ProviderEndpoint, PushGate, RawMessage
from connectors.call_machine import CallMachine, StaffedHours
from connectors.sender_contract import Outgoing, Sender
from router.delivery import DeliveryStatus
from router.envelope import Envelope, PartyKind
from router.settings.channels.base import ChannelSettings
from router.settings.model import DeskSettings

# Providers call below this path, each channel at its name.
WEBHOOKS_PATH: Final = "/webhooks"
# The same for calls, whose every step waits for our answer.
VOICE_PATH: Final = "/voice"

Part_co = TypeVar("Part_co", covariant=True)


def webhook_address(desk: DeskSettings, channel: str) -> str:
    """Return the public URL for the provider of a channel; empty if the desk has no public URL."""
    return f"{desk.public_url}{WEBHOOKS_PATH}/{quote(channel)}" if desk.public_url else ""


def voice_address(desk: DeskSettings, channel: str) -> str:
    """Return the public URL for the calls of a channel; empty if the desk has no public URL."""
    return f"{desk.public_url}{VOICE_PATH}/{quote(channel)}" if desk.public_url else ""


@runtime_checkable
class ProbedConnector(Protocol):
    """A connector that tests its own access; for another one, its kind's row names the probe."""

    def probe(self) -> Health:
        """Log in, test the access, and report it; change nothing."""


class MessageReader(Protocol):
    """A module that parses the stored messages of a kind, without side effects."""

    @property
    def read(self) -> Callable[[RawMessage, str], Envelope]:
        """Return the envelope of one kept message of a channel. Raises UnreadableDocument."""

    @property
    def lasting_of(self) -> Callable[[bytes], bytes]:
        """Return the values of a message that do not depend on how it reached us; empty when they are unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRequest:
    """How a file of a message is fetched. headers: with the credentials.  allow_private: from our own networks as well.

    largest: bytes.  json_is_refusal: a JSON document in place of the bytes says why there are none.
    onward: ends of the names of other hosts that may be passed on to; they do not get the headers.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    allow_private: bool = False
    onward: tuple[str, ...] = ()
    largest: int = 20_971_520
    json_is_refusal: bool = False


# A part gets settings of the row's own class: the functions of `connectors.registry` ensure that.
ConnectorMaker = Callable[[str, ChannelSettings], Connector]
GateMaker = Callable[[str, ChannelSettings], PushGate]
SenderMaker = Callable[[str, ChannelSettings, DeskSettings], Sender]
EndpointMaker = Callable[[str, ChannelSettings, DeskSettings], ProviderEndpoint]
Probe = Callable[[str, ChannelSettings], Health]
DeskProbe = Callable[[str, ChannelSettings, DeskSettings], Health]
PositionParser = Callable[[str], object]
# Called like an `EndpointMaker`, and with the hours of the channel.
CallMachineMaker = Callable[[str, ChannelSettings, DeskSettings, StaffedHours], CallMachine]
# Called with the channel's settings and the URL that a message names.
FileRequester = Callable[[ChannelSettings, str], FileRequest]
# Called with the channel's name, its settings and a message of ours; returns it as JSON for who collects it.
OutboxWriter = Callable[[str, ChannelSettings, Outgoing], Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class LazyPart(Generic[Part_co]):
    """A part in a kind's folder, imported with its libraries on first use: `module`, or `module:name`."""

    target: str

    def load(self) -> Part_co:
        """Import the module and return the part."""
        module, _, path = self.target.partition(":")
        found: object = import_module(module)
        for name in filter(None, path.split(".")):
            found = getattr(found, name)
        return cast("Part_co", found)


class Icon(StrEnum):
    """The icon of a channel in the desk."""

    LETTER = "letter"
    PHONE = "phone"
    BUBBLE = "bubble"
    GLOBE = "globe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """The abilities of a kind, independent of its settings.

    mail: replies are sent as mail, with a subject, a Message-ID and copies; else each is a short text to one recipient.
    files: replies may carry files.  public: its messages are public, so no automatic message may be sent.
    edits: the provider reports when a customer changes a message.
    repeatable: a second copy of a reply does no harm (see `Sender.repeatable`).
    at_once: a reply is spoken like a line of a chat, so it never waits to be taken back.
    answers: replies can be sent at all; not to a call.
    """

    mail: bool = False
    files: bool = False
    public: bool = False
    edits: bool = False
    repeatable: bool = False
    at_once: bool = False
    answers: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelKind:
    """One kind of channel.

    settings: the class of its tables in the operator's file; its properties have the window and the longest text,
        which may depend on the file.
    parties: the kinds of its customers' handles; the first is used for a message that cannot be parsed.
    can, icon: see their classes.
    connector: polls; called with the channel's name and settings.  gate: listens; called in the same way.
    endpoint: handles the provider's HTTP requests; called with name, settings and the desk's settings.
    sender: sends; called like `endpoint`.
    lane: kinds of one lane share their sending threads; empty for a lane of its own.
    reader: the module that parses stored messages, with the kind's name as their form; None for mail, which a child
        process parses.
    statuses: the delivery reports that the endpoint gets from the provider; empty without any.
    probe: for the operator, where the probe of the connector or else of the sender does not show enough.
    desk_probe: the same, where the desk's own address is compared with what the provider calls.
    position: checks a cursor position typed by an operator; None if the cursor cannot be moved by hand.
    files: how its files are fetched that came as a reference; None if they never do.
    outbox: writes our messages for a system that collects them; None if none does.
    calls: answers telephone calls; None if none come.
    """

    settings: type[ChannelSettings]
    parties: tuple[PartyKind, ...]
    icon: Icon
    can: Capabilities = Capabilities()
    connector: LazyPart[ConnectorMaker] | None = None
    gate: LazyPart[GateMaker] | None = None
    endpoint: LazyPart[EndpointMaker] | None = None
    sender: LazyPart[SenderMaker] | None = None
    lane: str = ""
    reader: LazyPart[MessageReader] | None = None
    statuses: frozenset[DeliveryStatus] = frozenset()
    probe: LazyPart[Probe] | None = None
    desk_probe: LazyPart[DeskProbe] | None = None
    position: LazyPart[PositionParser] | None = None
    files: LazyPart[FileRequester] | None = None
    outbox: LazyPart[OutboxWriter] | None = None
    calls: LazyPart[CallMachineMaker] | None = None

    @property
    def name(self) -> str:
        """The value of `kind` in the operator's file; also the form of its messages if it has a reader."""
        return self.settings.kind_name()
