"""Parse one event of LINE's webhook: a customer's message, or that they took one back. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from connectors.base import RawMessage
from connectors.json_messages import UNKNOWN, UnreadableDocument, lasting, read_document, text_of, write_document
from router.envelope import Attachment, Envelope, Party, PartyKind, Revision, RevisionKind

FORM: Final = "line"
# A reference in place of a URL: the address needs the access token, which no message keeps.
MEDIA: Final = "line-media:"
_FILES: Final = {"image": "image.jpg", "video": "video.mp4", "audio": "audio.m4a", "file": "file"}
# What is shown of messages that are no text, by their fields.
_SHOWN: Final = {"location": ("title", "address", "latitude", "longitude"), "sticker": ("text", "keywords")}
# Keys and tokens that say nothing to people.
_HIDDEN: Final = frozenset({"id", "type", "quoteToken", "markAsReadToken"})
_MARK: Final = ".reply."


def concerns_us(event: Mapping[str, object]) -> bool:
    """Return whether an event is a customer's message or withdrawal: not following, a menu's tap, or a standby copy."""
    return event.get("type") in {"message", "unsend"} and event.get("mode") == "active" and bool(_user(event))


def key_of(event: Mapping[str, object]) -> str:
    """Return the source key: LINE's id of the message, or of another event. Raises UnreadableDocument."""
    if event.get("type") == "message":
        return text_of(_part(event, "message"), "id", needed=True)
    return f"event:{text_of(event, 'webhookEventId', needed=True)}"


def raw_of(event: Mapping[str, object], *, now: datetime) -> RawMessage:
    """Return an event as it is stored. Raises UnreadableDocument for one without an id."""
    content = write_document({"event": dict(event)}, form=FORM, source="webhook")
    return RawMessage(source_key=key_of(event), content=content, received_at=min(_sent_at(event) or now, now))


def read(message: RawMessage, channel: str) -> Envelope:
    """Return the envelope of one stored event. Raises UnreadableDocument."""
    event = _event(message.content)
    if event.get("type") == "unsend":
        withdrawn = text_of(_part(event, "unsend"), "messageId", needed=True)
        return Envelope(
            channel=channel,
            source_key=message.source_key,
            sender=Party(PartyKind.LINE, ""),
            received_at=message.received_at,
            revision=Revision(of=withdrawn, kind=RevisionKind.WITHDRAWN),
        )
    if not (customer := _user(event)):
        raise UnreadableDocument("The message has no sender.")
    part = _part(event, "message")
    return Envelope(
        channel=channel,
        source_key=message.source_key,
        sender=Party(PartyKind.LINE, customer),
        received_at=message.received_at,
        sent_at=_sent_at(event),
        text=_words(part),
        attachments=_attachments(part),
        rfc_message_id=_message_id(event, channel=channel),
    )


def lasting_of(content: bytes) -> bytes:
    """Return what is the same in every delivery of an event. Raises UnreadableDocument."""
    event = _event(content)
    # Not the whole: a redelivery is marked as one, and LINE chooses a sticker's keywords at random.
    part, taken = _part(event, "message"), _part(event, "unsend")
    return lasting(_user(event), *(text_of(part, name) for name in ("id", "type", "text")), text_of(taken, "messageId"))


def reply_token_of(rfc_message_id: str) -> str:
    """Return the token to reply for free to the message of this Message-ID; empty if it has none."""
    _, mark, rest = rfc_message_id.partition(_MARK)
    return rest.partition("@")[0] if mark else ""


def _message_id(event: Mapping[str, object], *, channel: str) -> str:
    # What answers a message names its Message-ID, so the token reaches the sender with it.
    token = text_of(event, "replyToken")
    return f"{key_of(event)}{_MARK + token if token else ''}@{channel}.{FORM}"


def _event(content: bytes) -> Mapping[str, object]:
    event = read_document(content).record.get("event")
    if not isinstance(event, dict):
        raise UnreadableDocument("The stored event is no object.")
    return event


def _part(record: Mapping[str, object], name: str) -> Mapping[str, object]:
    part = record.get(name)
    return part if isinstance(part, dict) else {}


def _user(event: Mapping[str, object]) -> str:
    source = _part(event, "source")
    named = source.get("type") == "user" and isinstance(source.get("userId"), str)
    return text_of(source, "userId") if named else ""


def _sent_at(event: Mapping[str, object]) -> datetime | None:
    stamp = event.get("timestamp")
    try:
        return datetime.fromtimestamp(stamp / 1000, UTC) if isinstance(stamp, int) else None
    except (ValueError, OverflowError, OSError):
        return None


def _words(part: Mapping[str, object]) -> str:
    kind = text_of(part, "type")
    if kind == "text":
        return text_of(part, "text")
    if kind in _FILES:
        return ""
    if kind in _SHOWN:
        shown = "\n".join(filter(None, (_shown(part.get(name)) for name in _SHOWN[kind])))
        return f"[{kind}] {shown}".rstrip()
    # Never dropped: agents see what it is, and all of it.
    rest = {name: value for name, value in part.items() if name not in _HIDDEN}
    return f"[{kind}]\n{json.dumps(rest, ensure_ascii=False)}"


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    return "" if value is None else str(value).encode("utf-8", "replace").decode("utf-8").replace("\x00", "")


def _attachments(part: Mapping[str, object]) -> tuple[Attachment, ...]:
    kind = text_of(part, "type")
    if kind not in _FILES:
        return ()
    provider = _part(part, "contentProvider")
    # A picture that an app sent in the customer's name is at that app's host.
    elsewhere = text_of(provider, "originalContentUrl") if provider.get("type") == "external" else ""
    url = elsewhere or f"{MEDIA}{text_of(part, 'id', needed=True)}"
    name = text_of(part, "fileName") or _FILES[kind]
    return (Attachment(name=name, media_type=UNKNOWN, size=0, sha256="", part=0, url=url),)
