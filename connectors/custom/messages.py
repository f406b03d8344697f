"""The messages of the operator's systems as stored documents, and back to envelopes. Pure."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Final

from connectors.base import RawMessage
from connectors.custom.contract import Item
from connectors.custom.fields import canonical, list_of, moment_of
from connectors.email.mime.attachments import safe_name
from connectors.json_messages import (
    UNKNOWN,
    MediaFile,
    UnreadableDocument,
    lasting,
    read_document,
    sniff,
    text_of,
    write_document,
)
from connectors.sms.phone_numbers import comparable, e164
from router.envelope import Attachment, ContactPoint, Envelope, Party, PartyKind, Revision, RevisionKind

FORM: Final = "custom"
_AUTOMATIC: Final = ("auto-submitted", "auto-replied")
# What agents read above a call's note: calls have no text of their own.
_RESULTS: Final = {
    "missed": "Missed call 未接来电",
    "answered": "Call 通话",
    "callback": "Call-back request 请求回电",
    "voicemail": "Voicemail 语音留言",
}
_WITHHELD: Final = frozenset({"", "anonymous", "unknown", "restricted", "private", "+266696687"})


def raw_of(item: Item, *, users: str, public: bool, now: datetime, source: str) -> RawMessage:
    """Return an item as it is stored. users: whose ids its users have.  source: how it came."""
    revision = {"kind": item.revision.value, "of": item.of, "order": item.order} if item.revision else None
    record = {"users": users, "public": public, "type": item.type, "revision": revision, "item": dict(item.record)}
    listed = list_of(item.record.get("files"))
    files = [_stored(each, content=item.files.get(place)) for place, each in enumerate(listed)]
    content = write_document(record, form=FORM, source=source, files=files)
    return RawMessage(source_key=item.key, content=content, received_at=now)


def _stored(described: object, *, content: bytes | None) -> MediaFile:
    name = str(described.get("name", "")) if isinstance(described, dict) else ""
    return MediaFile(name=safe_name(name) or "file", content=content)


def lasting_of(content: bytes) -> bytes:
    """Return what is the same in every delivery of an item. Raises UnreadableDocument."""
    record = read_document(content).record
    return lasting(text_of(record, "type"), canonical(_item(record)))


def read(message: RawMessage, channel: str) -> Envelope:
    """Return the envelope of one stored item. Raises UnreadableDocument."""
    document = read_document(message.content)
    record, item = document.record, _item(document.record)
    speaker, customer = _parties(record, item)
    is_out = _is_out(record, item)
    is_call = record.get("type") == "call"
    return Envelope(
        channel=channel,
        source_key=message.source_key,
        sender=speaker,
        to=(customer,) if is_out else (),
        received_at=message.received_at,
        text=_call_text(item) if is_call else text_of(item, "text"),
        own_lines=tuple(_call_lines(item)) if is_call else (),
        quoted=_facts(item),
        sent_at=moment_of(item, "sent_at") or moment_of(item, "started_at"),
        rfc_message_id=None if is_call else _name(item, "id", channel=channel),
        in_reply_to=tuple(filter(None, (_name(item, "in_reply_to", channel=channel),))),
        thread=_thread(item, channel=channel),
        attachments=_attachments(item, document.files),
        machine_headers=(_AUTOMATIC,) if item.get("automatic") is True else (),
        from_colleague=is_out,
        public=record.get("public") is True,
        revision=_revision(record),
        contact_points=() if is_out else _contact_points(item),
    )


def ids_in_name(name: str) -> tuple[str, str]:
    """Return the id of their message and the key of their conversation in a Message-ID of `read`; empty for others."""
    head, at, _ = name.partition("@")
    if not at:
        return "", ""
    try:
        parts = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, binascii.Error):
        return "", ""
    return (str(parts[0]), str(parts[1])) if isinstance(parts, list) and len(parts) == 2 else ("", "")


def _name(item: Mapping[str, object], field: str, *, channel: str) -> str | None:
    """Return the Message-ID that stands for an id of theirs, with their conversation's key in it."""
    named = text_of(item, field)
    if not named:
        return None
    packed = json.dumps([named, text_of(item, "conversation")], ensure_ascii=False).encode("utf-8", "replace")
    return f"{base64.urlsafe_b64encode(packed).decode().rstrip('=')}@{channel}.{FORM}"


def _thread(item: Mapping[str, object], *, channel: str) -> str:
    named = text_of(item, "conversation")
    return f"{named}/{channel}.{FORM}" if named else ""


