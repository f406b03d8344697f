"""What the operator's systems may bring: items in strict JSON, each read into a value or refused with a pointer.

Pointers are those of RFC 6901. Unknown fields are kept in the original and ignored.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from connectors.custom.fields import (
    DEEPEST,
    BadItem,
    check_facts,
    check_moment,
    check_string,
    check_text,
    depth_of,
    files_of,
    id_of,
    list_of,
    optional_id,
    shown_code,
    user_of,
    uuid_of,
)
from router.delivery import DeliveryReport, DeliveryStatus
from router.envelope import RevisionKind
from router.masking.mask import without_secret

MOST_ITEMS: Final = 100
_STATUSES: Final = {
    "sent": DeliveryStatus.SENT,
    "delivered": DeliveryStatus.DELIVERED,
    "read": DeliveryStatus.READ,
    "failed": DeliveryStatus.UNDELIVERED,
}
# How much a record of a call says, so that a later record without the recording takes nothing back.
RESULTS: Final = ("missed", "answered", "callback", "voicemail")
# Types that become rows of their own; the others are answered at once.
MESSAGES: Final = ("message", "message.out", "message.edited", "message.deleted", "call")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item. key: of its row, or of the report.  of, revision, order: for a change of an earlier message.

    record: its fields, without the bytes of files.  files: those bytes, by place in `files`.
    """

    type: str
    id: str
    key: str
    record: Mapping[str, object]
    files: Mapping[int, bytes] = field(default_factory=dict)
    of: str = ""
    revision: RevisionKind | None = None
    order: int = 0
    report: DeliveryReport | None = None
    outbound_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """The items of a request, in their order. base: the pointer to the list of a batch; None for a single item."""

    items: Sequence[Item | BadItem]
    base: str | None
    backfill: bool = False


def message_key(message_id: str) -> str:
    """Return the source key of a message. A hash takes the place of an id that looks like a secret."""
    return f"m:{without_secret(message_id)}"


def read_body(body: bytes, *, largest: int) -> Body:
    """Read a request. largest: bytes of one file. Raises BadItem when it is no JSON of items at all."""
    document = _parsed(body)
    listed, base, backfill = document, "", False
    if isinstance(document, dict) and "items" in document:
        listed, base, backfill = document["items"], "/items", document.get("backfill") is True
    if not isinstance(listed, list):
        return Body([_read(document, largest=largest)], None)
    if not 0 < len(listed) <= MOST_ITEMS:
        raise BadItem(base, f"expected 1 to {MOST_ITEMS} items")
    return Body([_read(each, largest=largest) for each in listed], base, backfill)


def read_item(document: object, *, largest: int) -> Item:
    """Read one item. Raises BadItem."""
    if not isinstance(document, dict):
        raise BadItem("", "expected an object")
    if depth_of(document) > DEEPEST:
        raise BadItem("", f"it is nested deeper than {DEEPEST}")
    kind = document.get("type", "message")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise BadItem("/type", f"expected one of {', '.join(_READERS)}")
    return reader(document, largest)


def _parsed(body: bytes) -> object:
    try:
        document: object = json.loads(body, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise BadItem("", f"it is nested deeper than {DEEPEST}") from error
    except ValueError as error:
        raise BadItem("", "the body is no JSON in UTF-8") from error
    return document


def _refuse_constant(name: str) -> object:
    raise ValueError(name)


def _read(document: object, *, largest: int) -> Item | BadItem:
    try:
        return read_item(document, largest=largest)
    except BadItem as error:
        return error


def _message(document: Mapping[str, object], largest: int) -> Item:
    own = id_of(document, "id")
    user = user_of(document)
    check_text(document)
    optional_id(document, "conversation")
    optional_id(document, "in_reply_to")
    check_facts(document)
    stripped, files = files_of(document, largest=largest)
    record = {**document, "user": user, **stripped}
    return Item(type=str(document.get("type", "message")), id=own, key=message_key(own), record=record, files=files)


def _edited(document: Mapping[str, object], largest: int) -> Item:
    del largest
    own, version = id_of(document, "id"), document.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or not 1 <= version < 2**31:
        raise BadItem("/version", "expected a whole number, higher with each change")
    check_text(document)
    key = message_key(own)
    return Item(
        type="message.edited",
        id=own,
        key=f"edit:{version}:{key}",
        record=dict(document),
        of=key,
        revision=RevisionKind.EDITED,
        order=version,
    )


def _deleted(document: Mapping[str, object], largest: int) -> Item:
    del largest
    own = id_of(document, "id")
    key = message_key(own)
    return Item(
        type="message.deleted",
        id=own,
        key=f"delete:{key}",
        record=dict(document),
        of=key,
        revision=RevisionKind.WITHDRAWN,
    )


def _delivery(document: Mapping[str, object], largest: int) -> Item:
    del largest
    status = _STATUSES.get(str(document.get("status")))
    if status is None:
        raise BadItem("/status", f"expected one of {', '.join(_STATUSES)}")
    ours, theirs = document.get("ours"), optional_id(document, "id")
    if ours is None and not theirs:
        raise BadItem("/ours", "expected our id in `ours`, or yours in `id`")
    code = document.get("code")
    why = f"their system could not deliver it ({shown_code(code)})" if status is DeliveryStatus.UNDELIVERED else ""
    report = DeliveryReport(delivery=status, provider_id=theirs, why=why)
    outbound_id = None if ours is None else uuid_of(ours)
    named = f"{outbound_id or theirs}:{status.value}"
    return Item(type="delivery", id=named, key=f"delivery:{named}", record={}, report=report, outbound_id=outbound_id)


def _call(document: Mapping[str, object], largest: int) -> Item:
    own, result = id_of(document, "id"), document.get("result")
    if result not in RESULTS:
        raise BadItem("/result", f"expected one of {', '.join(RESULTS)}")
    for name in ("note", "transcript", "agent", "from", "to"):
        if document.get(name) is not None:
            check_string(document, name)
    for name in ("started_at", "answered_at", "ended_at"):
        check_moment(document, name)
    user = user_of(document) if document.get("user") is not None else None
    stripped, files = files_of(_with_recording(document), largest=largest)
    key = f"call:{without_secret(own)}"
    record = {**document, **stripped} | ({"user": user} if user else {})
    said = sum(bool(document.get(name)) for name in ("note", "transcript", "recording", "agent"))
    sequence = document.get("sequence")
    order = sequence if isinstance(sequence, int) else 1 + RESULTS.index(str(result)) + 10 * said
    return Item(
        type="call",
        id=own,
        key=key,
        record=record,
        files=files,
        of=key,
        revision=RevisionKind.COMPLETED,
        order=max(0, min(order, 2**31 - 1)),
    )


def _ping(document: Mapping[str, object], largest: int) -> Item:
    del document, largest
    return Item(type="ping", id="ping", key="ping", record={})


_READERS: Final = {
    "message": _message,
    "message.out": _message,
    "message.edited": _edited,
    "message.deleted": _deleted,
    "delivery": _delivery,
    "call": _call,
    "ping": _ping,
}


def _with_recording(document: Mapping[str, object]) -> Mapping[str, object]:
    """Return a call with its recording among the files."""
    recording = document.get("recording")
    if recording is None:
        return document
    file = {"name": "recording", "url": recording} if isinstance(recording, str) else recording
    return {**document, "files": [file, *list_of(document.get("files"))]}
