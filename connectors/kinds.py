"""What a row of the registry says about one kind of channel, and how the parts that it names are loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from typing import Final, Generic, Protocol, TypeVar, cast
from urllib.parse import quote

from connectors.base import Connector, Health, ProviderEndpoint, PushGate, RawMessage, Sender
from router.delivery import DeliveryStatus
from router.envelope import Envelope, PartyKind
from router.settings.channel_base import ChannelSettings
from router.settings.model import DeskSettings

# Below it providers call us, each channel at its name.
WEBHOOKS_PATH: Final = "/webhooks"

Part_co = TypeVar("Part_co", covariant=True)


def webhook_address(desk: DeskSettings, channel: str) -> str:
    """Return the public address at which the provider of a channel calls us; empty if the desk has no public one."""
    return f"{desk.public_url}{WEBHOOKS_PATH}/{quote(channel)}" if desk.public_url else ""


class MessageReader(Protocol):
    """A module that reads the kept messages of a kind again and again, purely."""

    @property
    def read(self) -> Callable[[RawMessage, str], Envelope]:
        """Return the envelope of one kept message of a channel. Raises UnreadableDocument."""

    @property
    def lasting_of(self) -> Callable[[bytes], bytes]:
        """Return what a message says however it reached us; empty when that is unknown."""


# The settings that a part gets are of the row's own class: the functions of `connectors.registry` see to that.
ConnectorMaker = Callable[[str, ChannelSettings], Connector]
GateMaker = Callable[[str, ChannelSettings], PushGate]
SenderMaker = Callable[[str, ChannelSettings, DeskSettings], Sender]
EndpointMaker = Callable[[str, ChannelSettings, DeskSettings], ProviderEndpoint]
Probe = Callable[[str, ChannelSettings], Health]
PositionParser = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class LazyPart(Generic[Part_co]):
    """Something in a kind's folder, loaded with its libraries when it is first needed: `module`, or `module:name`."""

    target: str

    def load(self) -> Part_co:
        """Import the module and return the part."""
        module, _, path = self.target.partition(":")
        found: object = import_module(module)
        for name in filter(None, path.split(".")):
            found = getattr(found, name)
        return cast("Part_co", found)


class Icon(StrEnum):
    """How the desk draws a channel."""

    LETTER = "letter"
    PHONE = "phone"
    BUBBLE = "bubble"
    GLOBE = "globe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a kind can do, whatever its settings say.

    mail: replies leave as mail, with a subject, a Message-ID and copies; else each is a short text to one recipient.
    files: replies may carry files.  public: what is written there is public, so no automatic message may leave by it.
    edits: the provider says when a customer changes a message.
    repeatable: a second copy of a reply does no harm (see `Sender.repeatable`).
    """

    mail: bool = False
    files: bool = False
    public: bool = False
    edits: bool = False
    repeatable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelKind:
    """One kind of channel.

    settings: the class of its tables in the operator's file; the window and the longest text, which can depend on what
        the file says, are properties there.
    parties: what its customers' handles are; the first is that of a message that cannot be read.
    can, icon: see there.
    connector: polls; called with the channel's name and settings.  gate: listens; called in the same way.
    endpoint: answers a provider that calls us over HTTP; called with name, settings and the desk's.
    sender: the way out; called as `endpoint` is.
    lane: kinds of one lane share their sending threads; empty for a lane of its own.
    reader: the module that reads what was kept, by the kind's name as its form; None for mail, which is read in a
        child process.
    statuses: what the provider reports to the endpoint about messages of ours; empty if it reports nothing.
    probe: for the operator, where neither the connector's nor, without one, the sender's own shows enough.
    position: checks a position of the channel's cursor that an operator typed; None if it cannot be moved by hand.
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
    position: LazyPart[PositionParser] | None = None

    @property
    def name(self) -> str:
        """The value of `kind` in the operator's file; also the form of its messages where it has a reader."""
        return self.settings.kind_name()
