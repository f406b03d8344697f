"""Parse one update of Telegram's Bot API. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from connectors.base import RawMessage
from connectors.json_messages import UnreadableDocument, lasting, read_document, text_of
from router.envelope import Envelope, Party, PartyKind

UPDATES: Final = ("message", "edited_message")
_EDITED: Final = "The customer changed an earlier message to this."
# The kinds of files in a message; of a photo Telegram has several sizes.
_FILES: Final = ("document", "audio", "voice", "video", "video_note", "animation", "sticker")


@dataclass(frozen=True, slots=True)
class FileReference:
    """A file of a message. size: as declared; 0 if it is not."""

    file_id: str
    name: str
    size: int


def message_of(update: Mapping[str, object]) -> Mapping[str, object]:
    """Return the message in an update. Raises Unreadable."""
    for kind in UPDATES:
        message = update.get(kind)
        if isinstance(message, dict):
            return message
    raise UnreadableDocument("The update has no message.")


def is_private(update: Mapping[str, object]) -> bool:
    """Return whether a person wrote to the bot alone; an update without a message counts, so that agents see it."""
    try:
        chat = message_of(update).get("chat")
    except UnreadableDocument:
        return True
    return not isinstance(chat, dict) or chat.get("type", "private") == "private"


def files_of(update: Mapping[str, object]) -> list[FileReference]:
    """Return the files of the update's message; of a photo the largest."""
    try:
        message = message_of(update)
    except UnreadableDocument:
        return []
    found = [each for key in _FILES if isinstance(each := message.get(key), dict)]
    photo = message.get("photo")
    if isinstance(photo, list) and photo and isinstance(photo[-1], dict):
        found.append(max((each for each in photo if isinstance(each, dict)), key=_size))
    return [
        FileReference(str(each["file_id"]), text_of(each, "file_name"), _size(each))
        for each in found
        if "file_id" in each
    ]


def written_at(update: Mapping[str, object]) -> datetime | None:
    """Return when the update's message was written or changed, aware UTC; None without a valid time."""
    try:
        message = message_of(update)
    except UnreadableDocument:
        return None
    stamp = message.get("edit_date") or message.get("date")
    try:
        return datetime.fromtimestamp(stamp, UTC) if isinstance(stamp, int) else None
    except (ValueError, OverflowError, OSError):
        return None


def read(message: RawMessage, channel: str) -> Envelope:
    """Return the envelope of one stored update. Raises Unreadable."""
    document = read_document(message.content)
    said = message_of(document.record)
    edited = (_EDITED,) if "edited_message" in document.record else ()
    return Envelope(
        channel=channel,
        source_key=message.source_key,
        sender=_sender(said),
        received_at=message.received_at,
        text=_words(said),
        sent_at=written_at(document.record),
        attachments=document.attachments,
        defects=(*edited, *document.problems),
    )


def lasting_of(content: bytes) -> bytes:
    """Return the parts of an update that are the same in every fetch: all but its files. Raises Unreadable."""
    return lasting(json.dumps(read_document(content).record, sort_keys=True))


def _sender(message: Mapping[str, object]) -> Party:
    sender = message.get("from")
    if not isinstance(sender, dict) or not isinstance(sender.get("id"), int):
        raise UnreadableDocument("The message has no sender.")
    names = [text_of(sender, "first_name"), text_of(sender, "last_name")]
    username = text_of(sender, "username")
    shown = " ".join(filter(None, (*names, f"@{username}" if username else "")))
    # The number never changes; the username may, and another person may take it.
    return Party(PartyKind.TELEGRAM, str(sender["id"]), shown)


def _words(message: Mapping[str, object]) -> str:
    said = text_of(message, "text") or text_of(message, "caption")
    if said:
        return said
    for key, shown in (("sticker", "emoji"), ("contact", "phone_number"), ("poll", "question")):
        part = message.get(key)
        if isinstance(part, dict):
            return text_of(part, shown)
    place = message.get("location")
    return f"{place.get('latitude')}, {place.get('longitude')}" if isinstance(place, dict) else ""


def _size(each: Mapping[str, object]) -> int:
    size = each.get("file_size")
    return size if isinstance(size, int) else 0
