"""`[channels.NAME]` of the kinds whose answers leave as mail: `imap`, `smtp`, and `web`, the contact form."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from router.settings.channels.base import (
    ChannelConcern,
    ChannelSettings,
    FormLimits,
    PolledSettings,
    SendSettings,
)
from router.settings.secret import Secret
from router.settings.values import Listen, Pause, Start, Switch, Titles, Whole, WrongKeys, is_loopback

_LOGIN: Final = "expected username with either password or oauth_token, or none of the three"
_HOST_OR_OUTBOX: Final = "expected the mail server as host, or outbox = true to keep the mail here; one of the two"
_PLAIN: Final = 'mail and password would cross the network in plain text; expected "tls" or "starttls"'
_ONE_LOGIN: Final = "expected either password or oauth_token, exactly one of the two"
_MOVE: Final = 'after = "move" and move_to go together; expected both or neither'
_NO_ADDRESS: Final = "replies need a sender address; expected the key `address` in the channel's table"
_NOTHING_SENT: Final = "this channel sends nothing; expected a send table in the channel"
_PLAIN_LISTENER: Final = "mail from other machines would come in plain text; set tls_certificate and tls_key"
_RESULTS_OF_STRANGERS: Final = (
    "not trusted: anybody who reaches this listener can write such results; expected a listener on this machine, "
    "behind a mail server"
)
_TLS: Final = "tls_certificate and tls_key go together; expected both or neither"
# Path of the contact form of the kind `web`.
_CONTACT: Final = "/contact"


def _one_line(value: str) -> str:
    # A line break in a folder's name would start a second IMAP command (CVE-2025-15366 in imaplib).
    if not value or not value.isprintable():
        raise ValueError("expected text without control characters")
    return value


Line = Annotated[str, AfterValidator(_one_line)]


def _concern(key: str, message: str, value: str) -> ChannelConcern:
    return ChannelConcern(key=key, message=message, value=value)


class MailSendSettings(SendSettings):
    """A server for mail submission (RFC 6409), or the outbox of the desk.

    outbox: nothing leaves; the page of the outbox shows what would have been sent.
    oauth_token: an access token instead of a password (XOAUTH2), read again at each login.
    plus_address: the reply address has our token after a "+" (RFC 5233), so that the case is found even
        when a mail program drops the threading headers.
    """

    host: Line = ""
    outbox: Switch = False
    port: Whole = Field(default=0, ge=0, le=65535)
    security: Literal["tls", "starttls", "none"] = "starttls"
    username: Line | None = None
    password: Secret | None = None
    oauth_token: Secret | None = None
    ca_file: str | None = None
    plus_address: Switch = False

    @model_validator(mode="after")
    def _consistent(self) -> MailSendSettings:
        logins = (self.password is not None) + (self.oauth_token is not None)
        rules = (
            ("host", bool(self.host) == self.outbox, _HOST_OR_OUTBOX),
            ("security", self.security == "none" and bool(self.host) and not is_loopback(self.host), _PLAIN),
            ("password", logins != (self.username is not None), _LOGIN),
        )
        problems = [(key, message) for key, broken, message in rules if broken]
        if problems:
            raise WrongKeys(problems)
        return self


class MailChannelSettings(ChannelSettings):
    """A channel whose replies are sent as mail. send: the mail server; without it replies wait."""

    send: MailSendSettings | None = None

    @property
    def keeps_outbox(self) -> bool:
        """See `ChannelSettings`."""
        return self.send is not None and self.send.outbox

    @property
    def sends_mail(self) -> bool:
        """See `ChannelSettings`."""
        return self.has_way_out


class MailGateSettings(MailChannelSettings):
    """A channel that takes mail.

    authserv_id: by what name the mail server in front of it signs its Authentication-Results (RFC 8601); absent, the
        desk's `authserv_id`; empty, none is believed.
    """

    authserv_id: str | None = None

    def believed_authserv_id(self, default: str | None) -> str | None:
        """See `ChannelSettings`."""
        return (default if self.authserv_id is None else self.authserv_id) or None


class ImapSettings(MailGateSettings, PolledSettings):
    r"""A mailbox that is polled over IMAP.

    start: "now" takes only mail that arrives from now on, a date takes mail since that day.
    after: what to do with a stored mail on the server: nothing, \Seen, or a move to `move_to`.
    oauth_token: an access token instead of a password (XOAUTH2), read again at each login: a file may be renewed.
    largest: bytes; of a larger mail only the header is fetched.
    stale_after: a mail that was on the server longer when first seen gets no automatic reply and no clock.
    rescan: how far back to look for mail when the server has renumbered the mailbox (a new UIDVALIDITY).
    sent_folder: where to store a copy of each sent mail, for providers that do not do it.
    take_drafts: whether mail with the flag \Draft is taken, which no person has sent.
    take_deleted: whether mail with the flag \Deleted is taken, which a person has thrown away since it arrived.
    """

    kind: Literal["imap"]
    host: Line
    port: Whole = Field(default=0, ge=0, le=65535)
    security: Literal["tls", "starttls", "none"] = "tls"
    username: Line
    password: Secret | None = None
    oauth_token: Secret | None = None
    folder: Line = "INBOX"
    start: Start = "now"
    after: Literal["none", "seen", "move"] = "none"
    move_to: Line | None = None
    idle: Switch = True
    page: Whole = Field(default=100, ge=1, le=500)
    largest: Whole = Field(default=26_214_400, ge=1024)
    ca_file: str | None = None
    stale_after: Pause = timedelta(days=1)
    rescan: Pause = timedelta(days=30)
    sent_folder: Line | None = None
    take_drafts: Switch = False
    take_deleted: Switch = True

    @property
    def flags_asked_for(self) -> tuple[str, ...]:
        """The search keys of RFC 3501 section 6.4.4 that every mail must fulfil which is taken."""
        wanted = (("UNDRAFT", self.take_drafts), ("UNDELETED", self.take_deleted))
        return tuple(key for key, taken in wanted if not taken)

    @model_validator(mode="after")
    def _consistent(self) -> ImapSettings:
        rules = (
            ("security", self.security == "none" and not is_loopback(self.host), _PLAIN),
            ("password", (self.password is None) == (self.oauth_token is None), _ONE_LOGIN),
            ("after", (self.after == "move") != (self.move_to is not None), _MOVE),
            ("send", self.send is not None and not self.address, _NO_ADDRESS),
            ("sent_folder", self.sent_folder is not None and self.send is None, _NOTHING_SENT),
        )
        problems = [(key, message) for key, broken, message in rules if broken]
        if problems:
            raise WrongKeys(problems)
        return self

    @property
    def source(self) -> tuple[str, Hashable]:
        """See `ChannelSettings`."""
        # INBOX is the only folder whose name is case-insensitive (RFC 9051 section 5.1).
        folder = "INBOX" if self.folder.upper() == "INBOX" else self.folder
        return "folder", (self.kind, self.host.lower(), self.username.lower(), folder)

    @property
    def source_words(self) -> str:
        """See `ChannelSettings`."""
        return f"{self.username} at {self.host}, {self.folder}"

    @property
    def intake_words(self) -> str:
        """See `ChannelSettings`."""
        return f"reads {self.folder} on {self.host} by IMAP"

    @property
    def own_addresses(self) -> tuple[str, ...]:
        """See `ChannelSettings`."""
        return (*super().own_addresses, self.username)


class SmtpSettings(MailGateSettings):
    """A listener for mail by SMTP or LMTP; it answers 250 once the mail is on disk.

    recipients: accepted addresses or @domains; empty accepts every recipient.
    recipients_per_mail: as many at least must be allowed, says RFC 5321 section 4.5.3.1.8.
    connections: of clients at once.  connections_per_address: of one address.
    idle: how long a client may be silent between two commands.  message_within: the time for one whole mail.
    """

    kind: Literal["smtp"]
    listen: Listen = "127.0.0.1:2525"
    protocol: Literal["smtp", "lmtp"] = "smtp"
    recipients: tuple[str, ...] = ()
    largest: Whole = Field(default=26_214_400, ge=1024)
    tls_certificate: str | None = None
    tls_key: Secret | None = None
    recipients_per_mail: Whole = Field(default=100, ge=1)
    connections: Whole = Field(default=64, ge=1)
    connections_per_address: Whole = Field(default=32, ge=1)
    idle: Pause = timedelta(minutes=5)
    message_within: Pause = timedelta(minutes=10)

    @model_validator(mode="after")
    def _consistent(self) -> SmtpSettings:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise WrongKeys([("tls_certificate", _TLS)])
        if self.send is not None and not self.address:
            raise WrongKeys([("send", _NO_ADDRESS)])
        return self

    @property
    def source(self) -> tuple[str, Hashable]:
        """See `ChannelSettings`."""
        return "listen", self.listen.lower().replace("localhost", "127.0.0.1")

    @property
    def source_words(self) -> str:
        """See `ChannelSettings`."""
        return self.listen

    @property
    def intake_words(self) -> str:
        """See `ChannelSettings`."""
        return f"listens for mail by {self.protocol.upper()} on {self.listen}"

    @property
    def listens_on(self) -> str | None:
        """See `ChannelSettings`."""
        return self.listen

    @property
    def is_open_to_strangers(self) -> bool:
        """Whether anybody can hand mail over, with whatever results of a check written into it."""
        return not is_loopback(self.listen.rpartition(":")[0])

    def believed_authserv_id(self, default: str | None) -> str | None:
        """See `ChannelSettings`."""
        return None if self.is_open_to_strangers else super().believed_authserv_id(default)

    def concerns(self, *, public_url: str | None) -> tuple[ChannelConcern, ...]:
        """See `ChannelSettings`."""
        del public_url
        if not self.is_open_to_strangers:
            return ()
        found = [] if self.tls_certificate else [_concern("listen", _PLAIN_LISTENER, self.listen)]
        if self.authserv_id:
            found.append(_concern("authserv_id", _RESULTS_OF_STRANGERS, self.authserv_id))
        return tuple(found)


class WebSettings(MailChannelSettings):
    """The desk's contact form at `/contact`; visitors give a mail address for the answer.

    largest: bytes of all files of one message.
    files: how many files a message may have.  per_hour: how many messages one network address may send per hour.
    hint: what stands below the message's field, by language; absent, general words.
    """

    kind: Literal["web"]
    hint: Titles = Field(default_factory=dict)
    largest: Whole = Field(default=10_485_760, ge=0, le=52_428_800)
    files: Whole = Field(default=5, ge=0, le=20)
    per_hour: Whole = Field(default=10, ge=1)

    @model_validator(mode="after")
    def _consistent(self) -> WebSettings:
        if self.send is not None and not self.address:
            raise WrongKeys([("send", _NO_ADDRESS)])
        return self

    @property
    def source(self) -> tuple[str, Hashable]:
        """See `ChannelSettings`."""
        return "kind", (self.kind, _CONTACT)

    @property
    def source_words(self) -> str:
        """See `ChannelSettings`."""
        return _CONTACT

    @property
    def intake_words(self) -> str:
        """See `ChannelSettings`."""
        return f"shows a contact form at {_CONTACT}"

    @property
    def contact_form(self) -> FormLimits | None:
        """See `ChannelSettings`."""
        return FormLimits(largest=self.largest, files=self.files, per_hour=self.per_hour, hint=self.hint)
