"""Send to the chat. There is no provider: the line is written in the transaction that records the message as sent."""

from __future__ import annotations

from datetime import datetime, timedelta

from connectors.base import Health
from connectors.sender_contract import Outgoing, Receipt, SendVerdict
from router.delivery import Window
from router.settings.channels.site_chat import SiteChatSettings
from router.settings.model import DeskSettings


class ChatSender:
    """See `Sender`."""

    repeatable = False

    def __init__(self, channel: str, settings: SiteChatSettings) -> None:
        self.channel, self._settings = channel, settings

    def window(self, recipient: str) -> Window:
        """See `Sender`."""
        del recipient
        return self._settings.window

    def send(self, outgoing: Outgoing) -> Receipt:
        """See `Sender`: nothing can fail before the transaction that writes the line."""
        del outgoing
        return Receipt(verdict=SendVerdict.ACCEPTED)

    def reconcile(self, outgoing: Outgoing, *, since: datetime) -> Receipt | None:
        """See `Sender`: a message that is not recorded as sent has no line."""
        del outgoing, since
        return Receipt(verdict=SendVerdict.NOT_SENT, retry_after=timedelta(seconds=1))

    def probe(self) -> Health:
        """See `Sender`."""
        shown = ", ".join(self._settings.origins) or "no other site"
        return Health(ok=True, findings=(f"the desk shows the chat at /chat/{self.channel}, and in {shown}",))

    def close(self) -> None:
        """See `Sender`."""


def open_sender(channel: str, settings: SiteChatSettings, desk: DeskSettings) -> ChatSender:
    """Return the sender of a channel."""
    del desk
    return ChatSender(channel, settings)
