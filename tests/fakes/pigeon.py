"""An invented kind of channel, a pigeon that carries short texts: everything that a new kind must have."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import UTC, datetime
from typing import Literal

from connectors.base import Batch, Cursor, Health, RawMessage, WebhookRequest
from connectors.base import WebhookResponse as Reply
from connectors.json_messages import read_document, text_of, write_document
from connectors.sender_contract import Outgoing, Receipt, SendVerdict
from router.delivery import DeliveryReport, DeliveryStatus, TextLimit, Window
from router.envelope import Envelope, Party, PartyKind
from router.settings.channels.base import ChatSettings, PolledSettings
from router.settings.model import DeskSettings

NOW = datetime(2026, 7, 25, 12, tzinfo=UTC)


class PigeonSettings(ChatSettings, PolledSettings):
    """The settings class. loft: the address of the pigeons."""

    kind: Literal["pigeon"]
    loft: str

    @property
    def source(self) -> tuple[str, Hashable]:
        return "loft", (self.kind, self.loft)

    @property
    def text_limit(self) -> TextLimit:
        return TextLimit(20)


class PigeonConnector:
    """See `Connector`: one pigeon has landed."""

    def __init__(self, channel: str, settings: PigeonSettings) -> None:
        self.channel, self._settings = channel, settings

    def fetch(self, cursor: Cursor | None) -> Batch:
        content = write_document({"from": "p-1", "text": "coo"}, form="pigeon", source="poll")
        landed = RawMessage(source_key="1", content=content, received_at=NOW)
        return Batch(channel=self.channel, messages=[landed], cursor=Cursor("", "1"), form="pigeon")

    def settle(self, batch: Batch) -> None: ...

    def wait(self, seconds: float) -> None: ...

    def probe(self) -> Health:
        return Health(ok=True, findings=(f"{self._settings.loft} stands",))

    def close(self) -> None: ...


class PigeonEndpoint:
    """See `ProviderEndpoint`."""

    def __init__(self, channel: str, settings: PigeonSettings, desk: DeskSettings) -> None:
        self.channel = channel

    def is_signed(self, request: WebhookRequest, *, now: datetime) -> bool:
        return request.body == b"coo"

    def challenge(self, request: WebhookRequest) -> Reply:
        return Reply(request.query, "text/plain")

    def batch(self, request: WebhookRequest, *, now: datetime) -> Batch:
        return Batch(channel=self.channel, form="pigeon")

    def answer(self, request: WebhookRequest, *, taken) -> Reply:
        return Reply("", "text/plain")

    def delivery(self, request: WebhookRequest) -> DeliveryReport:
        return DeliveryReport(delivery=DeliveryStatus.DELIVERED)


class PigeonSender:
    """See `Sender`."""

    repeatable = False

    def __init__(self, channel: str, settings: PigeonSettings) -> None:
        self.channel, self._settings = channel, settings

    def window(self, recipient: str) -> Window:
        return self._settings.window

    def send(self, outgoing: Outgoing) -> Receipt:
        return Receipt(verdict=SendVerdict.ACCEPTED)

    def reconcile(self, outgoing: Outgoing, *, since: datetime) -> Receipt | None:
        return None

    def probe(self) -> Health:
        return Health(ok=True, findings=())

    def close(self) -> None: ...


def open_sender(channel: str, settings: PigeonSettings, desk: DeskSettings) -> PigeonSender:
    return PigeonSender(channel, settings)


def read(message: RawMessage, channel: str) -> Envelope:
    record = read_document(message.content).record
    return Envelope(
        channel=channel,
        source_key=message.source_key,
        sender=Party(PartyKind.CUSTOM, text_of(record, "from", needed=True)),
        received_at=message.received_at,
        text=text_of(record, "text"),
    )


def lasting_of(content: bytes) -> bytes:
    return b""
