"""What Twilio tells by itself: incoming messages, and what became of ours. Signed over the exact public address.

The door must answer within seconds, so files are left to the poll, which has the same source keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import parse_qs, urlsplit

from twilio.request_validator import RequestValidator

from connectors.base import Page, RawMessage
from connectors.json_messages import write_document
from router.delivery import DeliveryStatus
from router.errors import PermanentError
from router.settings.chat_channels import TwilioSettings

# What the webhook calls what the list calls otherwise.
_RECORD: Final = {
    "sid": "MessageSid", "from": "From", "to": "To", "body": "Body", "num_media": "NumMedia",
    "account_sid": "AccountSid", "profile_name": "ProfileName",
}  # fmt: skip
# That Twilio speaks of a message at all proves that it has it.
_DELIVERIES: Final = {
    "accepted": DeliveryStatus.SENT, "scheduled": DeliveryStatus.SENT, "queued": DeliveryStatus.SENT,
    "sending": DeliveryStatus.SENT, "sent": DeliveryStatus.SENT,
    "delivered": DeliveryStatus.DELIVERED, "read": DeliveryStatus.READ,
    "undelivered": DeliveryStatus.UNDELIVERED, "failed": DeliveryStatus.UNDELIVERED,
    "canceled": DeliveryStatus.UNDELIVERED,
}  # fmt: skip


class TwilioForm(dict[str, list[str]]):
    """The fields of a form, in the shape that the library's validator asks for."""

    def getlist(self, name: str) -> list[str]:
        """Return all values of a field."""
        return self.get(name, [])

    def one(self, name: str) -> str:
        """Return a field's value; empty if it has none."""
        return self.get(name, [""])[0]


def read_form(body: bytes) -> TwilioForm:
    """Return the fields of a form's bytes. Raises PermanentError when they are none."""
    try:
        return TwilioForm(
            parse_qs(body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body), errors="strict")
        )
    except ValueError as error:
        raise PermanentError("the body is no form") from error


def is_signed(settings: TwilioSettings, *, url: str, body: bytes, media_type: str, signature: str | None) -> bool:
    """Tell whether Twilio signed this request.

    url: the exact public one, from configuration: behind a proxy the request itself shows another.
    signature: the X-Twilio-Signature header; None when there is none.
    """
    if not signature:
        return False
    validator = RequestValidator(settings.token.reveal())
    if media_type.partition(";")[0].strip().lower() == "application/json":
        # Without the hash in the address nothing would vouch for the body.
        vouched = "bodySHA256" in parse_qs(urlsplit(url).query)
        return vouched and bool(validator.validate(url, body.decode("utf-8", "replace"), signature))
    try:
        return bool(validator.validate(url, read_form(body), signature))
    except PermanentError:
        return False


def page_of(channel: str, settings: TwilioSettings, *, form: TwilioForm, now: datetime) -> Page:
    """Return the page that a told message makes; without messages when the poll is to take it.

    Raises PermanentError when it is not for this channel.
    """
    if form.one("AccountSid") != settings.account.reveal() or form.one("To") != settings.own_address:
        raise PermanentError("the message is for another number or account than this channel's")
    sid = form.one("MessageSid")
    if not sid.isalnum():
        raise PermanentError("the message has no MessageSid")
    if form.one("NumMedia") not in {"", "0"}:
        return Page(channel=channel, form="twilio")
    record: dict[str, object] = {name: form.one(field) for name, field in _RECORD.items() if field in form}
    record["form"] = {name: values[0] for name, values in form.items()}
    content = write_document(record, form="twilio", source="webhook")
    return Page(channel=channel, messages=[RawMessage(source_key=sid, content=content, received_at=now)], form="twilio")


def delivery_of(form: Mapping[str, list[str]]) -> tuple[DeliveryStatus, str, str]:
    """Return what a status callback tells: the delivery, Twilio's id of the message, and why it failed.

    Raises PermanentError when it tells nothing that is known.
    """
    told = TwilioForm(form)
    delivery = _DELIVERIES.get(told.one("MessageStatus").lower())
    if delivery is None:
        raise PermanentError("the status is none that is known")
    code = told.one("ErrorCode")
    why = f"Twilio could not deliver it ({code or 'no code'})" if delivery is DeliveryStatus.UNDELIVERED else ""
    return delivery, told.one("MessageSid"), why
