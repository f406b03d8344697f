"""Twilio's webhooks: incoming messages and status callbacks. Signatures cover the exact public URL.

The response must come within seconds, so the poll fetches the files; it uses the same source keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import parse_qs, urlsplit

from twilio.request_validator import RequestValidator

from connectors.base import Batch, RawMessage, Taken, WebhookRequest, WebhookResponse
from connectors.json_messages import write_document
from connectors.registry_row import webhook_address
from connectors.sms.twilio.client import TwilioAccount
from router.delivery import DeliveryReport, DeliveryStatus
from router.errors import ConfigError, NotFound, PermanentError
from router.settings.channels.sms import TwilioSettings
from router.settings.model import DeskSettings

# An empty response: no answer is sent with it.
_ANSWER: Final = WebhookResponse('<?xml version="1.0" encoding="UTF-8"?><Response/>', "text/xml")

# The webhook's names of the list's fields.
_RECORD: Final = {
    "sid": "MessageSid", "from": "From", "to": "To", "body": "Body", "num_media": "NumMedia",
    "account_sid": "AccountSid", "profile_name": "ProfileName",
}  # fmt: skip
# Any status report proves that Twilio has the message.
_DELIVERIES: Final = {
    "accepted": DeliveryStatus.SENT, "scheduled": DeliveryStatus.SENT, "queued": DeliveryStatus.SENT,
    "sending": DeliveryStatus.SENT, "sent": DeliveryStatus.SENT,
    "delivered": DeliveryStatus.DELIVERED, "read": DeliveryStatus.READ,
    "undelivered": DeliveryStatus.UNDELIVERED, "failed": DeliveryStatus.UNDELIVERED,
    "canceled": DeliveryStatus.UNDELIVERED,
}  # fmt: skip


class TwilioForm(dict[str, list[str]]):
    """The fields of a form, in the type that the library's validator expects."""

    def getlist(self, name: str) -> list[str]:
        """Return all values of a field."""
        return self.get(name, [])

    def one(self, name: str) -> str:
        """Return a field's value; empty if it has none."""
        return self.get(name, [""])[0]


def read_form(body: bytes) -> TwilioForm:
    """Return the fields of a form. Raises PermanentError when the bytes are not a form."""
    try:
        return TwilioForm(
            parse_qs(body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body), errors="strict")
        )
    except ValueError as error:
        raise PermanentError("the body is not a form") from error


def is_signed(settings: TwilioAccount, *, url: str, body: bytes, media_type: str, signature: str | None) -> bool:
    """Return whether Twilio signed this request.

    url: the exact public URL, from the configuration: behind a proxy the request has another.
    signature: the X-Twilio-Signature header; None when there is none.
    """
    if not signature:
        return False
    validator = RequestValidator(settings.token.reveal())
    if media_type.partition(";")[0].strip().lower() == "application/json":
        # Without the hash in the URL nothing would protect the body.
        vouched = "bodySHA256" in parse_qs(urlsplit(url).query)
        return vouched and bool(validator.validate(url, body.decode("utf-8", "replace"), signature))
    try:
        return bool(validator.validate(url, read_form(body), signature))
    except PermanentError:
        return False


def batch_of(channel: str, settings: TwilioSettings, *, form: TwilioForm, now: datetime) -> Batch:
    """Return the batch of a pushed message; without messages when the poll must fetch it.

    Raises PermanentError when it is not for this channel.
    """
    if form.one("AccountSid") != settings.account.reveal() or form.one("To") != settings.own_address:
        raise PermanentError("the message is for another number or account than this channel's")
    sid = form.one("MessageSid")
    if not sid.isalnum():
        raise PermanentError("the message has no MessageSid")
    if form.one("NumMedia") not in {"", "0"}:
        return Batch(channel=channel, form="twilio")
    record: dict[str, object] = {name: form.one(field) for name, field in _RECORD.items() if field in form}
    record["form"] = {name: values[0] for name, values in form.items()}
    content = write_document(record, form="twilio", source="webhook")
    return Batch(
        channel=channel, messages=[RawMessage(source_key=sid, content=content, received_at=now)], form="twilio"
    )


def delivery_of(form: TwilioForm) -> DeliveryReport:
    """Return the report in a status callback.

    Raises PermanentError when the status is unknown.
    """
    delivery = _DELIVERIES.get(form.one("MessageStatus").lower())
    if delivery is None:
        raise PermanentError("the status is unknown")
    code = form.one("ErrorCode")
    why = f"Twilio could not deliver it ({code or 'no code'})" if delivery is DeliveryStatus.UNDELIVERED else ""
    return DeliveryReport(delivery=delivery, provider_id=form.one("MessageSid"), why=why)


class TwilioEndpoint:
    """See `ProviderEndpoint`."""

    def __init__(self, channel: str, settings: TwilioSettings, desk: DeskSettings) -> None:
        self._channel, self._settings, self._desk = channel, settings, desk

    def is_signed(self, request: WebhookRequest, *, now: datetime) -> bool:
        """See `ProviderEndpoint`. Raises ConfigError without a public URL, because the signature covers it."""
        del now
        address = webhook_address(self._desk, self._channel)
        if not address:
            raise ConfigError("webhooks need [omniyard] public_url: the signature covers the URL that is called")
        return is_signed(
            self._settings,
            url=address + request.path + (f"?{request.query}" if request.query else ""),
            body=request.body,
            media_type=request.headers.get("content-type", ""),
            signature=request.headers.get("x-twilio-signature"),
        )

    def challenge(self, request: WebhookRequest) -> WebhookResponse:
        """See `ProviderEndpoint`: Twilio has no challenge."""
        del request
        raise NotFound("Twilio has no challenge")

    def batch(self, request: WebhookRequest, *, now: datetime) -> Batch:
        """See `ProviderEndpoint`."""
        return batch_of(self._channel, self._settings, form=read_form(request.body), now=now)

    def answer(self, request: WebhookRequest, *, taken: Mapping[str, Taken]) -> WebhookResponse:
        """See `ProviderEndpoint`."""
        del request, taken
        return _ANSWER

    def delivery(self, request: WebhookRequest) -> DeliveryReport:
        """See `ProviderEndpoint`."""
        return delivery_of(read_form(request.body))
