"""What the senders of WeChat and WeCom have in common: texts of a limited length, which neither lists afterwards."""

from __future__ import annotations

from datetime import datetime

from connectors.sender_contract import Outgoing, Receipt
from connectors.social.tencent.api_client import ApiCodes
from connectors.social.tencent.receipts import refused_text, send_once
from router.delivery import TextLimit, Window


class TextSender:
    """The parts of a `Sender` that both have. codes: of the provider's interface.  limit, window: of the channel."""

    # A second copy would be seen, so a lost answer stays unknown: a person decides.
    repeatable = False

    def __init__(self, channel: str, *, codes: ApiCodes, limit: TextLimit, window: Window) -> None:
        self.channel, self._codes, self._limit, self._window = channel, codes, limit, window

    def window(self, recipient: str) -> Window:
        """See `Sender`."""
        del recipient
        return self._window

    def send(self, outgoing: Outgoing) -> Receipt:
        """See `Sender`."""
        if refused := refused_text(outgoing.text, provider=self._codes.name, limit=self._limit):
            return refused
        return send_once(lambda: self._send(outgoing), of_channel=self._codes.of_channel)

    def reconcile(self, outgoing: Outgoing, *, since: datetime) -> Receipt | None:
        """See `Sender`: neither lists what we sent."""
        del outgoing, since
        return None

    def close(self) -> None:
        """See `Sender`. Nothing is kept open."""

    def _send(self, outgoing: Outgoing) -> Receipt:
        """Send once. Raises as `TokenApi.call` does."""
        raise NotImplementedError
