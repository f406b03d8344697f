"""`[channels.NAME]`: one class a kind of channel, told apart by `kind`."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta
from ipaddress import ip_address
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from router.settings.secret import Secret
from router.settings.values import Duration


def _is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return ip_address(host.strip("[]")).is_loopback
    return host == "localhost"


class ChannelSettings(BaseModel):
    """What every channel has.

    calendar: when this channel is staffed.  team: who answers unless a route says otherwise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    enabled: bool = True
    calendar: str = "always"
    team: str | None = None
    address: str | None = None


class ImapSettings(ChannelSettings):
    r"""A mailbox that is polled over IMAP.

    start: "now" takes only mail that arrives from now on, a date takes mail since that day.
    after: what becomes of a mail on the server once it is kept: nothing, \Seen, or a move to `move_to`.
    oauth_token: an access token in place of a password (XOAUTH2), read anew at each login: a file may be renewed.
    largest: bytes; of a bigger mail only the header is fetched.
    stale_after: a mail that the server has had for longer when we see it is old mail: no automatic reply, no clock.
    rescan: how far back to look for mail when the server has renumbered the mailbox (another UIDVALIDITY).
    """

    kind: Literal["imap"]
    host: str
    port: int = Field(default=0, ge=0, le=65535)
    security: Literal["tls", "starttls", "none"] = "tls"
    username: str
    password: Secret | None = None
    oauth_token: Secret | None = None
    folder: str = "INBOX"
    start: Literal["now"] | date = "now"
    after: Literal["none", "seen", "move"] = "none"
    move_to: str | None = None
    poll: Duration = timedelta(seconds=60)
    idle: bool = True
    page: int = Field(default=100, ge=1, le=500)
    largest: int = Field(default=26_214_400, ge=1024)
    ca_file: str | None = None
    stale_after: Duration = timedelta(days=1)
    rescan: Duration = timedelta(days=30)

    @field_validator("host", "username", "folder", "move_to")
    @classmethod
    def _one_line(cls, value: str | None) -> str | None:
        # A line break in a folder's name would be a second IMAP command (CVE-2025-15366 in imaplib).
        if value is not None and (not value or not value.isprintable()):
            raise ValueError("expected text without control characters")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> ImapSettings:
        if self.security == "none" and not _is_loopback(self.host):
            raise ValueError('security = "none" is for servers on this machine; expected "tls" or "starttls"')
        if (self.password is None) == (self.oauth_token is None):
            raise ValueError("expected either password or oauth_token")
        if (self.after == "move") != (self.move_to is not None):
            raise ValueError('after = "move" and move_to go together')
        return self


class SmtpSettings(ChannelSettings):
    """A listener that takes mail by SMTP or LMTP; it answers 250 once the mail is on disk.

    recipients: addresses or @domains that are accepted; empty takes every recipient.
    """

    kind: Literal["smtp"]
    listen: str = "127.0.0.1:2525"
    protocol: Literal["smtp", "lmtp"] = "smtp"
    recipients: tuple[str, ...] = ()
    largest: int = Field(default=26_214_400, ge=1024)
    tls_certificate: str | None = None
    tls_key: Secret | None = None


class TwilioSettings(ChannelSettings):
    """A Twilio number that is polled for SMS."""

    kind: Literal["twilio"]
    account: Secret
    token: Secret
    number: str
    poll: Duration = timedelta(seconds=20)


class XSettings(ChannelSettings):
    """Direct messages to an X account."""

    kind: Literal["x"]
    consumer_key: Secret
    consumer_secret: Secret
    access_token: Secret
    access_secret: Secret
    poll: Duration = timedelta(seconds=60)


Channel = Annotated[ImapSettings | SmtpSettings | TwilioSettings | XSettings, Field(discriminator="kind")]
