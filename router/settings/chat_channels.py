"""`[channels.NAME]` of the kinds that carry short messages: SMS, WhatsApp, direct messages."""

from __future__ import annotations

import re
from collections.abc import Hashable
from datetime import timedelta
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator, model_validator

from router.delivery import WHATSAPP_WINDOW, TextLimit, TextUnit, Window
from router.settings.channel_base import (
    ApiBase,
    ChannelConcern,
    ChatSettings,
    PhoneNumber,
    PolledSettings,
    SendSettings,
    check_url,
)
from router.settings.secret import Secret
from router.settings.values import Pause, Switch, WrongKeys
from router.text.sms_segments import LONGEST

_MAINLAND_CHINA: Final = "+86"
_ONE_WAY: Final = (
    "Twilio offers no two-way SMS in mainland China: nothing that customers write will come in; "
    'expected a provider there (kind = "http_sms"), mail or another channel'
)
_NOWHERE: Final = "its provider has nowhere to bring messages to; set [omniyard] public_url"


class TwilioSettings(ChatSettings, PolledSettings):
    """One number at Twilio, for SMS and MMS or for WhatsApp: each is an address of its own there.

    templates: our names of approved WhatsApp templates, each with its content SID.
    api_base: where to ask instead of Twilio itself; for tests and for a proxy.
    """

    kind: Literal["twilio"]
    account: Secret
    token: Secret
    number: PhoneNumber
    whatsapp: Switch = False
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

    @property
    def source_words(self) -> str:
        """See `ChannelSettings`."""
        return self.own_address

    @property
    def window(self) -> Window:
        """See `ChannelSettings`."""
        return self.send.window_within(WHATSAPP_WINDOW if self.whatsapp else None)

    @property
    def text_limit(self) -> TextLimit:
        """See `ChannelSettings`."""
        return TextLimit(LONGEST)

    @property
    def counts_segments(self) -> bool:
        """See `ChannelSettings`."""
        return not self.whatsapp

    def concerns(self, *, public_url: str | None) -> tuple[ChannelConcern, ...]:
        """See `ChannelSettings`."""
        del public_url
        if self.whatsapp or not self.number.startswith(_MAINLAND_CHINA):
            return ()
        return (ChannelConcern(key="number", message=_ONE_WAY, value=self.number),)


# X takes 1 to 10,000 characters; Telegram counts UTF-16 code units (Bot API, sendMessage).
X_LIMIT: Final = TextLimit(10_000)
TELEGRAM_LIMIT: Final = TextLimit(4096, TextUnit.UTF16)


class XSettings(ChatSettings, PolledSettings):
    """Direct messages to an X account. Every message read and sent costs money there.

    daily_budget: US dollars a UTC day; 0 is none.  emergency_share: the part of it that is kept back from reading,
        for answers and for one look an hour.
    """

    kind: Literal["x"]
    consumer_key: Secret
    consumer_secret: Secret
    access_token: Secret
    access_secret: Secret
    daily_budget: float = Field(default=10.0, ge=0)
    emergency_share: float = Field(default=0.2, ge=0, le=1)
    read_price: float = Field(default=0.01, ge=0)
    send_price: float = Field(default=0.015, ge=0)
    api_base: ApiBase | None = None

    @property
    def source(self) -> tuple[str, Hashable]:
        """See `ChannelSettings`."""
        return "access_token", (self.kind, self.access_token)

    @property
    def text_limit(self) -> TextLimit:
        """See `ChannelSettings`."""
        return X_LIMIT


class TelegramSettings(ChatSettings, PolledSettings):
    """A Telegram bot. token: as BotFather gave it.  poll: how long one question to Telegram may stay open."""

    kind: Literal["telegram"]
    token: Secret
    poll: Pause = timedelta(seconds=50)
    api_base: ApiBase | None = None

    @property
    def source(self) -> tuple[str, Hashable]:
        """See `ChannelSettings`."""
        return "token", (self.kind, self.token)

    @property
    def text_limit(self) -> TextLimit:
        """See `ChannelSettings`."""
        return TELEGRAM_LIMIT


