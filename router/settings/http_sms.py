"""`[channels.NAME]` of kind "http_sms": any provider that takes SMS by one HTTP call and brings them by another."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from router.settings.channel_base import ChatSettings, SendSettings, check_url
from router.settings.secret import Secret
from router.settings.values import WrongKeys

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
