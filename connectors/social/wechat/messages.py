"""Parse one message of a service account or a mini program, as it came in a callback. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from connectors.base import RawMessage
from connectors.json_messages import UNKNOWN, UnreadableDocument, lasting, read_document, text_of, write_document
from router.envelope import Attachment, Envelope, Party, PartyKind

FORM: Final = "wechat"
# A reference in place of a URL: the address needs a token, which ends.
MEDIA: Final = "wechat-media:"
_FILES: Final = {"image": "image.jpg", "voice": "voice.amr", "video": "video.mp4", "shortvideo": "video.mp4"}
# What is shown of messages that are no text, by their fields.
_SHOWN: Final = {
    "location": ("Label", "Location_X", "Location_Y"),
    "link": ("Title", "Description", "Url"),
    "miniprogrampage": ("Title", "PagePath"),
}
_HIDDEN: Final = frozenset({"ToUserName", "FromUserName", "CreateTime", "MsgType", "MsgId", "MsgDataId", "Idx"})
_TRANSCRIPT: Final = "Transcript by machine 机器转写: {text}"


def key_of(fields: Mapping[str, str], *, app: str) -> str:
    """Return the source key of a message: WeChat's id, which its repetitions have too."""
    return f"{app}:{fields.get('MsgId', '')}"


def is_message(fields: Mapping[str, str]) -> bool:
    """Return whether the fields are a customer's message; events such as following or a menu's tap are none."""
    return bool(fields.get("MsgId")) and fields.get("MsgType") not in {"", "event", None}


def raw_of(fields: Mapping[str, str], *, app: str, now: datetime) -> RawMessage:
    """Return a message as it is stored."""
    content = write_document({"app": app, "fields": dict(fields)}, form=FORM, source="callback")
    at = min(_sent_at(fields.get("CreateTime", "")) or now, now)
    return RawMessage(source_key=key_of(fields, app=app), content=content, received_at=at)


def read(message: RawMessage, channel: str) -> Envelope:
    """Return the envelope of one stored message. Raises UnreadableDocument."""
    fields = _fields(message.content)
    customer = text_of(fields, "FromUserName", needed=True)
    if not customer:
        raise UnreadableDocument("The message has no sender.")
    return Envelope(
        channel=channel,
        source_key=message.source_key,
        sender=Party(PartyKind.WECHAT, customer),
        received_at=message.received_at,
        sent_at=_sent_at(text_of(fields, "CreateTime")),
        text=_words(fields),
        attachments=_attachments(fields),
        rfc_message_id=f"{text_of(fields, 'MsgId')}@{channel}.{FORM}",
    )


def lasting_of(content: bytes) -> bytes:
    """Return what is the same in every repetition of a message. Raises UnreadableDocument."""
    return lasting(json.dumps(_fields(content), sort_keys=True))


def _fields(content: bytes) -> Mapping[str, object]:
    fields = read_document(content).record.get("fields")
    if not isinstance(fields, dict):
        raise UnreadableDocument("The stored message has no fields.")
    return fields


def _sent_at(stamp: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(stamp), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _words(fields: Mapping[str, object]) -> str:
    kind = text_of(fields, "MsgType")
    if kind == "text":
        return text_of(fields, "Content")
    if kind in _FILES:
        heard = text_of(fields, "Recognition")
        return _TRANSCRIPT.format(text=heard) if heard else ""
    if kind in _SHOWN:
        return "\n".join(filter(None, (text_of(fields, name) for name in _SHOWN[kind])))
    # Never dropped: agents see what it is, and all of it.
    shown = {name: value for name, value in fields.items() if name not in _HIDDEN}
    return f"[{kind}]\n{json.dumps(shown, ensure_ascii=False)}"


def _attachments(fields: Mapping[str, object]) -> tuple[Attachment, ...]:
    kind, media_id = text_of(fields, "MsgType"), text_of(fields, "MediaId")
    if kind not in _FILES or not media_id:
        return ()
    return (Attachment(name=_FILES[kind], media_type=UNKNOWN, size=0, sha256="", part=0, url=f"{MEDIA}{media_id}"),)
