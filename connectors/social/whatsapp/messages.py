"""Parse one WhatsApp message as Meta's webhook brought it. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from connectors.base import RawMessage
from connectors.email.mime.attachments import safe_name
from connectors.json_messages import UNKNOWN, UnreadableDocument, lasting, read_document, text_of, write_document
from connectors.sms.phone_numbers import e164
from connectors.social.whatsapp.message_words import FILES, words_of
from router.envelope import Attachment, ContactPoint, Envelope, Party, PartyKind

FORM: Final = "whatsapp"
# A reference in place of a URL: the address is valid for five minutes and needs a token.
MEDIA: Final = "whatsapp-media:"
# They open no case: a reaction, what the system says about numbers, and opening the chat.
_NO_MESSAGES: Final = frozenset({"reaction", "system", "request_welcome", ""})
_HEX: Final = re.compile(r"[0-9a-fA-F]{64}")
_EXTENSIONS: Final = {"image": ".jpg", "video": ".mp4", "audio": ".ogg", "sticker": ".webp", "document": ""}

Json = Mapping[str, object]


def part_of(record: Json, key: str) -> Json:
    """Return an object within another; empty if there is none."""
    found = record.get(key)
    return found if isinstance(found, dict) else {}


def is_message(message: Json) -> bool:
    """Return whether it is a customer's message, in no group."""
    named = isinstance(message.get("id"), str) and bool(message["id"])
    return named and message.get("type") not in _NO_MESSAGES and "type" in message and not message.get("group_id")


def raw_of(message: Json, *, contact: Json, is_echo: bool, now: datetime) -> RawMessage:
    """Return a message as it is stored. is_echo: a colleague wrote it in the Business app."""
    record = {"message": dict(message), "contact": dict(contact), "echo": is_echo}
    content = write_document(record, form=FORM, source="webhook")
    at = min(_sent_at(message) or now, now)
    return RawMessage(source_key=str(message["id"]), content=content, received_at=at)


def read(message: RawMessage, channel: str) -> Envelope:
    """Return the envelope of one stored message. Raises UnreadableDocument."""
    record = read_document(message.content).record
    said, contact, is_echo = _message(record), part_of(record, "contact"), record.get("echo") is True
    customer = _customer(said, contact, is_echo=is_echo)
    return Envelope(
        channel=channel,
        source_key=message.source_key,
        sender=Party(PartyKind.WHATSAPP, "") if is_echo else customer,
        to=(customer,) if is_echo else (),
        received_at=message.received_at,
        sent_at=_sent_at(said),
        text=words_of(said),
        attachments=_attachments(said),
        from_colleague=is_echo,
        contact_points=() if is_echo else _numbers(said, contact),
    )


def lasting_of(content: bytes) -> bytes:
    """Return what is the same in every repetition: not the addresses of files, nor the name. Raises as `read`."""
    said = _message(read_document(content).record)
    return lasting(*(text_of(said, key) for key in ("id", "type", "timestamp")), words_of(said))


def _message(record: Json) -> Json:
    found = record.get("message")
    if not isinstance(found, dict):
        raise UnreadableDocument("The stored message is no object.")
    return found


def _customer(said: Json, contact: Json, *, is_echo: bool) -> Party:
    """Return the customer: by Meta's id of the user, unchanged, because not all have a number; else by the number."""
    name = text_of(part_of(contact, "profile"), "name")
    user = text_of(said, "to_user_id" if is_echo else "from_user_id") or text_of(contact, "user_id")
    number = text_of(said, "to" if is_echo else "from") or text_of(contact, "wa_id")
    handle = user or _as_number(number)
    if not handle:
        raise UnreadableDocument("The message has no sender.")
    return Party(PartyKind.WHATSAPP, handle, name)


def _as_number(shown: str) -> str:
    return (e164(f"+{shown}") if shown.isascii() and shown.isdigit() else "") or shown


def _numbers(said: Json, contact: Json) -> tuple[ContactPoint, ...]:
    """Return the customer's number, which WhatsApp has verified."""
    shown = text_of(said, "from") or text_of(contact, "wa_id")
    number = e164(f"+{shown}") if shown.isascii() and shown.isdigit() else ""
    return (ContactPoint(kind=PartyKind.PHONE, value=number, verified=True),) if number else ()


def _sent_at(message: Json) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(str(message.get("timestamp", ""))), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _attachments(said: Json) -> tuple[Attachment, ...]:
    kind = text_of(said, "type")
    part = part_of(said, kind)
    media_id = text_of(part, "id") if kind in FILES else ""
    if not media_id:
        return ()
    name = safe_name(text_of(part, "filename")) or f"{kind}{_EXTENSIONS[kind]}"
    digest = _hex(text_of(part, "sha256"))
    return (Attachment(name=name, media_type=UNKNOWN, size=0, sha256=digest, part=0, url=f"{MEDIA}{media_id}"),)


def _hex(digest: str) -> str:
    """Return a SHA-256 in hex, which Meta writes in base64; empty for what is none."""
    if _HEX.fullmatch(digest):
        return digest.lower()
    try:
        found = base64.b64decode(digest, validate=True)
    except (binascii.Error, ValueError):
        return ""
    return found.hex() if len(found) == 32 else ""
