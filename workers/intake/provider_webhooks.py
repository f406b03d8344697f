"""Where providers knock: who signed, what was said, and the same intake as for polls, with the same source keys."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import quote
from uuid import UUID

import structlog

from connectors.base import Page
from router.delivery import DeliveryStatus
from router.errors import ConfigError, NotFound, PermanentError
from router.settings import Settings
from router.settings.channels import HttpSmsSettings, TwilioSettings, WebSettings, XSettings
from store.db.engine import Database
from store.inbound.accept import find_inbound
from store.outbound.ledger import DeliveryReport, note_delivery

if TYPE_CHECKING:
    from connectors.web.form import Submission
    from workers.intake.intake import Intake

PATH: Final = "/webhooks"
EMPTY_TWIML: Final = '<?xml version="1.0" encoding="UTF-8"?><Response/>'

_log = structlog.get_logger()


class Unsigned(PermanentError):
    """Nobody we know signed this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRequest:
    """One request as it came. headers: names in lower case.  query: raw, without the question mark."""

    body: bytes
    headers: dict[str, str]
    query: str = ""


@dataclass(frozen=True, slots=True)
class WebhookResponse:
    """What the provider is told. media_type: of the text."""

    text: str
    media_type: str


class ProviderWebhooks:
    """The doors of all enabled channels; used by all threads of the application."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings, self._database = settings, database
        self._lock = threading.Lock()
        self._intake: Intake | None = None

    def challenge(self, channel: str, crc_token: str) -> str:
        """Return the response token for X's test. Raises NotFound where no door is for X."""
        from connectors.social.x.webhook import answer_challenge  # noqa: PLC0415

        settings = self._channel(channel)
        if not isinstance(settings, XSettings):
            raise NotFound("there is no door here")
        return answer_challenge(settings, crc_token)

    def message(self, channel: str, knock: WebhookRequest, *, now: datetime) -> WebhookResponse:
        """Keep what a provider tells, and return what it wants to hear once that is on disk.

        Raises NotFound where there is no door, Unsigned, PermanentError for what is not for us, TransientError when
        it cannot be kept now.
        """
        settings = self._channel(channel)
        if isinstance(settings, TwilioSettings):
            page, reply = self._twilio(channel, settings, knock, now=now), WebhookResponse(EMPTY_TWIML, "text/xml")
        elif isinstance(settings, XSettings):
            page, reply = self._x(channel, settings, knock, now=now), WebhookResponse("{}", "application/json")
        elif isinstance(settings, HttpSmsSettings):
            page, reply = (
                self._http_sms(channel, settings, knock, now=now),
                WebhookResponse(settings.answer, "text/plain"),
            )
        else:
            raise NotFound("there is no door here")
        if page.messages:
            self._keeper().take(page)
        return reply

    def form(self, channel: str, submission: Submission, *, now: datetime) -> UUID:
        """Keep a filled contact form, once however often it is sent, and return its inbound row's id.

        Raises NotFound where there is no form, TransientError when it cannot be kept now.
        """
        from connectors.web.form import page_of  # noqa: PLC0415

        settings = self._channel(channel)
        if not isinstance(settings, WebSettings):
            raise NotFound("there is no form here")
        page = page_of(channel, submission, to=settings.address or "", now=now)
        self._keeper().take(page)
        with self._database.read() as connection:
            return find_inbound(connection, channel=channel, source_key=submission.key)

    def status(self, channel: str, knock: WebhookRequest, *, outbound_id: UUID) -> bool:
        """Write down what became of a message of ours; return whether it was news.

        Raises NotFound, Unsigned and PermanentError as `message` does.
        """
        from connectors.sms.twilio import webhook as twilio_webhook  # noqa: PLC0415

        settings = self._channel(channel)
        if not isinstance(settings, TwilioSettings):
            raise NotFound("there is no door here")
        url = f"{self._address(channel)}/status?{knock.query}"
        form = self._twilio_form(channel, settings, knock, url=url)
        delivery, provider_id, why = twilio_webhook.delivery_of(form)
        told = DeliveryReport(delivery=DeliveryStatus(delivery), provider_id=provider_id, why=why)
        with self._database.write() as connection:
            return note_delivery(connection, outbound_id, told)

    def close(self) -> None:
        """Let go of what was started."""
        if self._intake:
            self._intake.close()

    def _twilio(self, channel: str, settings: TwilioSettings, knock: WebhookRequest, *, now: datetime) -> Page:
        from connectors.sms.twilio import webhook as twilio_webhook  # noqa: PLC0415

        url = self._address(channel) + (f"?{knock.query}" if knock.query else "")
        form = self._twilio_form(channel, settings, knock, url=url)
        return twilio_webhook.page_of(channel, settings, form=twilio_webhook.TwilioForm(form), now=now)

    def _twilio_form(
        self, channel: str, settings: TwilioSettings, knock: WebhookRequest, *, url: str
    ) -> dict[str, list[str]]:
        from connectors.sms.twilio import webhook as twilio_webhook  # noqa: PLC0415

        signature, media_type = knock.headers.get("x-twilio-signature"), knock.headers.get("content-type", "")
        if not twilio_webhook.is_signed(settings, url=url, body=knock.body, media_type=media_type, signature=signature):
            self._refuse(channel)
        return twilio_webhook.read_form(knock.body)

    def _x(self, channel: str, settings: XSettings, knock: WebhookRequest, *, now: datetime) -> Page:
        from connectors.social.x import webhook as x_webhook  # noqa: PLC0415

        signature = knock.headers.get("x-twitter-webhooks-signature")
        if not x_webhook.is_signed(settings, body=knock.body, signature=signature):
            self._refuse(channel)
        return x_webhook.page_of(channel, settings, body=knock.body, now=now)

    def _http_sms(self, channel: str, settings: HttpSmsSettings, knock: WebhookRequest, *, now: datetime) -> Page:
        from connectors.sms.http_api import webhook as http_door  # noqa: PLC0415

        if not http_door.is_signed(settings, body=knock.body, headers=knock.headers, now=now):
            self._refuse(channel)
        media_type = knock.headers.get("content-type", "")
        return http_door.page_of(channel, settings, body=knock.body, media_type=media_type, now=now)

    def _refuse(self, channel: str) -> None:
        _log.warning("webhook.refused", channel=channel)
        raise Unsigned

    def _channel(self, name: str) -> object:
        channel = self._settings.channels.get(name)
        if channel is None or not channel.enabled:
            raise NotFound("there is no door here")
        return channel

    def _address(self, channel: str) -> str:
        public_url = self._settings.omniyard.public_url
        if not public_url:
            raise ConfigError("webhooks need [omniyard] public_url: the address that the provider calls is signed")
        return f"{public_url}{PATH}/{quote(channel)}"

    def _keeper(self) -> Intake:
        # The broker's and the readers' libraries are loaded by the first provider that knocks.
        from workers.broker.doorbell import Bell, broker_url  # noqa: PLC0415
        from workers.intake.intake import Intake  # noqa: PLC0415

        with self._lock:
            if self._intake is None:
                self._intake = Intake(self._database, bell=Bell(lambda: broker_url(self._settings)))
            return self._intake
