"""`[channels.NAME]` of the kind `telegram`: a Telegram bot."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import timedelta
from typing import Final, Literal

from router.delivery import TextLimit, TextUnit
from router.settings.channels.base import ApiBase, ChatSettings, PolledSettings
from router.settings.secret import Secret
from router.settings.values import Pause

# Telegram counts UTF-16 code units (Bot API, sendMessage).
TELEGRAM_LIMIT: Final = TextLimit(4096, TextUnit.UTF16)


class TelegramSettings(ChatSettings, PolledSettings):
    """A Telegram bot. token: from BotFather.  poll: how long one request to Telegram may stay open."""

    kind: Literal["telegram"]
    token: Secret
    poll: Pause = timedelta(seconds=50)
    api_base: ApiBase | None = None

    @property
    def source(self) -> tuple[str, Hashable]:
        """See `ChannelSettings`."""
        return "token", (self.kind, self.token)

    @property
    def text_limit(self) -> TextLimit:
        """See `ChannelSettings`."""
        return TELEGRAM_LIMIT
