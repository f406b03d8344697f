"""`[channels.NAME]` of the kinds `twilio` (SMS, MMS or WhatsApp) and `http_sms` (a provider described here)."""

from __future__ import annotations

import re
from collections.abc import Hashable
from datetime import timedelta
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator, model_validator

from router.delivery import WHATSAPP_WINDOW, TextLimit, Window
from router.settings.channels.base import (
    ApiBase,
    ChannelConcern,
    ChatSettings,
    PhoneNumber,
    PolledSettings,
    SendSettings,
    check_url,
)
from router.settings.secret import Secret
from router.settings.values import Pause, Region, Switch, Whole, WrongKeys
from router.text.sms_segments import LONGEST

_MAINLAND_CHINA: Final = "+86"
_ONE_WAY: Final = (
    "Twilio offers no two-way SMS in mainland China: no message of a customer will come in; "
    'expected a provider there (kind = "http_sms"), mail or another channel'
)
_NOWHERE: Final = "the provider has no address to deliver messages to; set [omniyard] public_url"


class TwilioSettings(ChatSettings, PolledSettings):
    """One number at Twilio, for SMS and MMS or for WhatsApp; for Twilio these are two addresses.

    templates: our names of approved WhatsApp templates, with their content SIDs.
    api_base: used instead of Twilio's URL; for tests and for a proxy.
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
        """Our address in Twilio's format."""
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


# Placeholders of a body: recipient in E.164 and in national format, our id, our number, and the text.
PLACEHOLDERS: Final = ("recipient", "national", "text", "id", "sender", "template", "variables")
PLACEHOLDER: Final = re.compile(r"\{([a-z]+)\}")
_NEEDED: Final = ("id", "sender", "text")
_FIELDS: Final = (*_NEEDED, "to", "list")


def _url(value: str) -> str:
    return check_url(value, query=True)


Url = Annotated[str, AfterValidator(_url)]


class HttpSmsSendSettings(SendSettings):
    """`[channels.NAME.send]`: the HTTP request that sends one SMS.

    headers: each value is a secret.  body: field -> text with placeholders.
    accepted: the values of fields in the response that mean success; without it, any 2xx does.
    id_field: the field of the response with the provider's id.
    """

    url: Url
    encoding: Literal["json", "form"] = "json"
    headers: dict[str, Secret] = Field(default_factory=dict)
    body: dict[str, str]
    accepted: dict[str, str] = Field(default_factory=dict)
    id_field: str | None = None
    longest: Whole = Field(default=500, ge=1)

    @field_validator("body")
    @classmethod
    def _known(cls, body: dict[str, str]) -> dict[str, str]:
        used = {name for text in body.values() for name in PLACEHOLDER.findall(text)}
        if unknown := used - set(PLACEHOLDERS):
            raise ValueError(f"unknown placeholder {{{min(unknown)}}}; expected {', '.join(PLACEHOLDERS)}")
        if not used & {"recipient", "national"}:
            raise ValueError("the recipient is missing; expected {recipient} or {national} in a field")
        return body


class HttpSmsSettings(ChatSettings):
    """A number at a provider that the operator describes here.

    region: ISO 3166, for numbers without a country code.
    secret: the key of the provider's signature: HMAC-SHA256 over the raw body, in `signature_header`.
    timestamp_header: signed before the body, with a dot between; a timestamp older than five minutes is refused.
    fields: the message's fields in the provider's request; a dot goes one level down.
    answer: the response that the provider expects.
    """

    kind: Literal["http_sms"]
    number: str = Field(min_length=1)
    region: Region | None = None
    secret: Secret
    signature_header: str = "X-Signature"
    signature: Literal["hex", "base64"] = "hex"
    timestamp_header: str | None = None
    fields: dict[str, str]
    answer: str = ""
    send: HttpSmsSendSettings

    @model_validator(mode="after")
    def _consistent(self) -> HttpSmsSettings:
        missing = [name for name in _NEEDED if name not in self.fields]
        unknown = [name for name in self.fields if name not in _FIELDS]
        if missing or unknown:
            raise WrongKeys([("fields", f"expected {', '.join(_NEEDED)}, and optionally to and list")])
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
