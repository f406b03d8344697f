"""`[channels.NAME]` of the kind `whatsapp`: a number at Meta itself, by the WhatsApp Cloud API."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final, Literal

from pydantic import Field

from router.delivery import WHATSAPP_WINDOW, TextLimit, Window
from router.settings.channels.base import ApiBase, ChannelConcern, ChatSettings, is_near
from router.settings.secret import Secret

WHATSAPP_LIMIT: Final = TextLimit(4096)
_NOWHERE: Final = "Meta has no address to bring messages to; set [omniyard] public_url"


class WhatsappSettings(ChatSettings):
    """One number. number_id: Meta's id of it, not the number.  account: the WhatsApp Business Account's id.

    token: of a system user.  app_secret: signs Meta's calls.  former_secret: the one before, while it is exchanged.
    verify_token: of the webhook's configuration.
    templates: our names of approved templates, with their names and languages at Meta, such as "order_late:zh_CN".
    user_ids_in: the field that names a customer without a number; Meta's pages contradict each other.
    api_base: used instead of Meta's URL; for tests and for a proxy with a fixed address.
    """

    kind: Literal["whatsapp"]
    number_id: str = Field(pattern=r"^[0-9]+$")
    account: str | None = Field(default=None, pattern=r"^[0-9]+$")
    token: Secret
    app_secret: Secret
    former_secret: Secret | None = None
    verify_token: Secret
    templates: dict[str, str] = Field(default_factory=dict)
    user_ids_in: Literal["recipient", "to"] = "recipient"
    api_version: str = Field(default="v23.0", pattern=r"^v[0-9]+\.[0-9]+$")
    api_base: ApiBase | None = None

    @property
    def source(self) -> tuple[str, Hashable]:
        """See `ChannelSettings`."""
        return "number_id", (self.kind, self.number_id)

    @property
    def source_words(self) -> str:
        """See `ChannelSettings`."""
        return self.address or self.number_id

    @property
    def intake_words(self) -> str:
        """See `ChannelSettings`."""
        return "takes Meta's webhooks"

    @property
    def shared_address(self) -> str:
        """See `ChannelSettings`: an app has one address for all its numbers."""
        return self.kind

    @property
    def window(self) -> Window:
        """See `ChannelSettings`."""
        return self.send.window_within(WHATSAPP_WINDOW)

    @property
    def text_limit(self) -> TextLimit:
        """See `ChannelSettings`."""
        return WHATSAPP_LIMIT

    def concerns(self, *, public_url: str | None) -> tuple[ChannelConcern, ...]:
        """See `ChannelSettings`."""
        return () if public_url or is_near(self.api_base) else (ChannelConcern(key="kind", message=_NOWHERE),)
