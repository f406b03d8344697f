"""X's webhooks: its challenge, and incoming direct messages."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qs

import structlog

from connectors.base import Batch, RawMessage, Taken, WebhookRequest, WebhookResponse
from connectors.json_messages import write_document
from connectors.social.x.messages import sender_of, time_of
from router.delivery import DeliveryReport
from router.errors import NotFound, PermanentError
from router.settings.channels.x import XSettings
from router.settings.model import DeskSettings

_ANSWER: Final = WebhookResponse("{}", "application/json")
# X's challenge and its signature of bodies are the same HMAC under the same secret, so that only the form of the text
# tells them apart: a token is base64 or a UUID, a body is a JSON object, and no text is both.
_TOKEN: Final = re.compile(rb"[A-Za-z0-9+/=_.-]{1,128}")
_LONGEST_ID: Final = 20
_LONGEST_TYPE: Final = 60
_MENTIONS: Final = frozenset({"post.mention.create", "post.reply.create", "post.quote.create"})

_log = structlog.get_logger()


def answer_challenge(settings: XSettings, crc_token: str) -> str:
    """Return the response token that X verifies; a wrong one disables our webhooks at once.

    Raises PermanentError for what X does not send, because the answer is the signature of whatever stands there.
    """
    token = crc_token.encode("utf-8", "replace")
    if not _TOKEN.fullmatch(token):
        raise PermanentError("there is no crc_token of X's form")
    return _signature(settings, token)


def is_signed(settings: XSettings, *, body: bytes, signature: str | None) -> bool:
    """Return whether X signed these bytes as a body. signature: the x-twitter-webhooks-signature header.

    What we sign ourselves on request (`answer_challenge`) proves nothing about X.
    """
    if not signature or _TOKEN.fullmatch(body):
        return False
    return hmac.compare_digest(_signature(settings, body).encode(), signature.encode("utf-8", "replace"))


def batch_of(channel: str, settings: XSettings, *, body: bytes, now: datetime) -> Batch:
    """Return the batch of the customers' messages in a pushed document; empty when it reports something else.

    Raises PermanentError when it is not valid JSON, or is of another account.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise PermanentError("the body is not JSON") from error
    payload = _payload(document)
    own = settings.access_token.reveal().partition("-")[0]
    if _account(document, payload) != own:
        raise PermanentError("the messages are for another account than this channel's")
    if "direct_message_events" not in payload:
        # Posts come by the same address: they are polled, which a mention wakes. Nothing is passed over in silence.
        kind = _event_type(document)
        _log.info("webhook.wakes" if kind in _MENTIONS else "webhook.not_read", channel=channel, kind=kind)
        return Batch(channel=channel, form="x", wakes={"x-mentions": kind} if kind in _MENTIONS else {})
    messages = [_raw(event, payload, now=now) for event in _events(payload) if sender_of(event) != own]
    return Batch(channel=channel, messages=messages, form="x")


def _payload(document: object) -> Mapping[str, Any]:
    """Return the part with the events: the whole, or the content of the newer format's wrapper."""
    inner = document
    for step in ("data", "payload"):
        deeper = inner.get(step) if isinstance(inner, dict) else None
        inner = deeper if isinstance(deeper, dict) else inner
    if not isinstance(inner, dict):
        raise PermanentError("the body is not a JSON object")
    return inner


def _account(document: object, payload: Mapping[str, Any]) -> object:
    """Return for whom the events are: the newer interface says so in the filter of the subscription."""
    wrapper = document.get("data") if isinstance(document, dict) else None
    filtered = wrapper.get("filter") if isinstance(wrapper, dict) else None
    return payload.get("for_user_id") or (filtered.get("user_id") if isinstance(filtered, dict) else None)


def _event_type(document: object) -> str:
    wrapper = document.get("data") if isinstance(document, dict) else None
    kind = wrapper.get("event_type") if isinstance(wrapper, dict) else None
    return kind if isinstance(kind, str) and len(kind) <= _LONGEST_TYPE and kind.isprintable() else "unknown"


def _events(payload: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    events = payload.get("direct_message_events")
    for event in events if isinstance(events, list) else ():
        if isinstance(event, dict) and event.get("type", "message_create") == "message_create" and _id(event):
            yield event


def _raw(event: Mapping[str, Any], payload: Mapping[str, Any], *, now: datetime) -> RawMessage:
    record = {"pushed": event, "users": payload.get("users"), "event_uuid": payload.get("event_uuid")}
    at = min(time_of(_id(event)) or now, now)
    return RawMessage(source_key=_id(event), content=write_document(record, form="x", source="webhook"), received_at=at)


def _id(event: Mapping[str, Any]) -> str:
    event_id = event.get("id")
    is_id = isinstance(event_id, str) and event_id.isascii() and event_id.isdigit() and len(event_id) <= _LONGEST_ID
    return event_id if is_id and isinstance(event_id, str) else ""


def _signature(settings: XSettings, content: bytes) -> str:
    digest = hmac.new(settings.consumer_secret.reveal().encode(), content, hashlib.sha256).digest()
    return f"sha256={base64.b64encode(digest).decode('ascii')}"


class XEndpoint:
    """See `ProviderEndpoint`."""

    def __init__(self, channel: str, settings: XSettings, desk: DeskSettings) -> None:
        del desk
        self._channel, self._settings = channel, settings

    def is_signed(self, request: WebhookRequest, *, now: datetime) -> bool:
        """See `ProviderEndpoint`."""
        del now
        signature = request.headers.get("x-twitter-webhooks-signature")
        return is_signed(self._settings, body=request.body, signature=signature)

    def challenge(self, request: WebhookRequest) -> WebhookResponse:
        """See `ProviderEndpoint`."""
        token = parse_qs(request.query).get("crc_token", [""])[-1]
        document = {"response_token": answer_challenge(self._settings, token)}
        return WebhookResponse(json.dumps(document, separators=(",", ":")), "application/json")

    def batch(self, request: WebhookRequest, *, now: datetime) -> Batch:
        """See `ProviderEndpoint`."""
        return batch_of(self._channel, self._settings, body=request.body, now=now)

    def answer(self, request: WebhookRequest, *, taken: Mapping[str, Taken]) -> WebhookResponse:
        """See `ProviderEndpoint`."""
        del request, taken
        return _ANSWER

    def delivery(self, request: WebhookRequest) -> DeliveryReport:
        """See `ProviderEndpoint`: X has no reports."""
        del request
        raise NotFound("X has no delivery reports")