# What a body may say: recipient in E.164 and as dialled in the country, our id, our number, and what is written.
PLACEHOLDERS: Final = ("recipient", "national", "text", "id", "sender", "template", "variables")
PLACEHOLDER: Final = re.compile(r"\{([a-z]+)\}")
_NEEDED: Final = ("id", "sender", "text")
_FIELDS: Final = (*_NEEDED, "to", "list")
_REGION: Final = re.compile(r"[A-Z]{2}")


def _url(value: str) -> str:
    return check_url(value, query=True)


Url = Annotated[str, AfterValidator(_url)]


class HttpSmsSendSettings(SendSettings):
    """`[channels.NAME.send]`: the call that sends one SMS.

    headers: each a secret.  body: field -> text with placeholders.
    accepted: what the answer's fields say when it was taken; without it, any 2xx does.
    id_field: the answer's field with the provider's id.
    """

    url: Url
    encoding: Literal["json", "form"] = "json"
    headers: dict[str, Secret] = Field(default_factory=dict)
    body: dict[str, str]
    accepted: dict[str, str] = Field(default_factory=dict)
    id_field: str | None = None
    longest: int = Field(default=500, ge=1)

    @field_validator("body")
    @classmethod
    def _known(cls, body: dict[str, str]) -> dict[str, str]:
        used = {name for text in body.values() for name in PLACEHOLDER.findall(text)}
        if unknown := used - set(PLACEHOLDERS):
            raise ValueError(f"{{{min(unknown)}}} stands for nothing; expected {', '.join(PLACEHOLDERS)}")
        if not used & {"recipient", "national"}:
            raise ValueError("nothing says who gets it; expected {recipient} or {national} somewhere")
        return body


class HttpSmsSettings(ChatSettings):
    """A number at a provider that is described here.

    region: ISO 3166, where numbers without a country code are dialled.
    secret: the key of the provider's signature: HMAC-SHA256 over the raw body, in `signature_header`.
    timestamp_header: signed before the body, with a dot between; what is older than five minutes is refused.
    fields: where the message stands in what the provider brings; a dot goes one level down.
    answer: what the provider wants to hear.
    """

    kind: Literal["http_sms"]
    number: str = Field(min_length=1)
    region: str | None = None
    secret: Secret
    signature_header: str = "X-Signature"
    signature: Literal["hex", "base64"] = "hex"
    timestamp_header: str | None = None
    fields: dict[str, str]
    answer: str = ""
    send: HttpSmsSendSettings

    @field_validator("region")
    @classmethod
    def _country(cls, value: str | None) -> str | None:
        if value is not None and not _REGION.fullmatch(value):
            raise ValueError('expected a country (ISO 3166) such as "CN"')
        return value

    @model_validator(mode="after")
    def _consistent(self) -> HttpSmsSettings:
        missing = [name for name in _NEEDED if name not in self.fields]
        unknown = [name for name in self.fields if name not in _FIELDS]
        if missing or unknown:
            raise WrongKeys([("fields", f"expected {', '.join(_NEEDED)}, and perhaps to and list")])
        return self

    @property
    def source(self) -> tuple[str, Hashable]:
        """See `ChannelSettings`."""
        return "number", (self.kind, self.send.url, self.number)

    @property
    def source_words(self) -> str:
        """See `ChannelSettings`."""
        return f"{self.number} by {urlsplit(self.send.url).hostname}"

    @property
    def text_limit(self) -> TextLimit:
        """See `ChannelSettings`."""
        return TextLimit(self.send.longest)

    @property
    def counts_segments(self) -> bool:
        """See `ChannelSettings`."""
        return True

    def concerns(self, *, public_url: str | None) -> tuple[ChannelConcern, ...]:
        """See `ChannelSettings`."""
        return () if public_url is not None else (ChannelConcern(key="kind", message=_NOWHERE),)
