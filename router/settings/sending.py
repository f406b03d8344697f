"""`[channels.NAME.send]` of a mail channel: the server that takes our mail."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field, field_validator, model_validator

from router.settings.channel_base import SendSettings
from router.settings.secret import Secret
from router.settings.values import WrongKeys, is_loopback

_PLAIN: Final = 'mail and password would cross the network in plain text; expected "tls" or "starttls"'
_LOGIN: Final = "expected username with either password or oauth_token, or none of the three"


class MailSendSettings(SendSettings):
    """A server for the submission of mail (RFC 6409).

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
