"""`[channels.NAME]` of the kinds `x` (direct messages) and `x_mentions` (public posts)."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final, Literal

from pydantic import Field

from router.delivery import TextLimit
from router.errors import ConfigError
from router.settings.channels.base import ApiBase, ChatSettings, PolledSettings
from router.settings.secret import Secret
from router.settings.values import Number, Switch

# X accepts 1 to 10,000 characters.
X_LIMIT: Final = TextLimit(10_000)
# X counts 280 with two for each Chinese character; the sender weighs, the composer shows the longest.
X_POST_LIMIT: Final = TextLimit(280)
PRIVATE_LINK: Final = "https://x.com/messages/compose?recipient_id={account}"


class XAccountSettings(ChatSettings, PolledSettings):
    """An X account. X charges for every message read and sent.

    daily_budget: US dollars per UTC day; 0 means none.  emergency_share: the part of it that polling may not spend,
        reserved for answers and one poll per hour.
    """

    consumer_key: Secret
    consumer_secret: Secret
    access_token: Secret
    access_secret: Secret
    daily_budget: Number = Field(default=10.0, ge=0)
    emergency_share: Number = Field(default=0.2, ge=0, le=1)
    read_price: Number = Field(default=0.01, ge=0)
    send_price: Number = Field(default=0.015, ge=0)
    api_base: ApiBase | None = None

    @property
    def source(self) -> tuple[str, Hashable]:
        """See `ChannelSettings`."""
        return "access_token", (self.kind, self.access_token)


class XSettings(XAccountSettings):
    """Direct messages to an X account."""

    kind: Literal["x"]

    @property
    def text_limit(self) -> TextLimit:
        """See `ChannelSettings`."""
        return X_LIMIT


class XMentionsSettings(XAccountSettings):
    """Posts that mention an X account, and our answers, all in public: no machine answers.

    direct_only: only posts that name us themselves, not those that name us because others of their thread did.
    """

    kind: Literal["x_mentions"]
    read_price: Number = Field(default=0.001, ge=0)
    send_price: Number = Field(default=0.01, ge=0)
    direct_only: Switch = True

    @property
    def text_limit(self) -> TextLimit:
        """See `ChannelSettings`."""
        return X_POST_LIMIT

    @property
    def is_public(self) -> bool:
        """See `ChannelSettings`."""
        return True

    @property
    def private_link(self) -> str:
        """See `ChannelSettings`: opens a direct message to the account, whose id begins its access token."""
        try:
            return PRIVATE_LINK.format(account=self.access_token.reveal().partition("-")[0])
        except ConfigError:
            return ""

    @property
    def wake_topic(self) -> str:
        """See `ChannelSettings`: X's webhook of the account's direct messages tells of posts too."""
        return "x-mentions"
