"""`[channels.NAME]` of the kind `line`: a LINE official account."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final, Literal

from router.delivery import TextLimit, TextUnit
from router.settings.channels.base import ApiBase, ChannelConcern, ChatSettings, is_near
from router.settings.secret import Secret
from router.settings.values import Switch

# developers.line.biz, text messages.
LINE_LIMIT: Final = TextLimit(5000, TextUnit.UTF16)
_NO_LINE_ADDRESS: Final = "LINE has no address to bring messages to; set [omniyard] public_url"


class LineSettings(ChatSettings):
    """One account. secret: the channel secret, which signs the webhooks.  token: the long-lived channel access token.

    old_secret: accepted as well while the secret is changed.
    push_automatic: an automatic reply whose free reply token has ended is pushed, which counts against the quota.
    api_base: used instead of LINE's two addresses; for tests and for a proxy with a fixed address.
    """

    kind: Literal["line"]
    secret: Secret
    old_secret: Secret | None = None
    token: Secret
    push_automatic: Switch = True
    api_base: ApiBase | None = None

    @property
    def source(self) -> tuple[str, Hashable]:
        """See `ChannelSettings`."""
        return "token", (self.kind, self.token)

    @property
    def intake_words(self) -> str:
        """See `ChannelSettings`."""
        return "takes LINE's webhooks"

    @property
    def text_limit(self) -> TextLimit:
        """See `ChannelSettings`."""
        return LINE_LIMIT

    def concerns(self, *, public_url: str | None) -> tuple[ChannelConcern, ...]:
        """See `ChannelSettings`."""
        return () if public_url or is_near(self.api_base) else (ChannelConcern(key="kind", message=_NO_LINE_ADDRESS),)
