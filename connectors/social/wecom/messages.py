"""Parse one item of WeCom's customer service: a customer's message, a colleague's, or an event. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from connectors.base import NamedReport, RawMessage
from connectors.json_messages import UNKNOWN, UnreadableDocument, lasting, read_document, text_of, write_document
from router.delivery import DeliveryReport, DeliveryStatus
from router.envelope import Attachment, Envelope, Party, PartyKind, Revision, RevisionKind

FORM: Final = "wecom"
# A reference in place of a URL: the address needs a token, which ends.
MEDIA: Final = "wecom-media:"
CUSTOMER, SYSTEM, COLLEAGUE = 3, 4, 5
_FILES: Final = {"image": "image.jpg", "voice": "voice.amr", "video": "video.mp4", "file": "file"}
# What is shown of messages that are no text, by their fields.
_SHOWN: Final = {
    "location": ("name", "address"),
    "link": ("title", "desc", "url"),
    "business_card": ("userid",),
    "miniprogram": ("title", "appid"),
}
_FAILURES: Final = {
    0: "unknown reason",
    1: "the account was deleted",
    2: "the app is closed",
    4: "48 hours have passed since the customer's last message",
    5: "the session is closed",
    6: "five messages have followed the customer's last one",
    7: "the account has no channel",
    8: "the account is not verified",
    9: "the account is not verified",
    10: "the customer refuses messages",
}


def key_of(account: str, msgid: str) -> str:
    """Return the source key of a message."""
    return f"{account}:{msgid}"


def sent_at(item: Mapping[str, object]) -> datetime:
    """Return when an item was sent, aware UTC. Raises UnreadableDocument."""
    stamp = item.get("send_time")
    try:
        if isinstance(stamp, int):
            return datetime.fromtimestamp(stamp, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise UnreadableDocument("The item has no send_time.")


def event_of(item: Mapping[str, object]) -> Mapping[str, object] | None:
    """Return the event in an item; None for a message."""
    event = item.get("event")
    return event if item.get("msgtype") == "event" and isinstance(event, dict) else None


def raw_of(item: Mapping[str, object], *, account: str, now: datetime) -> RawMessage | None:
    """Return an item as it is stored; None for an event that is no message and changes none."""
    event = event_of(item)
    if event is not None and event.get("event_type") not in {"user_recall_msg", "servicer_recall_msg"}:
        return None
    record = {"account": account, "item": dict(item)}
    msgid = item.get("msgid")
    key = key_of(account, msgid if isinstance(msgid, str) and msgid else f"?{hash_of(item)}")
    try:
        received_at = min(sent_at(item), now)
    except UnreadableDocument:
        received_at = now
    return RawMessage(source_key=key, content=write_document(record, form=FORM, source="poll"), received_at=received_at)


def hash_of(item: Mapping[str, object]) -> str:
    """Return a name for an item without an id."""
    return sha256(json.dumps(item, sort_keys=True).encode()).hexdigest()[:32]


def report_of(item: Mapping[str, object]) -> NamedReport | None:
    """Return what an item reports about a message of ours; None for others."""
    event = event_of(item)
    if event is None or event.get("event_type") != "msg_send_fail":
        return None
    failed, kind = str(event.get("fail_msgid", "")), event.get("fail_type")
    said = _FAILURES.get(kind if isinstance(kind, int) else 0, f"reason {kind}")
    why = f"WeCom could not deliver it: {said} ({kind})"
    report = DeliveryReport(delivery=DeliveryStatus.UNDELIVERED, provider_id=failed, why=why)
    return NamedReport(key=f"fail:{failed}", report=report)


def read(message: RawMessage, channel: str) -> Envelope:
    """Return the envelope of one stored item. Raises UnreadableDocument."""
    record = read_document(message.content).record
    item = record.get("item")
    if not isinstance(item, dict):
        raise UnreadableDocument("The stored item is no object.")
    account, event = text_of(record, "account"), event_of(item)
    if event is not None:
        revision = Revision(of=key_of(account, text_of(event, "recall_msgid")), kind=RevisionKind.WITHDRAWN)
        unnamed = Party(PartyKind.WECOM, "")
        return Envelope(
            channel=channel,
            source_key=message.source_key,
            sender=unnamed,
            received_at=message.received_at,
            revision=revision,
        )
    customer = Party(PartyKind.WECOM, text_of(item, "external_userid", needed=True))
    is_ours = item.get("origin") == COLLEAGUE
    return Envelope(
        channel=channel,
        source_key=message.source_key,
        sender=Party(PartyKind.WECOM, "", text_of(item, "servicer_userid")) if is_ours else customer,
        to=(customer,) if is_ours else (),
        received_at=message.received_at,
        sent_at=sent_at(item),
        text=_words(item),
        attachments=_attachments(item),
        from_colleague=is_ours,
    )


def lasting_of(content: bytes) -> bytes:
    """Return what is the same in every fetch of an item. Raises UnreadableDocument."""
    return lasting(json.dumps(read_document(content).record.get("item"), sort_keys=True))


def _part(item: Mapping[str, object]) -> Mapping[str, object]:
    part = item.get(text_of(item, "msgtype"))
    return part if isinstance(part, dict) else {}


def _words(item: Mapping[str, object]) -> str:
    kind, part = text_of(item, "msgtype"), _part(item)
    if kind == "text":
        return text_of(part, "content")
    if kind in _FILES:
        return ""
    if kind in _SHOWN:
        return "\n".join(filter(None, (text_of(part, name) for name in _SHOWN[kind])))
    # Never dropped: agents see what it is, and all of it.
    return f"[{kind}]\n{json.dumps(part, ensure_ascii=False)}"


def _attachments(item: Mapping[str, object]) -> tuple[Attachment, ...]:
    kind, media_id = text_of(item, "msgtype"), text_of(_part(item), "media_id")
    if kind not in _FILES or not media_id:
        return ()
    name = text_of(_part(item), "filename") or _FILES[kind]
    return (Attachment(name=name, media_type=UNKNOWN, size=0, sha256="", part=0, url=f"{MEDIA}{media_id}"),)
