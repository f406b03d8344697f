"""`Channel`: the settings of a channel of any kind, its class chosen by `kind`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, get_args

from pydantic import Field

from router.settings.channels.base import ChannelSettings
from router.settings.channels.custom import CustomSettings
from router.settings.channels.line import LineSettings
from router.settings.channels.mail import ImapSettings, SmtpSettings, WebSettings
from router.settings.channels.site_chat import SiteChatSettings
from router.settings.channels.sms import HttpSmsSettings, TwilioSettings
from router.settings.channels.telegram import TelegramSettings
from router.settings.channels.tencent import WechatSettings, WecomSettings
from router.settings.channels.voice import VoiceSettings
from router.settings.channels.whatsapp import WhatsappSettings
from router.settings.channels.x import XMentionsSettings, XSettings

Channel = Annotated[
    ImapSettings
    | SmtpSettings
    | WebSettings
    | SiteChatSettings
    | TwilioSettings
    | HttpSmsSettings
    | XSettings
    | TelegramSettings
    | CustomSettings
    | VoiceSettings
    | WechatSettings
    | LineSettings
    | WecomSettings
    | WhatsappSettings
    | XMentionsSettings,
    Field(discriminator="kind"),
]

# By the value of `kind`.
CHANNEL_KINDS: Final[Mapping[str, type[ChannelSettings]]] = {
    each.kind_name(): each for each in get_args(get_args(Channel)[0])
}
