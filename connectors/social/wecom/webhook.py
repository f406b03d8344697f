"""WeCom's callbacks: verified, decrypted, and answered at once; they carry no message, they only wake the pull."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from connectors.base import Batch, Taken, WebhookRequest, WebhookResponse
from connectors.social.tencent.callback_cipher import decrypt, is_signed, read_key
from connectors.social.tencent.callback_xml import field_of, query_of, read_fields
from connectors.social.wecom.messages import FORM
from router.delivery import DeliveryReport
from router.errors import ConfigError, NotFound, PermanentError
from router.settings.channels.tencent import WecomSettings
from router.settings.model import DeskSettings
from router.settings.secret import Secret

_LONGEST_TOKEN: Final = 128


class WecomEndpoint:
    """See `ProviderEndpoint`."""

    def __init__(self, channel: str, settings: WecomSettings, desk: DeskSettings) -> None:
        del desk
        self._channel, self._settings = channel, settings

    def is_signed(self, request: WebhookRequest, *, now: datetime) -> bool:
        """See `ProviderEndpoint`. The time is signed, but WeCom promises no freshness."""
        del now
        try:
            encrypted = field_of(read_fields(request.body), "Encrypt")
        except PermanentError:
            return False
        return self._is_theirs(request, encrypted)

    def challenge(self, request: WebhookRequest) -> WebhookResponse:
        """See `ProviderEndpoint`: the text is encrypted and signed, so only WeCom gets an answer."""
        echo = query_of(request, "echostr")
        if not echo or not self._is_theirs(request, echo):
            raise PermanentError("the challenge is not signed by WeCom")
        return WebhookResponse(self._opened(echo), "text/plain")

    def batch(self, request: WebhookRequest, *, now: datetime) -> Batch:
        """See `ProviderEndpoint`: no messages, but what to wake."""
        del now
        event = read_fields(self._opened(field_of(read_fields(request.body), "Encrypt")).encode())
        if event.get("Event") != "kf_msg_or_event":
            return Batch(channel=self._channel, form=FORM)
        token = field_of(event, "Token")[:_LONGEST_TOKEN]
        # One callback serves all accounts of the corp.
        return Batch(
            channel=self._channel,
            form=FORM,
            wakes={f"{self._settings.corp}:{field_of(event, 'OpenKfId')}": token},
        )

    def answer(self, request: WebhookRequest, *, taken: Mapping[str, Taken]) -> WebhookResponse:
        """See `ProviderEndpoint`."""
        del request, taken
        return WebhookResponse("success", "text/plain")

    def delivery(self, request: WebhookRequest) -> DeliveryReport:
        """See `ProviderEndpoint`: reports come with the messages."""
        del request
        raise NotFound("WeCom reports by its list of messages")

    def _is_theirs(self, request: WebhookRequest, encrypted: str) -> bool:
        parts = (query_of(request, "timestamp"), query_of(request, "nonce"), encrypted)
        token = _revealed(self._settings.callback_token)
        return all(parts) and is_signed(query_of(request, "msg_signature"), token=token, parts=parts)

    def _opened(self, encrypted: str) -> str:
        return decrypt(encrypted, key=read_key(_revealed(self._settings.aes_key)), receiver=self._settings.corp)


def _revealed(secret: Secret | None) -> str:
    if secret is None:
        raise ConfigError("callbacks of WeCom need callback_token and aes_key")
    return secret.reveal()
