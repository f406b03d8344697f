"""What every kind of channel has, and what those have that carry short messages between two parties."""

from __future__ import annotations

import re
from collections.abc import Hashable
from datetime import timedelta
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from router.settings.values import Duration, is_loopback

_E164: Final = re.compile(r"\+[1-9][0-9]{5,14}")
_NOT_A_NUMBER: Final = 'expected a number in E.164 such as "+15005550006"'
_NO_BASE: Final = 'expected https, or http on this machine only, such as "https://api.example.com"'


class ChannelSettings(BaseModel):
    """What every channel has.

    calendar: when this channel is staffed.  team: who answers unless a route says otherwise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True)

    enabled: bool = True
    calendar: str = "always"
    team: str | None = None
    address: str | None = None

    @property
    def source(self) -> tuple[str, Hashable]:
        """Where its messages come from, comparably, and the key that says so: no two channels may share one."""
        raise NotImplementedError


class SendSettings(BaseModel):
    """`[channels.NAME.send]`: within what bounds messages leave by a channel, whatever its kind.

    window, window_messages: how long after the customer's last message we may answer, and how often.
    automatic_per_hour: beyond this many automatic replies an hour the channel sends none for an hour, and says so.
    automatic_per_customer: how many of them one customer gets in 24 hours, over all conversations.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True)

    window: Duration | None = None
    window_messages: int | None = Field(default=None, ge=1)
    automatic_per_hour: int = Field(default=200, ge=0)
    automatic_per_customer: int = Field(default=3, ge=0)


class ChatSettings(ChannelSettings):
    """A channel of short messages, which bear no sign of what they answer.

    join_within: a message joins the customer's open conversation here if that moved within this time.
    stale_after: a message that is older when we first see it is old: no automatic reply, no clock.
    """

    send: SendSettings = SendSettings()
    join_within: Duration = timedelta(days=7)
    stale_after: Duration = timedelta(days=1)


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
