"""Parse one SMS, MMS or WhatsApp message, from Twilio's list or from its webhook. Pure.

`record` is the Message resource of the API (`sid`, `from`, `to`, `body`, `num_media`); the webhook endpoint renames
its form's fields to these.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from connectors.base import RawMessage
from connectors.json_messages import UnreadableDocument, lasting, read_document, text_of
from connectors.sms.phone_numbers import comparable, e164
from router.envelope import Envelope, Party, PartyKind

_WHATSAPP: Final = "whatsapp:"


def read(message: RawMessage, channel: str) -> Envelope:
    """Return the envelope of one stored message. Raises Unreadable."""
    document = read_document(message.content)
    record = document.record
    sender = party(text_of(record, "from", needed=True), name=text_of(record, "profile_name"))
    if not sender.handle:
        raise UnreadableDocument("The message has no sender.")
    return Envelope(
        channel=channel,
        source_key=message.source_key,
        sender=sender,
        received_at=message.received_at,
        to=(party(text_of(record, "to", needed=True)),),
        text=text_of(record, "body"),
        sent_at=moment(record, "date_created") or moment(record, "date_sent"),
        attachments=document.attachments,
        defects=document.problems,
    )


def lasting_of(content: bytes) -> bytes:
    """Return the values that list and webhook share. Raises Unreadable.

    Not the body: an account that stores no text lists it empty later.
    """
    record = read_document(content).record
    return lasting(*(text_of(record, key, needed=True) for key in ("sid", "from", "to")))


def party(address: str, *, name: str = "") -> Party:
    """Return the party behind Twilio's address. A WhatsApp user without a number has an opaque, case-sensitive id."""
    if not address.startswith(_WHATSAPP):
        return Party(PartyKind.PHONE, comparable(address), name)
    user = address.removeprefix(_WHATSAPP)
    return Party(PartyKind.WHATSAPP, e164(user) or user.strip(), name)


def moment(record: Mapping[str, object], key: str) -> datetime | None:
    """Return a date of the record (RFC 2822 section 3.3), aware UTC; None if it has no valid one."""
    value = record.get(key)
    if isinstance(value, str):
        with suppress(ValueError, OverflowError):
            parsed = parsedate_to_datetime(value)
            return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    return None
