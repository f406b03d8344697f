"""`[channels.NAME.send]`: how messages leave by a channel, and within what bounds."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from router.settings.secret import Secret
from router.settings.values import Duration, WrongKeys, is_loopback

_PLAIN: Final = 'mail and password would cross the network in plain text; expected "tls" or "starttls"'
_LOGIN: Final = "expected username with either password or oauth_token, or none of the three"


class SendSettings(BaseModel):
    """Bounds that every kind of channel has.

    window, window_messages: how long after the customer's last message we may answer, and how often.
    automatic_per_hour: beyond this many automatic replies an hour the channel sends none for an hour, and says so.
    automatic_per_customer: how many of them one customer gets in 24 hours, over all conversations.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True)

    window: Duration | None = None
    window_messages: int | None = Field(default=None, ge=1)
    automatic_per_hour: int = Field(default=200, ge=0)
    automatic_per_customer: int = Field(default=3, ge=0)


class MailSendSettings(SendSettings):
    """The server that takes our mail (RFC 6409).

    oauth_token: an access token in place of a password (XOAUTH2), read anew at each login.
    plus_address: answers come back to `address` with our token after a "+" (RFC 5233), so that the case is found even
        when a mail program drops the threading headers.
    """

    host: str
    port: int = Field(default=0, ge=0, le=65535)
    security: Literal["tls", "starttls", "none"] = "starttls"
    username: str | None = None
    password: Secret | None = None
    oauth_token: Secret | None = None
    ca_file: str | None = None
    plus_address: bool = False

    @field_validator("host", "username")
    @classmethod
    def _one_line(cls, value: str | None) -> str | None:
        if value is not None and (not value or not value.isprintable()):
            raise ValueError("expected text without control characters")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> MailSendSettings:
        logins = (self.password is not None) + (self.oauth_token is not None)
        rules = (
            ("security", self.security == "none" and not is_loopback(self.host), _PLAIN),
            ("password", logins != (self.username is not None), _LOGIN),
        )
        problems = [(key, message) for key, broken, message in rules if broken]
        if problems:
            raise WrongKeys(problems)
        return self
