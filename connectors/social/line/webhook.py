"""LINE's webhooks: signed batches, whose events are of several customers; each is stored before LINE gets its 200."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import quote

import structlog

from connectors.base import Batch, RawMessage, Taken, WebhookRequest, WebhookResponse
from connectors.json_messages import UnreadableDocument
from connectors.registry_row import FileRequest
from connectors.social.line.client import DATA
from connectors.social.line.messages import FORM, MEDIA, concerns_us, raw_of
from router.delivery import DeliveryReport
from router.errors import NotFound, PermanentError
from router.settings.channels.line import LineSettings
from router.settings.model import DeskSettings
from router.settings.secret import Secret

_LARGEST_FILE: Final = 20 * 1024 * 1024
_ANSWER: Final = WebhookResponse("{}", "application/json")

_log = structlog.get_logger()


class LineEndpoint:
    """See `ProviderEndpoint`."""

    def __init__(self, channel: str, settings: LineSettings, desk: DeskSettings) -> None:
        del desk
        self._channel, self._settings = channel, settings

    def is_signed(self, request: WebhookRequest, *, now: datetime) -> bool:
        """See `ProviderEndpoint`. LINE signs no time of its own; ids make repetitions one."""
        del now
        given = request.headers.get("x-line-signature", "").encode("utf-8", "replace")
        keys = filter(None, (self._settings.secret, self._settings.old_secret))
        return any(hmac.compare_digest(given, _signature(key, request.body)) for key in keys)

    def challenge(self, request: WebhookRequest) -> WebhookResponse:
        """See `ProviderEndpoint`: LINE tests the address by a signed batch without events."""
        del request
        raise NotFound("LINE has no challenges")

    def batch(self, request: WebhookRequest, *, now: datetime) -> Batch:
        """See `ProviderEndpoint`."""
        events = _events(request.body)
        ours = [event for event in events if concerns_us(event)]
        if passed := len(events) - len(ours):
            _log.info("line.passed_over", channel=self._channel, events=passed)
        return Batch(
            channel=self._channel, form=FORM, messages=[raw for event in ours if (raw := _raw(event, now=now))]
        )

    def answer(self, request: WebhookRequest, *, taken: Mapping[str, Taken]) -> WebhookResponse:
        """See `ProviderEndpoint`: LINE reads the status alone."""
        del request, taken
        return _ANSWER

    def delivery(self, request: WebhookRequest) -> DeliveryReport:
        """See `ProviderEndpoint`: LINE reports nothing about a message."""
        del request
        raise NotFound("LINE has no delivery reports")


def file_request(settings: LineSettings, url: str) -> FileRequest:
    """Return how a file is fetched: LINE's own with the token, which no message keeps; others without."""
    if not url.startswith(MEDIA):
        return FileRequest(url=url, largest=_LARGEST_FILE)
    base, message_id = settings.api_base or DATA, quote(url.removeprefix(MEDIA), safe="")
    return FileRequest(
        url=f"{base}/v2/bot/message/{message_id}/content",
        headers={"Authorization": f"Bearer {settings.token.reveal()}"},
        # Where the operator names a proxy of their own, it may be in their network.
        allow_private=settings.api_base is not None,
        largest=_LARGEST_FILE,
    )


def _signature(secret: Secret, body: bytes) -> bytes:
    return base64.b64encode(hmac.new(secret.reveal().encode(), body, hashlib.sha256).digest())


def _events(body: bytes) -> list[Mapping[str, object]]:
    try:
        events = json.loads(body)["events"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise PermanentError("the request is no batch of LINE's events") from error
    if not isinstance(events, list):
        raise PermanentError("the request's events are no list")
    return [event for event in events if isinstance(event, dict)]


def _raw(event: Mapping[str, object], *, now: datetime) -> RawMessage | None:
    try:
        return raw_of(event, now=now)
    except UnreadableDocument:
        # One broken event must not keep the others out: LINE would bring the whole batch again and again.
        _log.warning("line.event_without_id", kind=str(event.get("type", ""))[:32])
        return None
