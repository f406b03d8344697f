"""Answer a customer of a service account or a mini program by a customer service message, once."""

from __future__ import annotations

from typing import Final

from connectors.base import Health
from connectors.sender_contract import Outgoing, Receipt, SendVerdict
from connectors.social.tencent.text_sender import TextSender
from connectors.social.wechat.client import CODES, WechatApi
from router.errors import OmniyardError
from router.settings.channels.tencent import WechatSettings
from router.settings.model import DeskSettings

_NO_LIST: Final = "WeChat keeps no list: what this desk does not take within three tries of five seconds is lost"
_NOT_ELSEWHERE: Final = "if the console passes messages on to WeCom or another system, none come here"


class WechatSender(TextSender):
    """See `Sender`."""

    def __init__(self, channel: str, settings: WechatSettings) -> None:
        super().__init__(channel, codes=CODES, limit=settings.text_limit, window=settings.window)
        self._settings, self._api = settings, WechatApi(settings)

    def probe(self) -> Health:
        """See `Sender`: ask for the access token."""
        try:
            self._api.token()
        except OmniyardError as error:
            return Health(ok=False, findings=(str(error),))
        return Health(ok=True, findings=(f"WeChat answers for {self._settings.app}", _NO_LIST, _NOT_ELSEWHERE))

    def _send(self, outgoing: Outgoing) -> Receipt:
        body = {"touser": outgoing.recipient, "msgtype": "text", "text": {"content": outgoing.text}}
        self._api.call("message/custom/send", body)
        return Receipt(verdict=SendVerdict.ACCEPTED)


def open_sender(channel: str, settings: WechatSettings, desk: DeskSettings) -> WechatSender:
    """Return the sender of a channel, not connected yet."""
    del desk
    return WechatSender(channel, settings)
