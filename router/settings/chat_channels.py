"""`[channels.NAME]` of the kinds that carry short messages: SMS, WhatsApp, direct messages."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import timedelta
from typing import Literal

from pydantic import Field

from router.settings.channel_base import ApiBase, ChatSettings, PhoneNumber
from router.settings.secret import Secret
from router.settings.values import Pause


class TwilioSettings(ChatSettings):
    """One number at Twilio, for SMS and MMS or for WhatsApp: each is an address of its own there.

    templates: our names of approved WhatsApp templates, each with its content SID.
    api_base: where to ask instead of Twilio itself; for tests and for a proxy.
    """

    kind: Literal["twilio"]
    account: Secret
    token: Secret
    number: PhoneNumber
    whatsapp: bool = False
    templates: dict[str, str] = Field(default_factory=dict)
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
    """Direct messages to an X account. Every message read and sent costs money there.

    daily_budget: US dollars a UTC day; 0 is none.  emergency_share: the part of it that is kept back from reading,
        for answers and for one look an hour.
    """

    kind: Literal["x"]
    consumer_key: Secret
    consumer_secret: Secret
    access_token: Secret
    access_secret: Secret
    poll: Pause = timedelta(seconds=60)
    daily_budget: float = Field(default=10.0, ge=0)
    emergency_share: float = Field(default=0.2, ge=0, le=1)
    read_price: float = Field(default=0.01, ge=0)
    send_price: float = Field(default=0.015, ge=0)
    api_base: ApiBase | None = None

    @property
    def source(self) -> tuple[str, Hashable]:
        """See `ChannelSettings`."""
        return "access_token", (self.kind, self.access_token)


class TelegramSettings(ChatSettings):
    """A Telegram bot. token: as BotFather gave it.  poll: how long one question to Telegram may stay open."""

    kind: Literal["telegram"]
    token: Secret
    poll: Pause = timedelta(seconds=50)
    api_base: ApiBase | None = None

    @property
    def source(self) -> tuple[str, Hashable]:
        """See `ChannelSettings`."""
        return "token", (self.kind, self.token)
