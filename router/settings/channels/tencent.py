"""`[channels.NAME]` of the kinds `wecom` (微信客服) and `wechat` (a service account, 服务号, or a mini program)."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import timedelta
from typing import Final, Literal

from pydantic import Field, model_validator

from router.delivery import TextLimit, TextUnit, Window
from router.settings.channels.base import ApiBase, ChannelConcern, ChatSettings, PolledSettings, SendSettings, is_near
from router.settings.secret import Secret
from router.settings.values import Pause, Switch, WrongKeys

# After each message of a customer (developer.work.weixin.qq.com 94677; developers.weixin.qq.com, customer service).
WINDOW: Final = timedelta(hours=48)
MOST_MESSAGES: Final = 5
WECOM_LIMIT: Final = TextLimit(2048, TextUnit.UTF8)
_TOGETHER: Final = "callback_token and aes_key go together; expected both or neither"
_NOWHERE: Final = (
    "WeCom has no address for its callbacks; set [omniyard] public_url, or remove callback_token and aes_key"
)
# The limit is not published; this much is taken.
WECHAT_LIMIT: Final = TextLimit(2048, TextUnit.UTF8)
# WeChat gives up after five seconds, and tries three times.
STORED_WITHIN: Final = timedelta(seconds=2)
_PASSIVE_FOR: Final = timedelta(seconds=5)
_NO_PASSIVE: Final = "a mini program takes no replies in the response to a message; remove it"
_NO_WECHAT_ADDRESS: Final = "WeChat has no address to bring messages to; set [omniyard] public_url"


def _window(send: SendSettings) -> Window:
    limits = send.window_within(WINDOW)
    return Window(lasts=limits.lasts, messages=min(limits.messages or MOST_MESSAGES, MOST_MESSAGES))


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
        return _window(self.send)

    @property
    def text_limit(self) -> TextLimit:
        """See `ChannelSettings`."""
        return WECOM_LIMIT

    def concerns(self, *, public_url: str | None) -> tuple[ChannelConcern, ...]:
        """See `ChannelSettings`."""
        return (ChannelConcern(key="callback_token", message=_NOWHERE),) if self.aes_key and not public_url else ()


class WechatSettings(ChatSettings):
    """One account. app: its AppID, wx...  secret: its AppSecret.  program: what it is.

    callback_token, aes_key: of the server configuration, in safe mode: in plain mode no message is signed.
    passive: an automatic reply that is ready in time is the response to the message itself, which costs no quota.
    api_base: used instead of WeChat's URL; for tests and for a proxy with a fixed address.
    """

    kind: Literal["wechat"]
    app: str = Field(min_length=1)
    secret: Secret
    callback_token: Secret
    aes_key: Secret
    program: Literal["service_account", "mini_program"] = "service_account"
    passive: Switch = False
    api_base: ApiBase | None = None

    @model_validator(mode="after")
    def _consistent(self) -> WechatSettings:
        if self.passive and self.program == "mini_program":
            raise WrongKeys([("passive", _NO_PASSIVE)])
        return self

    @property
    def source(self) -> tuple[str, Hashable]:
        """See `ChannelSettings`."""
        return "app", (self.kind, self.app)

    @property
    def source_words(self) -> str:
        """See `ChannelSettings`."""
        return self.app

    @property
    def intake_words(self) -> str:
        """See `ChannelSettings`."""
        return "takes WeChat's callbacks"

    @property
    def stored_within(self) -> timedelta | None:
        """See `ChannelSettings`."""
        return STORED_WITHIN

    @property
    def passive_for(self) -> timedelta:
        """See `ChannelSettings`."""
        return _PASSIVE_FOR if self.passive else timedelta(0)

    @property
    def window(self) -> Window:
        """See `ChannelSettings`."""
        return _window(self.send)

    @property
    def text_limit(self) -> TextLimit:
        """See `ChannelSettings`."""
        return WECHAT_LIMIT

    def concerns(self, *, public_url: str | None) -> tuple[ChannelConcern, ...]:
        """See `ChannelSettings`."""
        return () if public_url or is_near(self.api_base) else (ChannelConcern(key="kind", message=_NO_WECHAT_ADDRESS),)
