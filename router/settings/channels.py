"""`[channels.NAME]`: one class a kind of channel, told apart by `kind`."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from router.settings.secret import Secret
from router.settings.values import Duration


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
