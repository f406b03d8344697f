"""`[channels.NAME]` of the kind `wecom`: one account of WeCom's customer service (微信客服)."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import timedelta
from typing import Final, Literal

from pydantic import Field, model_validator

from router.delivery import TextLimit, TextUnit, Window
from router.settings.channel_base import ApiBase, ChannelConcern, ChatSettings, PolledSettings
from router.settings.secret import Secret
from router.settings.values import Pause, WrongKeys

# After each message of a customer (developer.work.weixin.qq.com 94677).
WINDOW: Final = timedelta(hours=48)
MOST_MESSAGES: Final = 5
WECOM_LIMIT: Final = TextLimit(2048, TextUnit.UTF8)
_TOGETHER: Final = "callback_token and aes_key go together; expected both or neither"
_NOWHERE: Final = (
    "WeCom has no address for its callbacks; set [omniyard] public_url, or remove callback_token and aes_key"
)


class WecomSettings(ChatSettings, PolledSettings):
    """One account. corp: ww...  secret: of the app that may use customer service.  account: its open_kfid, wk...

    callback_token, aes_key: of the callback in the console, which makes new messages come at once.
    poll: without a callback WeCom limits how often it may be asked.
    api_base: used instead of WeCom's URL; for tests and for a proxy with a fixed address.
    """

    kind: Literal["wecom"]
    corp: str = Field(min_length=1)
    secret: Secret
    account: str = Field(min_length=1)
    callback_token: Secret | None = None
    aes_key: Secret | None = None
    poll: Pause = timedelta(seconds=60)
    api_base: ApiBase | None = None

    @model_validator(mode="after")
    def _consistent(self) -> WecomSettings:
        if (self.callback_token is None) != (self.aes_key is None):
            raise WrongKeys([("aes_key", _TOGETHER)])
        return self

    @property
    def source(self) -> tuple[str, Hashable]:
        """See `ChannelSettings`."""
        return "account", (self.kind, self.corp, self.account)

    @property
    def source_words(self) -> str:
        """See `ChannelSettings`."""
        return f"{self.account} of {self.corp}"

    @property
    def wake_topic(self) -> str:
        """See `ChannelSettings`: a corp's callback serves all its accounts."""
        return f"{self.corp}:{self.account}" if self.aes_key else ""

    @property
    def window(self) -> Window:
        """See `ChannelSettings`."""
        limits = self.send.window_within(WINDOW)
        return Window(lasts=limits.lasts, messages=min(limits.messages or MOST_MESSAGES, MOST_MESSAGES))

    @property
    def text_limit(self) -> TextLimit:
        """See `ChannelSettings`."""
        return WECOM_LIMIT

    def concerns(self, *, public_url: str | None) -> tuple[ChannelConcern, ...]:
        """See `ChannelSettings`."""
        return (ChannelConcern(key="callback_token", message=_NOWHERE),) if self.aes_key and not public_url else ()