def _item(record: Mapping[str, object]) -> Mapping[str, object]:
    item = record.get("item")
    if not isinstance(item, dict):
        raise UnreadableDocument("The stored item is no object.")
    return item


def _is_out(record: Mapping[str, object], item: Mapping[str, object]) -> bool:
    return record.get("type") == "message.out" or item.get("direction") == "out"


def _parties(record: Mapping[str, object], item: Mapping[str, object]) -> tuple[Party, Party]:
    """Return who speaks, and the customer: one and the same unless a colleague speaks."""
    customer = _customer(record, item)
    if not _is_out(record, item):
        return customer, customer
    agent = item.get("agent")
    name = text_of(agent, "name") if isinstance(agent, dict) else text_of(item, "agent")
    return Party(PartyKind.CUSTOM, "", name), customer


def _customer(record: Mapping[str, object], item: Mapping[str, object]) -> Party:
    user = item.get("user")
    if isinstance(user, dict):
        handle = f"{text_of(record, 'users')}:{text_of(user, 'id', needed=True)}"
        return Party(PartyKind.CUSTOM, handle, text_of(user, "name"))
    if record.get("type") == "call":
        number = (
            text_of(item, "to" if item.get("direction") == "out" else "from").removeprefix("sip:").partition("@")[0]
        )
        # A withheld number is no one's: each such call is a contact of its own.
        return Party(PartyKind.PHONE, "" if number.lower() in _WITHHELD else comparable(number))
    # A change names its message, and not its user.
    return Party(PartyKind.CUSTOM, "")


def _contact_points(item: Mapping[str, object]) -> tuple[ContactPoint, ...]:
    user = item.get("user")
    if not isinstance(user, dict):
        return ()
    phone, email = e164(text_of(user, "phone")), text_of(user, "email").strip().lower()
    found = (
        [ContactPoint(kind=PartyKind.PHONE, value=phone, verified=user.get("phone_verified") is True)] if phone else []
    )
    if "@" in email and email.isprintable():
        found.append(ContactPoint(kind=PartyKind.EMAIL, value=email, verified=user.get("email_verified") is True))
    return tuple(found)


def _revision(record: Mapping[str, object]) -> Revision | None:
    stated = record.get("revision")
    if not isinstance(stated, dict):
        return None
    order = stated.get("order")
    kind = RevisionKind(text_of(stated, "kind"))
    return Revision(of=text_of(stated, "of"), kind=kind, order=order if isinstance(order, int) else 0)


def _attachments(item: Mapping[str, object], files: tuple[MediaFile, ...]) -> tuple[Attachment, ...]:
    found = []
    for part, (each, file) in enumerate(zip(list_of(item.get("files")), files, strict=False)):
        described = each if isinstance(each, dict) else {}
        content = file.content
        found.append(
            Attachment(
                name=file.name,
                media_type=UNKNOWN,
                size=0,
                sha256=text_of(described, "sha256"),
                part=part,
                url=text_of(described, "url"),
            )
            if content is None
            else Attachment(
                name=file.name,
                media_type=sniff(content),
                size=len(content),
                sha256=sha256(content).hexdigest(),
                part=part,
            )
        )
    return tuple(found)


def _call_text(item: Mapping[str, object]) -> str:
    lines = [*_call_lines(item), text_of(item, "note")]
    if transcript := text_of(item, "transcript"):
        lines += [f"Transcript by machine 机器转写: {transcript}"]
    return "\n".join(filter(None, lines))


def _call_lines(item: Mapping[str, object]) -> list[str]:
    return [line for line in (_RESULTS.get(text_of(item, "result"), ""), _duration(item)) if line]


def _duration(item: Mapping[str, object]) -> str:
    since = moment_of(item, "answered_at") or moment_of(item, "started_at")
    until = moment_of(item, "ended_at")
    if since is None or until is None or until < since:
        return ""
    minutes, seconds = divmod(round((until - since).total_seconds()), 60)
    return f"{minutes}:{seconds:02}"


def _facts(item: Mapping[str, object]) -> str:
    """Return facts and further fields as lines, which agents read folded and the masker reads as well."""
    lines = []
    for name in ("facts", "meta"):
        given = item.get(name)
        if isinstance(given, dict):
            lines += [f"{key}: {value}" for key, value in given.items() if isinstance(value, str | int | float)]
    return "\n".join(lines).encode("utf-8", "replace").decode()
