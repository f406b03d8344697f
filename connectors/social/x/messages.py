"""Parse one direct message of X: in the format of its API, or in the older format of its webhooks. Pure.

Both have the same id for the same event; the id contains its time.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

from connectors.base import RawMessage
from connectors.json_messages import Document, UnreadableDocument, lasting, read_document, text_of
from router.envelope import Envelope, Party, PartyKind

# The time in an id counts milliseconds from here, above 22 other bits.
_EPOCH: Final = datetime(2010, 11, 4, 1, 42, 54, 657000, tzinfo=UTC)
_OTHER_BITS: Final = 22
_MISSING_FILES: Final = "A file came with this message that X does not give to programs like this one: see it on X."


def read(message: RawMessage, channel: str) -> Envelope:
    """Return the envelope of one stored event. Raises Unreadable."""
    document = read_document(message.content)
    pushed = document.record.get("pushed")
    sender, text, has_files = _pushed(pushed, document) if isinstance(pushed, dict) else _polled(document)
    if not sender.handle.isdigit():
        raise UnreadableDocument("The event has no sender.")
    return Envelope(
        channel=channel,
        source_key=message.source_key,
        sender=sender,
        received_at=message.received_at,
        text=text,
        sent_at=time_of(message.source_key),
        defects=(_MISSING_FILES,) if has_files else (),
    )


def lasting_of(content: bytes) -> bytes:
    """Return the values that poll and webhook share. Raises Unreadable."""
    record = read_document(content).record
    event = record.get("pushed") or record.get("event")
    if not isinstance(event, dict):
        raise UnreadableDocument("The record has no event.")
    return lasting(text_of(event, "id", needed=True), sender_of(event))


def sender_of(event: Mapping[str, object]) -> str:
    """Return the sender's id in either format; empty if there is none."""
    created = event.get("message_create")
    holder = created if isinstance(created, dict) else event
    sender = holder.get("sender_id")
    return sender if isinstance(sender, str) else ""


def time_of(event_id: str) -> datetime | None:
    """Return when an event was made, from its id; None if that is not valid."""
    if not (event_id.isascii() and event_id.isdigit()):
        return None
    with suppress(OverflowError):
        return _EPOCH + timedelta(milliseconds=int(event_id) >> _OTHER_BITS)
    return None


def id_at(moment: datetime) -> int:
    """Return the smallest id of that moment."""
    return max((moment - _EPOCH) // timedelta(milliseconds=1), 0) << _OTHER_BITS


def _polled(document: Document) -> tuple[Party, str, bool]:
    event, user = document.record.get("event"), document.record.get("sender")
    if not isinstance(event, dict):
        raise UnreadableDocument("The record has no event.")
    known = user if isinstance(user, dict) else {}
    party = _party(sender_of(event), name=text_of(known, "name"), username=text_of(known, "username"))
    return party, text_of(event, "text"), bool(event.get("attachments"))


def _pushed(event: Mapping[str, object], document: Document) -> tuple[Party, str, bool]:
    created = event.get("message_create")
    said = created.get("message_data") if isinstance(created, dict) else None
    if not isinstance(said, dict):
        raise UnreadableDocument("The event has no message.")
    users, sender = document.record.get("users"), sender_of(event)
    user = users.get(sender) if isinstance(users, dict) else None
    known = user if isinstance(user, dict) else {}
    party = _party(sender, name=text_of(known, "name"), username=text_of(known, "screen_name"))
    # The older format escapes three characters.
    return party, html.unescape(text_of(said, "text")), bool(said.get("attachment"))


def _party(handle: str, *, name: str, username: str) -> Party:
    # The number never changes; the @name may, and another person may take it.
    return Party(PartyKind.X, handle, " ".join(filter(None, (name, f"@{username}" if username else ""))))
