"""What every kind of channel has, and what those have that are polled or carry short messages between two parties.

The attributes of `ChannelSettings` are all that the house may ask of a channel of any kind: a kind whose answer differs
overrides the property in its own class. What a kind can do, whatever its file says, stands in `connectors.registry`.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from router.delivery import TextLimit, Window
from router.settings.values import Duration, Pause, Promise, Switch, is_loopback

_E164: Final = re.compile(r"\+[1-9][0-9]{5,14}")
_NOT_A_NUMBER: Final = 'expected a number in E.164 such as "+15005550006"'
_NO_BASE: Final = 'expected https, or http on this machine only, such as "https://api.example.com"'


@dataclass(frozen=True, slots=True, kw_only=True)
class FormLimits:
    """What the contact form of a channel takes.

    largest: bytes of all files of one message.  files: how many files a message may have.
    per_hour: how many messages one network address may leave in an hour.
    """

    largest: int
    files: int
    per_hour: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelConcern:
    """What looks wrong with one channel by itself. key: of its table.  value: what stands there, as it may be shown."""

    key: str
    message: str
    value: str | None = None


class SendSettings(BaseModel):
    """`[channels.NAME.send]`: within what bounds messages leave by a channel, whatever its kind.

    window, window_messages: how long after the customer's last message we may answer, and how often.
    automatic_per_hour: beyond this many automatic replies an hour the channel sends none for an hour, and says so.
    automatic_per_customer: how many of them one customer gets in 24 hours, over all conversations.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True)

    window: Promise | None = None
    window_messages: int | None = Field(default=None, ge=1)
    automatic_per_hour: int = Field(default=200, ge=0)
    automatic_per_customer: int = Field(default=3, ge=0)

    def window_within(self, longest: timedelta | None) -> Window:
        """Return within what bounds we may answer. longest: the provider's own limit; None for none."""
        lasts = min(filter(None, (self.window, longest)), default=None)
        return Window(lasts=lasts, messages=self.window_messages)


class ChannelSettings(BaseModel):
    """What every channel has.

    calendar: when this channel is staffed.  team: who answers unless a route says otherwise.
    send: within what bounds replies leave; None if they cannot.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True)

    kind: str
    enabled: Switch = True
    calendar: str = "always"
    team: str | None = None
    address: str | None = None
    send: SendSettings | None = None

    @classmethod
    def kind_name(cls) -> str:
        """Return the one value that `kind` has in a table of this class."""
        (name,) = get_args(cls.model_fields["kind"].annotation)
        return str(name)

    @property
    def source(self) -> tuple[str, Hashable]:
        """Where its messages come from, comparably, and the key that says so: no two channels may share one."""
        raise NotImplementedError

    @property
    def source_words(self) -> str:
        """Where its messages come from, for people: an account, a number, a path."""
        return self.address or ""

    @property
    def intake_words(self) -> str:
        """How its messages come in, for people, with a verb: "listens for mail by SMTP on ..."."""
        return f"polls {self.kind}"

    @property
    def has_way_out(self) -> bool:
        """Whether replies can leave by it now."""
        return self.enabled and self.send is not None

    @property
    def poll_every(self) -> timedelta | None:
        """How long to wait between two looks when nothing is waiting; None if it is not polled."""
        return None

    @property
    def listens_on(self) -> str | None:
        """The address and port that it listens on by itself; None if it does not."""
        return None

    @property
    def own_addresses(self) -> tuple[str, ...]:
        """What we are called there: mail addresses, and perhaps handles."""
        return (self.address,) if self.address else ()

    @property
    def joins_within(self) -> timedelta | None:
        """How long a message goes on with what its sender has open; None where messages say what they answer."""
        return None

    @property
    def window(self) -> Window:
        """Within what bounds the provider and the file let us answer."""
        return self.send.window_within(None) if self.send else Window()

    @property
    def text_limit(self) -> TextLimit | None:
        """The longest text that the provider takes; None if there is no limit to speak of."""
        return None

    @property
    def counts_segments(self) -> bool:
        """Whether each text is paid for by its segments, as SMS are."""
        return False

    @property
    def contact_form(self) -> FormLimits | None:
        """What the contact form that it shows takes; None if it shows none."""
        return None

    def concerns(self, *, public_url: str | None) -> tuple[ChannelConcern, ...]:
        """Return what looks wrong with the channel by itself. public_url: how people reach the desk."""
        del public_url
        return ()


class PolledSettings(ChannelSettings):
    """A channel whose provider is asked for messages. poll: how long to wait between two looks."""

    poll: Pause = timedelta(seconds=60)

    @property
    def poll_every(self) -> timedelta | None:
        """See `ChannelSettings`."""
        return self.poll


class ChatSettings(ChannelSettings):
    """A channel of short messages, which bear no sign of what they answer.

    join_within: a message joins the customer's open conversation here if that moved within this time.
    stale_after: a message that is older when we first see it is old: no automatic reply, no clock.
    """

    send: SendSettings = SendSettings()
    join_within: Duration = timedelta(days=7)
    stale_after: Duration = timedelta(days=1)

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
    """Return the URL if secrets may be sent there. query: whether it may have one.

    Raises ValueError, as pydantic expects.
    """
    parts = urlsplit(value)
    safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    if not safe or not parts.hostname or (parts.query and not query) or parts.fragment or parts.username:
        raise ValueError(_NO_BASE)
    return value


def _base(value: str) -> str:
    return check_url(value).rstrip("/")


# Where a provider is asked: credentials go there, so never in plain text beyond this machine.
ApiBase = Annotated[str, AfterValidator(_base)]
