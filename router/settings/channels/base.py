"""The settings of every kind of channel, of polled channels, and of channels with short messages.

Other code may use only the attributes of `ChannelSettings`: a kind that differs overrides the property in its own
class. Capabilities that do not depend on the file are in `connectors.registry`.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Final, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from router.delivery import TextLimit, Window
from router.settings.secret import Secret
from router.settings.values import AnswerMode, Duration, Pause, Promise, Switch, Titles, Whole, is_loopback

_E164: Final = re.compile(r"\+[1-9][0-9]{5,14}")
_NOT_A_NUMBER: Final = 'expected a number in E.164 such as "+15005550006"'
_NO_BASE: Final = 'expected https, or http on this machine only, such as "https://api.example.com"'


@dataclass(frozen=True, slots=True, kw_only=True)
class FormLimits:
    """The limits of a channel's contact form.

    largest: bytes of all files of one message.  files: how many files a message may have.
    per_hour: how many messages one network address may send per hour.
    hint: what stands below the message's field, by language; empty for general words.
    """

    largest: int
    files: int
    per_hour: int
    hint: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CallNotes:
    """Agents note a channel's calls. region: ISO 3166, for numbers without a country code; None for none."""

    region: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatPage:
    """The chat that a channel shows to visitors of the operator's site; the fields are those of `SiteChatSettings`."""

    origins: tuple[str, ...]
    identity_secret: Secret | None
    prechat: tuple[str, ...]
    files: int
    largest: int
    idle: timedelta
    has_form: bool
    mail: str | None
    mail_after: timedelta
    proactive: tuple[tuple[str, str], ...]
    proactive_after: timedelta
    per_hour: int
    per_minute: int
    slots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelConcern:
    """A problem within one channel's table. key: of its table.  value: the current value, as it may be shown."""

    key: str
    message: str
    value: str | None = None


class SendSettings(BaseModel):
    """`[channels.NAME.send]`: limits for outgoing messages of any kind of channel.

    window, window_messages: how long after the customer's last message we may answer, and how often.
    automatic_per_hour: after this many automatic replies in an hour the channel sends none for an hour, and reports it.
    automatic_per_customer: how many automatic replies one customer gets in 24 hours, over all conversations.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True)

    window: Promise | None = None
    window_messages: Whole | None = Field(default=None, ge=1)
    automatic_per_hour: Whole = Field(default=200, ge=0)
    automatic_per_customer: Whole = Field(default=3, ge=0)

    def window_within(self, longest: timedelta | None) -> Window:
        """Return the limits for replies. longest: the provider's own limit; None without one."""
        lasts = min(filter(None, (self.window, longest)), default=None)
        return Window(lasts=lasts, messages=self.window_messages)


