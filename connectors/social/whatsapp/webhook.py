"""Meta's webhooks for one WhatsApp number. An app has one address for all its numbers, so each takes its own part."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from connectors.base import Batch, RawMessage, Taken, WebhookRequest, WebhookResponse
from connectors.registry_row import FileRequest
from connectors.safe_http import Forbidden
from connectors.social.meta.signature import answer_challenge, is_signed
from connectors.social.whatsapp.client import open_api
from connectors.social.whatsapp.messages import FORM, MEDIA, Json, is_message, part_of, raw_of
from connectors.social.whatsapp.statuses import report_of
from router.delivery import DeliveryReport
from router.errors import NotFound, PermanentError
from router.settings.channels.whatsapp import WhatsappSettings
from router.settings.model import DeskSettings

_OBJECT: Final = "whatsapp_business_account"
_ANSWER: Final = WebhookResponse("EVENT_RECEIVED", "text/plain")
# The hosts that give out files; the token goes to no other.
_HOSTS: Final = (".fbsbx.com", ".fbcdn.net")
_LARGEST_FILE: Final = 25 * 1024 * 1024
_ECHOES: Final = "smb_message_echoes"


class WhatsappEndpoint:
    """See `ProviderEndpoint` and `SharedEndpoint`."""

    def __init__(self, channel: str, settings: WhatsappSettings, desk: DeskSettings) -> None:
        del desk
        self._channel, self._settings = channel, settings

    @property
    def account(self) -> str:
        """See `SharedEndpoint`."""
        return self._settings.number_id

    def accounts(self, request: WebhookRequest) -> list[str]:
        """See `SharedEndpoint`."""
        return [_number_of(value) for _, value in _changes(request)]

    def is_signed(self, request: WebhookRequest, *, now: datetime) -> bool:
        """See `ProviderEndpoint`. Meta signs no time; ids make repetitions one."""
        del now
        secrets = (self._settings.app_secret, self._settings.former_secret)
        return is_signed(request, secrets=[each.reveal() for each in secrets if each])

    def challenge(self, request: WebhookRequest) -> WebhookResponse:
        """See `ProviderEndpoint`: only who knows the verify token gets an answer, and no secret signs it."""
        return answer_challenge(request, verify_token=self._settings.verify_token.reveal())

    def batch(self, request: WebhookRequest, *, now: datetime) -> Batch:
        """See `ProviderEndpoint`: what is for this number."""
        ours = [(field, value) for field, value in _changes(request) if _number_of(value) == self.account]
        messages = [raw for field, value in ours for raw in _messages(field, value, now=now)]
        reports = [found for _, value in ours for each in _listed(value, "statuses") if (found := report_of(each))]
        return Batch(channel=self._channel, form=FORM, messages=messages, reports=reports)

    def answer(self, request: WebhookRequest, *, taken: Mapping[str, Taken]) -> WebhookResponse:
        """See `ProviderEndpoint`: also for what is for no number here, else Meta repeats it and gives the app up."""
        del request, taken
        return _ANSWER

    def delivery(self, request: WebhookRequest) -> DeliveryReport:
        """See `ProviderEndpoint`: reports come among the messages."""
        del request
        raise NotFound("WhatsApp's reports come among its messages")


def file_request(settings: WhatsappSettings, url: str) -> FileRequest:
    """Return how a file is fetched: its address is asked for each time, because it is valid for five minutes only."""
    if not url.startswith(MEDIA):
        raise PermanentError("it is no file of WhatsApp's")
    found = open_api(settings).get(url.removeprefix(MEDIA), phone_number_id=settings.number_id)
    address = found.get("url")
    parts = urlsplit(address if isinstance(address, str) else "")
    own = settings.api_base is not None and parts.netloc == urlsplit(settings.api_base).netloc
    if not own and not (parts.scheme == "https" and f".{parts.hostname or ''}".endswith(_HOSTS)):
        raise Forbidden("its address is not one of Meta's")
    headers = {"Authorization": f"Bearer {settings.token.reveal()}"}
    return FileRequest(
        url=parts.geturl(), headers=headers, allow_private=own, onward=_HOSTS, largest=_LARGEST_FILE
    )  # fmt: skip


def _messages(field: str, value: Json, *, now: datetime) -> Iterator[RawMessage]:
    is_echo = field == _ECHOES
    contacts = [each for each in _listed(value, "contacts") if isinstance(each, dict)]
    for each in _listed(value, "message_echoes" if is_echo else "messages"):
        if isinstance(each, dict) and is_message(each):
            yield raw_of(each, contact=_contact_of(each, contacts), is_echo=is_echo, now=now)


def _contact_of(message: Json, contacts: Sequence[Json]) -> Json:
    """Return who wrote a message among the contacts of its batch; never another's."""
    for key, sender in (("user_id", message.get("from_user_id")), ("wa_id", message.get("from"))):
        for contact in contacts if sender else ():
            if contact.get(key) == sender:
                return contact
    # A message that names no sender itself is the only contact's.
    nameless = not message.get("from") and not message.get("from_user_id")
    return contacts[0] if nameless and len(contacts) == 1 else {}


def _changes(request: WebhookRequest) -> list[tuple[str, Json]]:
    """Return the fields and values in a call. Raises PermanentError for another object's."""
    try:
        document = json.loads(request.body)
    except (ValueError, RecursionError):
        raise PermanentError("the request is no JSON") from None
    if not isinstance(document, dict) or document.get("object") != _OBJECT:
        raise PermanentError("the request is for no WhatsApp account")
    changes = [change for entry in _listed(document, "entry") for change in _listed(entry, "changes")]
    return [(str(each.get("field", "")), part_of(each, "value")) for each in changes if isinstance(each, dict)]


def _number_of(value: Json) -> str:
    return str(part_of(value, "metadata").get("phone_number_id", ""))


def _listed(value: object, key: str) -> list[object]:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []
