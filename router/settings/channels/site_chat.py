"""`[channels.NAME]` of the kind "chat": the online chat on the operator's own site."""

from __future__ import annotations

import re
from collections.abc import Hashable
from datetime import timedelta
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from router.delivery import TextLimit
from router.settings.channels.base import ChannelConcern, ChatPage, ChatSettings
from router.settings.secret import Secret
from router.settings.values import Duration, Language, Pause, Whole, is_loopback

# What one visitor's message may hold; agents' answers have the same limit.
LONGEST_LINE: Final = 2_000
_ORIGIN: Final = re.compile(r"(https?)://[A-Za-z0-9.-]+(:[0-9]{1,5})?")
_NO_ORIGIN: Final = 'expected scheme and host, without a path or a wildcard, such as "https://www.wallet.example"'
_PLAIN_ORIGIN: Final = "a page in plain http can be changed on its way; expected https, or http on this machine"
_HOSTED_ONLY: Final = "no site may show this chat; expected the origins of your pages, or only /chat/NAME is used"


def _origin(value: str) -> str:
    if not _ORIGIN.fullmatch(value):
        raise ValueError(_NO_ORIGIN)
    parts = urlsplit(value)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError(_PLAIN_ORIGIN)
    return value.lower()


Origin = Annotated[str, AfterValidator(_origin)]


class SiteChatSettings(ChatSettings):
    """A chat at `/chat/NAME`, which the pages of `origins` may show in a frame.

    origins: the sites that may show it.  identity_secret: with which the operator's server signs who a visitor is
    (JWT, HS256).  prechat: what a visitor is asked first.  files, largest: of one message, in number and bytes.
    idle: a chat without a message for so long ends.  offline: what a closed chat shows.
    mail: the mail channel by which a visitor who has gone gets what was not read after `mail_after`.
    proactive: a word next to the button after `proactive_after`, by language.
    per_hour: new chats of one address.  per_minute: messages of one visitor.
    slots: how many visitors one agent talks to at once, unless the agent's own number says otherwise.
    """

    kind: Literal["chat"]
    join_within: Duration = timedelta(days=1)
    origins: tuple[Origin, ...] = ()
    identity_secret: Secret | None = None
    prechat: tuple[Literal["name", "email"], ...] = ()
    files: Whole = Field(default=5, ge=0, le=20)
    largest: Whole = Field(default=10_485_760, ge=0, le=52_428_800)
    idle: Pause = timedelta(minutes=15)
    offline: Literal["form", "words"] = "form"
    mail: str | None = None
    mail_after: Pause = timedelta(minutes=5)
    proactive: dict[Language, str] = Field(default_factory=dict)
    proactive_after: Pause = timedelta(seconds=30)
    per_hour: Whole = Field(default=20, ge=1)
    per_minute: Whole = Field(default=20, ge=1)
    slots: Whole = Field(default=3, ge=0, le=100)

    @property
    def source(self) -> tuple[str, Hashable]:
        """See `ChannelSettings`. Each chat has an address of its own, by its name."""
        return "kind", (self.kind, id(self))

    @property
    def source_words(self) -> str:
        """See `ChannelSettings`."""
        return ", ".join(self.origins) or "/chat"

    @property
    def intake_words(self) -> str:
        """See `ChannelSettings`."""
        return f"shows a chat to the visitors of {', '.join(self.origins) or 'its own page'}"

    @property
    def text_limit(self) -> TextLimit:
        """See `ChannelSettings`."""
        return TextLimit(LONGEST_LINE)

    @property
    def chat_page(self) -> ChatPage:
        """See `ChannelSettings`."""
        names = ("origins", "identity_secret", "prechat", "files", "largest", "idle", "mail", "mail_after")
        more = ("proactive_after", "per_hour", "per_minute", "slots")
        values = {name: getattr(self, name) for name in (*names, *more)}
        # Without a channel that sends mail, a form that asks for an address would promise what no one keeps.
        has_form = self.offline == "form" and self.mail is not None
        return ChatPage(**values, has_form=has_form, proactive=tuple(self.proactive.items()))

    def concerns(self, *, public_url: str | None) -> tuple[ChannelConcern, ...]:
        """See `ChannelSettings`."""
        del public_url
        return () if self.origins else (ChannelConcern(key="origins", message=_HOSTED_ONLY),)
