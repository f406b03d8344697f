"""WeChat's callbacks in safe mode: verified, decrypted, stored, and then answered with `success`, or with a reply.

What is not answered in three tries of five seconds is lost: there is no list to ask for it afterwards.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from xml.sax.saxutils import escape

from connectors.base import Batch, Taken, WebhookRequest, WebhookResponse
from connectors.registry_row import FileRequest
from connectors.social.tencent.callback_cipher import decrypt, encrypt, is_signed, read_key, signature_of
from connectors.social.tencent.callback_xml import field_of, query_of, read_fields
from connectors.social.tencent.media_files import media_request
from connectors.social.wechat.client import WechatApi
from connectors.social.wechat.messages import FORM, MEDIA, is_message, key_of, raw_of
from router.delivery import DeliveryReport
from router.errors import NotFound, PermanentError
from router.settings.channels.tencent import WechatSettings
from router.settings.model import DeskSettings

_ANSWER: Final = WebhookResponse("success", "text/plain")
_REPLY: Final = (
    "<xml><ToUserName>{to}</ToUserName><FromUserName>{ours}</FromUserName><CreateTime>{at}</CreateTime>"
    "<MsgType>text</MsgType><Content>{text}</Content></xml>"
)
_SEALED: Final = (
    "<xml><Encrypt>{sealed}</Encrypt><MsgSignature>{signature}</MsgSignature><TimeStamp>{at}</TimeStamp>"
    "<Nonce>{nonce}</Nonce></xml>"
)


class WechatEndpoint:
    """See `ProviderEndpoint` and `PassiveEndpoint`."""

    def __init__(self, channel: str, settings: WechatSettings, desk: DeskSettings) -> None:
        del desk
        self._channel, self._settings = channel, settings

    def is_signed(self, request: WebhookRequest, *, now: datetime) -> bool:
        """See `ProviderEndpoint`. The time is signed, but WeChat promises no freshness; ids make repetitions one."""
        del now
        try:
            encrypted = field_of(read_fields(request.body), "Encrypt")
        except PermanentError:
            return False
        parts = (query_of(request, "timestamp"), query_of(request, "nonce"), encrypted)
        return all(parts) and is_signed(query_of(request, "msg_signature"), token=self._token, parts=parts)

    def challenge(self, request: WebhookRequest) -> WebhookResponse:
        """See `ProviderEndpoint`: the text is returned as it is; it signs nothing, and only WeChat gets an answer."""
        echo, parts = query_of(request, "echostr"), (query_of(request, "timestamp"), query_of(request, "nonce"))
        if not echo or not all(parts) or not is_signed(query_of(request, "signature"), token=self._token, parts=parts):
            raise PermanentError("the challenge is not signed by WeChat")
        return WebhookResponse(echo, "text/plain")

    def batch(self, request: WebhookRequest, *, now: datetime) -> Batch:
        """See `ProviderEndpoint`."""
        fields, app = self._fields(request), self._settings.app
        messages = [raw_of(fields, app=app, now=now)] if is_message(fields) else []
        return Batch(channel=self._channel, form=FORM, messages=messages)

    def answer(self, request: WebhookRequest, *, taken: Mapping[str, Taken]) -> WebhookResponse:
        """See `ProviderEndpoint`: anything but this text shows the customer that the service is out of order."""
        del request, taken
        return _ANSWER

    def delivery(self, request: WebhookRequest) -> DeliveryReport:
        """See `ProviderEndpoint`: WeChat reports nothing about a message."""
        del request
        raise NotFound("WeChat has no delivery reports")

    def replied_to(self, request: WebhookRequest) -> str:
        """See `PassiveEndpoint`."""
        fields = self._fields(request)
        return key_of(fields, app=self._settings.app) if is_message(fields) else ""

    def reply(self, request: WebhookRequest, *, text: str) -> WebhookResponse:
        """See `PassiveEndpoint`: encrypted, as the message was."""
        fields, at = self._fields(request), str(int(datetime.now(UTC).timestamp()))
        to, ours = escape(fields.get("FromUserName", "")), escape(fields.get("ToUserName", ""))
        plain = _REPLY.format(to=to, ours=ours, at=at, text=escape(text))
        nonce = secrets.token_hex(8)
        sealed = encrypt(plain, key=self._key, receiver=self._settings.app, random=secrets.token_bytes(16))
        signature = signature_of(self._token, at, nonce, sealed)
        return WebhookResponse(_SEALED.format(sealed=sealed, signature=signature, at=at, nonce=nonce), "text/xml")

    @property
    def _token(self) -> str:
        return self._settings.callback_token.reveal()

    @property
    def _key(self) -> bytes:
        return read_key(self._settings.aes_key.reveal())

    def _fields(self, request: WebhookRequest) -> Mapping[str, str]:
        sealed = field_of(read_fields(request.body), "Encrypt")
        return read_fields(decrypt(sealed, key=self._key, receiver=self._settings.app).encode())


def file_request(settings: WechatSettings, url: str) -> FileRequest:
    """See `media_request`."""
    return media_request(WechatApi(settings), url, prefix=MEDIA, is_own_proxy=settings.api_base is not None)