class ChannelSettings(BaseModel):
    """The settings of every channel.

    title: how agents see it, in one text or by language.
    calendar: when this channel is staffed.  team: answers, unless a route names another.
    send: the limits for replies; None if replies cannot be sent.
    answers: what the machine does with questions that the FAQ answers; None as `[answers] mode` says.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True)

    kind: str
    title: Titles = Field(default_factory=dict)
    enabled: Switch = True
    calendar: str = "always"
    team: str | None = None
    address: str | None = None
    send: SendSettings | None = None
    answers: AnswerMode | None = None

    @classmethod
    def kind_name(cls) -> str:
        """Return the value of `kind` in a table of this class."""
        (name,) = get_args(cls.model_fields["kind"].annotation)
        return str(name)

    @property
    def source(self) -> tuple[str, Hashable]:
        """The source of its messages, a comparable value, and the key that names it: no two channels may share one."""
        raise NotImplementedError

    @property
    def source_words(self) -> str:
        """The source of its messages, for people: an account, a number, a path."""
        return self.address or ""

    @property
    def intake_words(self) -> str:
        """How its messages come in, for people, with a verb: "listens for mail by SMTP on ..."."""
        return f"polls {self.kind}" if self.poll_every else "takes its provider's webhooks"

    @property
    def has_way_out(self) -> bool:
        """Whether replies can be sent now."""
        return self.enabled and self.send is not None

    @property
    def never_sends(self) -> bool:
        """Whether no reply can ever leave by this kind of channel, whatever the file says."""
        return False

    @property
    def keeps_outbox(self) -> bool:
        """Whether its replies stay on the page of the outbox, and none leaves."""
        return False

    @property
    def poll_every(self) -> timedelta | None:
        """The pause between two polls when nothing is waiting; None if it is not polled."""
        return None

    @property
    def listens_on(self) -> str | None:
        """The address and port that it listens on; None if it does not listen."""
        return None

    @property
    def own_addresses(self) -> tuple[str, ...]:
        """Our own addresses there: mail addresses, and handles if there are any."""
        return (self.address,) if self.address else ()

    @property
    def joins_within(self) -> timedelta | None:
        """How long a message joins its sender's open conversation; None where messages name what they answer."""
        return None

    def believed_authserv_id(self, default: str | None) -> str | None:
        """By what name a mail server in front of it signs its Authentication-Results; None if none is believed.

        default: the desk's own.
        """
        del default
        return None

    @property
    def window(self) -> Window:
        """The provider's and the file's limits on our replies."""
        return self.send.window_within(None) if self.send else Window()

    @property
    def text_limit(self) -> TextLimit | None:
        """The longest text that the provider accepts; None if no limit matters."""
        return None

    @property
    def counts_segments(self) -> bool:
        """Whether each segment of a text is paid for, as with SMS."""
        return False

    @property
    def stored_within(self) -> timedelta | None:
        """How long the provider waits for our answer to a message, with a margin; None where it is patient."""
        return None

    @property
    def passive_for(self) -> timedelta:
        """How long an automatic reply waits to be taken as the response to its message; 0 where none may be."""
        return timedelta(0)

    @property
    def is_public(self) -> bool:
        """Whether anybody can read its messages and our answers: then no machine answers."""
        return False

    @property
    def private_link(self) -> str:
        """Where a customer of a public channel writes to us in private; empty for no such address."""
        return ""

    @property
    def replies_are_collected(self) -> bool:
        """Whether the other side collects our answers, instead of getting them."""
        return False

    @property
    def wake_topic(self) -> str:
        """The name under which its provider's callbacks wake its poll; empty without callbacks."""
        return ""

    @property
    def shared_address(self) -> str:
        """The name that channels share whose provider calls one address for all of them; empty for none."""
        return ""

    @property
    def largest_request(self) -> int | None:
        """The most bytes of a request of its provider; None for the usual limit."""
        return None

    @property
    def call_notes(self) -> CallNotes | None:
        """How agents note its calls; None if it has no calls."""
        return None

    @property
    def contact_form(self) -> FormLimits | None:
        """The limits of its contact form; None if it has none."""
        return None

    @property
    def sends_mail(self) -> bool:
        """Whether it can send a mail to any address."""
        return False

    @property
    def chat_page(self) -> ChatPage | None:
        """The chat that it shows to visitors; None if it shows none."""
        return None

    def concerns(self, *, public_url: str | None) -> tuple[ChannelConcern, ...]:
        """Return problems within the channel's own table. public_url: the desk's public address."""
        del public_url
        return ()


class PolledSettings(ChannelSettings):
    """A channel whose provider is polled. poll: the pause between two polls."""

    poll: Pause = timedelta(seconds=60)

    @property
    def poll_every(self) -> timedelta | None:
        """See `ChannelSettings`."""
        return self.poll


class ChatSettings(ChannelSettings):
    """A channel of short messages, which do not name the message that they answer.

    join_within: a message joins the customer's open conversation here if its last activity is within this time.
    stale_after: a message that is older when we first see it gets no automatic reply and no clock.
    """

    send: SendSettings = SendSettings()
    join_within: Duration = timedelta(days=7)
    stale_after: Pause = timedelta(days=1)

    @property
    def joins_within(self) -> timedelta | None:
        """See `ChannelSettings`."""
        return self.join_within


def _e164(value: str) -> str:
    if not _E164.fullmatch(value):
        raise ValueError(_NOT_A_NUMBER)
    return value


PhoneNumber = Annotated[str, AfterValidator(_e164)]


def check_url(value: str, *, query: bool = False) -> str:
    """Return the URL if secrets may be sent there. query: whether it may have a query.

    Raises ValueError, as pydantic expects.
    """
    parts = urlsplit(value)
    safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    if not safe or not parts.hostname or (parts.query and not query) or parts.fragment or parts.username:
        raise ValueError(_NO_BASE)
    return value


def _base(value: str) -> str:
    return check_url(value).rstrip("/")


# The provider's base URL: credentials are sent there, so never in plain text beyond this machine.
ApiBase = Annotated[str, AfterValidator(_base)]


def is_near(api_base: ApiBase | None) -> bool:
    """Return whether the provider is on this machine: the demo's or a test's, which needs no public address of ours."""
    return api_base is not None and is_loopback(urlsplit(api_base).hostname or "")
