"""`[channels.NAME]` of the kinds that carry short messages: SMS, WhatsApp, direct messages."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import timedelta
from typing import Literal

from router.settings.channel import ApiBase, ChatSettings, PhoneNumber
from router.settings.secret import Secret
from router.settings.values import Pause


class TwilioSettings(ChatSettings):
    """One number at Twilio, for SMS and MMS or for WhatsApp: each is an address of its own there.

    api_base: where to ask instead of Twilio itself; for tests and for a proxy.
    """

    kind: Literal["twilio"]
    account: Secret
    token: Secret
    number: PhoneNumber
    whatsapp: bool = False
    poll: Pause = timedelta(seconds=20)
    api_base: ApiBase | None = None

    @property
    def source(self) -> tuple[str, Hashable]:
        """See `ChannelSettings`."""
        return "number", (self.kind, self.own_address)

    @property
    def own_address(self) -> str:
        """Our address as Twilio writes it."""
        return f"whatsapp:{self.number}" if self.whatsapp else self.number


class XSettings(ChatSettings):
    """Direct messages to an X account."""

    kind: Literal["x"]
    consumer_key: Secret
    consumer_secret: Secret
    access_token: Secret
    access_secret: Secret
    poll: Pause = timedelta(seconds=60)

    @property
    def source(self) -> tuple[str, Hashable]:
        """See `ChannelSettings`."""
        return "access_token", (self.kind, self.access_token)
