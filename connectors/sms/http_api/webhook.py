"""Receive messages of an SMS provider that the operator describes: verify the raw bytes, then find the fields."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import parse_qsl

from connectors.base import Batch, RawMessage, Taken, WebhookRequest, WebhookResponse
from connectors.json_messages import UnreadableDocument, lasting, read_document, text_of, write_document
from connectors.sms.phone_numbers import comparable
from router.delivery import DeliveryReport
from router.envelope import Envelope, Party, PartyKind
from router.errors import NotFound, PermanentError
from router.masking.mask import without_secret
from router.settings.channels.sms import HttpSmsSettings
from router.settings.model import DeskSettings

_FRESH: Final = timedelta(minutes=5)
_MOST_MESSAGES: Final = 500
_LONGEST_ID: Final = 128


def is_signed(settings: HttpSmsSettings, *, body: bytes, headers: Mapping[str, str], now: datetime) -> bool:
    """Return whether the provider signed these bytes, recently if it signs the time. headers: by lower-case name."""
    given = headers.get(settings.signature_header.lower(), "").removeprefix("sha256=")
    signed = body
    if settings.timestamp_header is not None:
        stamp = headers.get(settings.timestamp_header.lower(), "")
        if not _is_fresh(stamp, now=now):
            return False
        signed = stamp.encode() + b"." + body
    digest = hmac.new(settings.secret.reveal().encode(), signed, hashlib.sha256).digest()
    expected = digest.hex() if settings.signature == "hex" else base64.b64encode(digest).decode("ascii")
    compared = given.lower() if settings.signature == "hex" else given
    return hmac.compare_digest(expected.encode(), compared.encode("utf-8", "replace"))


def batch_of(channel: str, settings: HttpSmsSettings, *, body: bytes, media_type: str, now: datetime) -> Batch:
    """Return the batch of the delivered message. Raises PermanentError when there is none."""
    document = _document(body, media_type=media_type)
    listed = found_at(document, settings.fields.get("list", "")) if settings.fields.get("list") else document
    messages = listed if isinstance(listed, list) else [listed]
    known = [each for each in messages if isinstance(each, dict)]
    if not known or len(known) < len(messages) or len(messages) > _MOST_MESSAGES:
        raise PermanentError("there is no message at the paths in `fields`")
    return Batch(channel=channel, messages=[_raw(settings, each, now=now) for each in known], form="http_sms")


def found_at(document: object, path: str) -> object:
    """Return the value at a path such as `data.0.id`; None for nothing."""
    for step in path.split("."):
        if isinstance(document, dict):
            document = document.get(step)
        elif isinstance(document, list) and step.isdecimal() and int(step) < len(document):
            document = document[int(step)]
        else:
            return None
    return document


def _raw(settings: HttpSmsSettings, message: Mapping[str, object], *, now: datetime) -> RawMessage:
    found = {name: _text(found_at(message, path)) for name, path in settings.fields.items() if name != "list"}
    record: dict[str, object] = {**found, "region": settings.region, "number": settings.number, "message": message}
    content = write_document(record, form="http_sms", source="webhook")
    key = found.get("id") or ""
    if not 0 < len(key) <= _LONGEST_ID or not key.isprintable():
        key = f"?{hashlib.sha256(content).hexdigest()[:32]}"
    return RawMessage(source_key=without_secret(key), content=content, received_at=now)


def _document(body: bytes, *, media_type: str) -> object:
    try:
        if "json" in media_type.lower():
            document: object = json.loads(body)
            return document
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True))
    except (ValueError, RecursionError) as error:
        raise PermanentError("the body is neither JSON nor a form") from error


def _text(value: object) -> str | None:
    if isinstance(value, bool) or value is None:
        return None
    return str(value) if isinstance(value, str | int) else None


def _is_fresh(stamp: str, *, now: datetime) -> bool:
    if not stamp.isdecimal() or len(stamp) > len("1700000000000"):
        return False
    # Some providers write milliseconds.
    seconds = int(stamp) / (1000 if len(stamp) > len("1700000000") else 1)
    return abs(now.timestamp() - seconds) <= _FRESH.total_seconds()


def read(message: RawMessage, channel: str) -> Envelope:
    """Return the envelope of one stored message. Raises Unreadable."""
    record = read_document(message.content).record
    region = text_of(record, "region") or None
    # A name instead of a number may be any text; where it holds a secret it stays one sender's, as a hash.
    sender = without_secret(comparable(text_of(record, "sender", needed=True), region=region))
    if not sender:
        raise UnreadableDocument("The message has no sender.")
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
    """Return the values that are the same in every delivery of a message. Raises Unreadable."""
    record = read_document(content).record
    return lasting(*(text_of(record, key) for key in ("id", "sender", "text")))


class HttpSmsEndpoint:
    """See `ProviderEndpoint`."""

    def __init__(self, channel: str, settings: HttpSmsSettings, desk: DeskSettings) -> None:
        del desk
        self._channel, self._settings = channel, settings

    def is_signed(self, request: WebhookRequest, *, now: datetime) -> bool:
        """See `ProviderEndpoint`."""
        return is_signed(self._settings, body=request.body, headers=request.headers, now=now)

    def challenge(self, request: WebhookRequest) -> WebhookResponse:
        """See `ProviderEndpoint`: such a provider has no challenge."""
        del request
        raise NotFound("this provider has no challenge")

    def batch(self, request: WebhookRequest, *, now: datetime) -> Batch:
        """See `ProviderEndpoint`."""
        media_type = request.headers.get("content-type", "")
        return batch_of(self._channel, self._settings, body=request.body, media_type=media_type, now=now)

    def answer(self, request: WebhookRequest, *, taken: Mapping[str, Taken]) -> WebhookResponse:
        """See `ProviderEndpoint`."""
        del request, taken
        return WebhookResponse(self._settings.answer, "text/plain")

    def delivery(self, request: WebhookRequest) -> DeliveryReport:
        """See `ProviderEndpoint`: such a provider has no reports."""
        del request
        raise NotFound("this provider has no delivery reports")
