"""Answer a customer of a service account or a mini program by a customer service message, once."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from connectors.base import Health
from connectors.outgoing import Outgoing, Receipt, SendVerdict
from connectors.social.tencent.receipts import refused_text, send_once
from connectors.social.wechat.client import CODES, WechatApi
from router.delivery import Window
from router.errors import OmniyardError
from router.settings.channels.tencent import WechatSettings
from router.settings.model import DeskSettings

_NO_LIST: Final = "WeChat keeps no list: what this desk does not take within three tries of five seconds is lost"
_NOT_ELSEWHERE: Final = "if the console passes messages on to WeCom or another system, none come here"


class WechatSender:
    """See `Sender`."""

    # WeChat gives no id and lists no messages, so a lost answer stays unknown: a person decides.
    repeatable = False

    def __init__(self, channel: str, settings: WechatSettings) -> None:
        self.channel, self._settings = channel, settings
        self._api = WechatApi(settings)

    def window(self, recipient: str) -> Window:
        """See `Sender`."""
        del recipient
        return self._settings.window

    def send(self, outgoing: Outgoing) -> Receipt:
        """See `Sender`."""
        if refused := refused_text(outgoing.text, provider="WeChat", limit=self._settings.text_limit):
            return refused
        return send_once(lambda: self._send(outgoing), of_channel=CODES.of_channel)

    def reconcile(self, outgoing: Outgoing, *, since: datetime) -> Receipt | None:
        """See `Sender`: WeChat does not list what we sent."""
        del outgoing, since
        return None

    def probe(self) -> Health:
        """See `Sender`: ask for the access token."""
        try:
            self._api.token()
        except OmniyardError as error:
            return Health(ok=False, findings=(str(error),))
        return Health(ok=True, findings=(f"WeChat answers for {self._settings.app}", _NO_LIST, _NOT_ELSEWHERE))

    def close(self) -> None:
        """See `Sender`. Nothing is kept open."""

    def _send(self, outgoing: Outgoing) -> Receipt:
        body = {"touser": outgoing.recipient, "msgtype": "text", "text": {"content": outgoing.text}}
        self._api.call("message/custom/send", body)
        return Receipt(verdict=SendVerdict.ACCEPTED)


def open_sender(channel: str, settings: WechatSettings, desk: DeskSettings) -> WechatSender:
    """Return the sender of a channel, not connected yet."""
    del desk
    return WechatSender(channel, settings)
