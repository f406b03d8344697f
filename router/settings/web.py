"""`[channels.NAME]` of kind "web": the desk's own contact form."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final, Literal

from pydantic import Field, model_validator

from router.settings.channel_base import ChannelSettings
from router.settings.sending import MailSendSettings
from router.settings.values import WrongKeys

_NO_ADDRESS: Final = "replies need an address to come from; expected the channel's address beside it"


class WebSettings(ChannelSettings):
    """The contact form that the web desk shows at `/contact`; visitors name a mail address for the answer.

    send: how replies leave; without it they wait.  largest: bytes of all files of one message.
    files: how many files a message may have.  per_hour: how many messages one network address may leave in an hour.
    """

    kind: Literal["web"]
    send: MailSendSettings | None = None
    largest: int = Field(default=10_485_760, ge=0, le=52_428_800)
    files: int = Field(default=5, ge=0, le=20)
    per_hour: int = Field(default=10, ge=1)

    @model_validator(mode="after")
    def _consistent(self) -> WebSettings:
        if self.send is not None and not self.address:
            raise WrongKeys([("send", _NO_ADDRESS)])
        return self

    @property
    def source(self) -> tuple[str, Hashable]:
        """See `ChannelSettings`."""
        return "kind", (self.kind, "/contact")
