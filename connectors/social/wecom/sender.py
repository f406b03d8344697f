"""Answer a customer of WeCom's customer service, once, under our own message id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from connectors.base import Health
from connectors.sender_contract import Outgoing, Receipt, SendVerdict
from connectors.social.tencent.api_client import ApiRefusal
from connectors.social.tencent.text_sender import TextSender
from connectors.social.wecom.client import CODES, WecomApi
from connectors.social.wecom.connector import WecomConnector
from router.settings.channels.tencent import WecomSettings
from router.settings.model import DeskSettings

# The session is with a colleague in WeCom, or has ended; ours are those of the API.
_WRONG_STATE: Final = 95018
_BY_API: Final = 1
_NOT_OURS: Final = (
    "a colleague answers this customer in WeCom, or the session has ended (95018): answer there, or wait for the "
    "customer's next message"
)


class WecomSender(TextSender):
    """See `Sender`."""

    def __init__(self, channel: str, settings: WecomSettings) -> None:
        super().__init__(channel, codes=CODES, limit=settings.text_limit, window=settings.window)
        self._settings, self._api = settings, WecomApi(settings)

    def probe(self) -> Health:
        """See `Sender`."""
        return WecomConnector(self.channel, self._settings).probe()

    def _send(self, outgoing: Outgoing) -> Receipt:
        body = {
            "touser": outgoing.recipient,
            "open_kfid": self._settings.account,
            "msgid": outgoing.outbound_id.hex,
            "msgtype": "text",
            "text": {"content": outgoing.text},
        }
        try:
            answer = self._api.call("kf/send_msg", body)
        except ApiRefusal as error:
            if error.code != _WRONG_STATE:
                raise
            if not self._take_session(outgoing.recipient):
                return Receipt(verdict=SendVerdict.REFUSED, why=_NOT_OURS)
            answer = self._api.call("kf/send_msg", body)
        return Receipt(verdict=SendVerdict.ACCEPTED, provider_id=_msgid(answer) or outgoing.outbound_id.hex)

    def _take_session(self, customer: str) -> bool:
        """Bring the session to the API's state; return whether it is there."""
        body = {
            "open_kfid": self._settings.account,
            "external_userid": customer,
            "service_state": _BY_API,
        }
        try:
            self._api.call("kf/service_state/trans", body)
        except ApiRefusal:
            return False
        return True


def open_sender(channel: str, settings: WecomSettings, desk: DeskSettings) -> WecomSender:
    """Return the sender of a channel, not connected yet."""
    del desk
    return WecomSender(channel, settings)


def _msgid(answer: Mapping[str, object]) -> str:
    found = answer.get("msgid")
    return found if isinstance(found, str) else ""
