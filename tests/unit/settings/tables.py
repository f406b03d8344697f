"""The tables of the settings file, each with its heading in docs/configuration.md."""

from __future__ import annotations

from router.settings.agent_answers import AgentAnswerSettings
from router.settings.channels.base import ChannelSettings, ChatSettings, SendSettings
from router.settings.channels.custom import CustomSendSettings, CustomSettings, PullSettings
from router.settings.channels.line import LineSettings
from router.settings.channels.mail import ImapSettings, MailSendSettings, SmtpSettings, WebSettings
from router.settings.channels.site_chat import SiteChatSettings
from router.settings.channels.sms import HttpSmsSendSettings, HttpSmsSettings, TwilioSettings
from router.settings.channels.telegram import TelegramSettings
from router.settings.channels.tencent import WechatSettings, WecomSettings
from router.settings.channels.voice import HotlineMenuSettings, VoiceSettings
from router.settings.channels.whatsapp import WhatsappSettings
from router.settings.channels.x import XMentionsSettings, XSettings
from router.settings.limits import LimitSettings
from router.settings.machine_answers import AnswerSettings, ModelEndpointSettings
from router.settings.model import (
    CalendarSettings,
    CategorySettings,
    Condition,
    DateRule,
    DeskSettings,
    EmergencySettings,
    EscalationSettings,
    FactSettings,
    FormSettings,
    LabelSettings,
    ReplySettings,
    RouteSettings,
    Settings,
    SlaSettings,
    TeamSettings,
    WebhookSettings,
)
from router.settings.oidc import OidcSettings

SECTIONS = {
    "`[omniyard]`": DeskSettings,
    "`[channels.NAME]`": ChannelSettings,
    '`kind = "imap"`': ImapSettings,
    '`kind = "smtp"`': SmtpSettings,
    "`send` of a mail channel": MailSendSettings,
    '`kind = "web"`': WebSettings,
    '`kind = "chat"`': SiteChatSettings,
    '`kind = "twilio"`': TwilioSettings,
    '`kind = "x"`': XSettings,
    '`kind = "x_mentions"`': XMentionsSettings,
    '`kind = "telegram"`': TelegramSettings,
    "Short messages": ChatSettings,
    '`kind = "http_sms"`': HttpSmsSettings,
    "`send` of kind `http_sms`": HttpSmsSendSettings,
    '`kind = "custom"`': CustomSettings,
    '`kind = "voice"`': VoiceSettings,
    '`kind = "wecom"`': WecomSettings,
    '`kind = "wechat"`': WechatSettings,
    '`kind = "line"`': LineSettings,
    '`kind = "whatsapp"`': WhatsappSettings,
    "`pull` of kind `custom`": PullSettings,
    "`send` of kind `custom`": CustomSendSettings,
    "`send` of a channel of short messages": SendSettings,
    "`[calendars.NAME]`": CalendarSettings,
    "`[[calendars.NAME.dates]]`": DateRule,
    "`[emergency]`": EmergencySettings,
    "`[answers]`": AnswerSettings,
    "`[answers.model]`": ModelEndpointSettings,
    "`[limits]`": LimitSettings,
    "`[desk]`": AgentAnswerSettings,
    "`[desk.oidc]`": OidcSettings,
    "`[categories.NAME]`": CategorySettings,
    "`[teams.NAME]`": TeamSettings,
    "`[sla.NAME]`": SlaSettings,
    "`on_breach`": EscalationSettings,
    "`[replies.NAME]`": ReplySettings,
    "`[[routes]]`": RouteSettings,
    "`when`": Condition,
    "`[labels.NAME]`": LabelSettings,
    "`[facts.NAME]`": FactSettings,
    "`[forms.NAME]`": FormSettings,
    "`[webhooks.NAME]`": WebhookSettings,
}
# Those whose keys a file has: no class that only others inherit from. The page has the hotline's menu within its kind.
TABLES = [
    Settings,
    HotlineMenuSettings,
    *(table for table in SECTIONS.values() if table not in {ChannelSettings, ChatSettings}),
]
