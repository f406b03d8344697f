"""Read one SMS that `http_door` wrote down. Pure."""

from __future__ import annotations

from connectors.base import RawMessage
from connectors.json_messages import Unreadable, lasting, read_document, text_of
from connectors.sms.phone_numbers import comparable
from router.envelope import Envelope, Party, PartyKind


def read(message: RawMessage, channel: str) -> Envelope:
    """Return the envelope of one kept message. Raises Unreadable."""
    record = read_document(message.content).record
    region = text_of(record, "region") or None
    sender = comparable(text_of(record, "sender", needed=True), region=region)
    if not sender:
        raise Unreadable("The message has no sender.")
    own = text_of(record, "to") or text_of(record, "number")
    return Envelope(
        channel=channel,
        source_key=message.source_key,
        sender=Party(PartyKind.PHONE, sender),
        received_at=message.received_at,
        to=(Party(PartyKind.PHONE, comparable(own)),),
        text=text_of(record, "text"),
    )


def lasting_of(content: bytes) -> bytes:
    """Return what the provider says however often it brings a message. Raises Unreadable."""
    record = read_document(content).record
    return lasting(*(text_of(record, key) for key in ("id", "sender", "text")))
