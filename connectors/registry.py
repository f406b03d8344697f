"""The registry of channel kinds: one row per kind, with the parts behind it.

Outside a kind's own folder no code tests the kind of a channel: what depends on the operator's file is a property of
the channel's settings (`router.settings.channels.base`), everything else is in its row.

A new kind needs:

- a folder under `connectors/` with its parts: a connector (polled), a gate (listens itself) or an
  endpoint (its provider calls us over HTTP), a reader from stored bytes to `Envelope`, a sender;
- a settings class in `router/settings/channels/`, in the union `Channel` of `kinds.py`, with its tables and comments
  in `config/channels.toml` and `docs/configuration.md`;
- a row here, without the parts that the kind does not have.

The chat of the operator's site has a reader, a sender and no connector; a hotline or WeCom has an endpoint that
computes its responses; a kind of the operator's own names parts in its own package. Libraries are loaded when a
configured channel needs them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from connectors.base import Connector, Health, Polled, ProviderEndpoint, PushGate
from connectors.call_machine import CallMachine, StaffedHours
from connectors.registry_row import Capabilities, ChannelKind, FileRequest, Icon, LazyPart, ProbedConnector
from connectors.sender_contract import Outgoing, Sender
from router.delivery import DeliveryStatus
from router.envelope import PartyKind
from router.errors import NotFound
from router.settings import Settings
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
from router.settings.model import DeskSettings

Kinds = Mapping[str, ChannelKind]
Lanes = Mapping[str, Mapping[str, Sender]]

# The lane of all kinds whose replies are sent as mail.
MAIL: Final = "mail"
_MAIL: Final = Capabilities(mail=True, files=True, repeatable=True)

_ROWS: Final = (
    ChannelKind(
        settings=ImapSettings,
        parties=(PartyKind.EMAIL,),
        icon=Icon.LETTER,
        can=_MAIL,
        connector=LazyPart("connectors.email.imap.connector:ImapConnector"),
        sender=LazyPart("connectors.email.smtp.sender:open_sender"),
        lane=MAIL,
        position=LazyPart("connectors.email.imap.cursor:ImapCursor.parse"),
    ),
    ChannelKind(
        settings=SmtpSettings,
        parties=(PartyKind.EMAIL,),
        icon=Icon.LETTER,
        can=_MAIL,
        gate=LazyPart("connectors.email.smtp.listener:SmtpGate"),
        sender=LazyPart("connectors.email.smtp.sender:open_sender"),
        lane=MAIL,
        probe=LazyPart("connectors.email.smtp.listener:probe"),
    ),
    ChannelKind(
        settings=WebSettings,
        parties=(PartyKind.EMAIL,),
        icon=Icon.GLOBE,
        can=_MAIL,
        sender=LazyPart("connectors.email.smtp.sender:open_sender"),
        lane=MAIL,
        reader=LazyPart("connectors.web.form"),
        probe=LazyPart("connectors.web.form:probe"),
    ),
    ChannelKind(
        settings=SiteChatSettings,
        parties=(PartyKind.VISITOR, PartyKind.ACCOUNT),
        icon=Icon.BUBBLE,
        can=Capabilities(at_once=True, files=True),
        sender=LazyPart("connectors.web.chat.sender:open_sender"),
        reader=LazyPart("connectors.web.chat.messages"),
    ),
    ChannelKind(
        settings=TwilioSettings,
        parties=(PartyKind.PHONE, PartyKind.WHATSAPP),
        icon=Icon.PHONE,
        connector=LazyPart("connectors.sms.twilio.connector:TwilioConnector"),
        endpoint=LazyPart("connectors.sms.twilio.webhook:TwilioEndpoint"),
        sender=LazyPart("connectors.sms.twilio.sender:open_sender"),
        reader=LazyPart("connectors.sms.twilio.messages"),
        statuses=frozenset(DeliveryStatus) - {DeliveryStatus.UNREPORTED},
    ),
    ChannelKind(
        settings=HttpSmsSettings,
        parties=(PartyKind.PHONE,),
        icon=Icon.PHONE,
        endpoint=LazyPart("connectors.sms.http_api.webhook:HttpSmsEndpoint"),
        sender=LazyPart("connectors.sms.http_api.sender:open_sender"),
        reader=LazyPart("connectors.sms.http_api.webhook"),
    ),
    ChannelKind(
        settings=XSettings,
        parties=(PartyKind.X,),
        icon=Icon.BUBBLE,
        connector=LazyPart("connectors.social.x.connector:XConnector"),
        endpoint=LazyPart("connectors.social.x.webhook:XEndpoint"),
        sender=LazyPart("connectors.social.x.sender:open_sender"),
        reader=LazyPart("connectors.social.x.messages"),
    ),
    ChannelKind(
        settings=TelegramSettings,
        parties=(PartyKind.TELEGRAM,),
        icon=Icon.BUBBLE,
        can=Capabilities(edits=True),
        connector=LazyPart("connectors.social.telegram.connector:TelegramConnector"),
        sender=LazyPart("connectors.social.telegram.sender:open_sender"),
        reader=LazyPart("connectors.social.telegram.messages"),
    ),
    ChannelKind(
        settings=CustomSettings,
        parties=(PartyKind.CUSTOM, PartyKind.PHONE),
        icon=Icon.BUBBLE,
        can=Capabilities(edits=True),
        connector=LazyPart("connectors.custom.connector:CustomConnector"),
        endpoint=LazyPart("connectors.custom.webhook:CustomEndpoint"),
        sender=LazyPart("connectors.custom.sender:open_sender"),
        reader=LazyPart("connectors.custom.messages"),
        probe=LazyPart("connectors.custom.probe:probe"),
        files=LazyPart("connectors.custom.webhook:file_request"),
        outbox=LazyPart("connectors.custom.sender:collected"),
    ),
    ChannelKind(
        settings=VoiceSettings,
        parties=(PartyKind.PHONE,),
        icon=Icon.PHONE,
        can=Capabilities(answers=False),
        connector=LazyPart("connectors.voice.twilio.connector:VoiceConnector"),
        reader=LazyPart("connectors.voice.messages"),
        desk_probe=LazyPart("connectors.voice.number_probe:probe"),
        files=LazyPart("connectors.voice.twilio.machine:file_request"),
        calls=LazyPart("connectors.voice.twilio.machine:open_machine"),
    ),
    ChannelKind(
        settings=WecomSettings,
        parties=(PartyKind.WECOM,),
        icon=Icon.BUBBLE,
        can=Capabilities(edits=True),
        connector=LazyPart("connectors.social.wecom.connector:WecomConnector"),
        endpoint=LazyPart("connectors.social.wecom.webhook:WecomEndpoint"),
        sender=LazyPart("connectors.social.wecom.sender:open_sender"),
        reader=LazyPart("connectors.social.wecom.messages"),
        files=LazyPart("connectors.social.wecom.connector:file_request"),
    ),
    ChannelKind(
        settings=WechatSettings,
        parties=(PartyKind.WECHAT,),
        icon=Icon.BUBBLE,
        endpoint=LazyPart("connectors.social.wechat.webhook:WechatEndpoint"),
        sender=LazyPart("connectors.social.wechat.sender:open_sender"),
        reader=LazyPart("connectors.social.wechat.messages"),
        files=LazyPart("connectors.social.wechat.webhook:file_request"),
    ),
    ChannelKind(
        settings=LineSettings,
        parties=(PartyKind.LINE,),
        icon=Icon.BUBBLE,
        can=Capabilities(edits=True, repeatable=True),
        endpoint=LazyPart("connectors.social.line.webhook:LineEndpoint"),
        sender=LazyPart("connectors.social.line.sender:open_sender"),
        reader=LazyPart("connectors.social.line.messages"),
        files=LazyPart("connectors.social.line.webhook:file_request"),
    ),
    ChannelKind(
        settings=WhatsappSettings,
        parties=(PartyKind.WHATSAPP,),
        icon=Icon.BUBBLE,
        endpoint=LazyPart("connectors.social.whatsapp.webhook:WhatsappEndpoint"),
        sender=LazyPart("connectors.social.whatsapp.sender:open_sender"),
        reader=LazyPart("connectors.social.whatsapp.messages"),
        files=LazyPart("connectors.social.whatsapp.webhook:file_request"),
    ),
    ChannelKind(
        settings=XMentionsSettings,
        parties=(PartyKind.X,),
        icon=Icon.GLOBE,
        can=Capabilities(public=True, edits=True),
        connector=LazyPart("connectors.social.x_mentions.connector:XMentionsConnector"),
        sender=LazyPart("connectors.social.x_mentions.sender:open_sender"),
        reader=LazyPart("connectors.social.x_mentions.posts"),
    ),
)


def index_kinds(*rows: ChannelKind) -> Kinds:
    """Return the rows by the value of `kind`."""
    return {row.name: row for row in rows}


KINDS: Final = index_kinds(*_ROWS)


def kind_of(channel: ChannelSettings, *, kinds: Kinds = KINDS) -> ChannelKind:
    """Return the row of a channel."""
    return kinds[channel.kind]


def open_polled(settings: Settings, *, kinds: Kinds = KINDS) -> list[Polled]:
    """Return the enabled channels that are polled, without connecting."""
    found: list[Polled] = []
    for name, channel in settings.channels.items():
        connector = connector_of(name, channel, kinds=kinds) if channel.enabled else None
        if connector and channel.poll_every:
            seconds = channel.poll_every.total_seconds()
            found.append(Polled(connector=connector, poll=seconds, topic=channel.wake_topic))
    return found


def open_gates(settings: Settings, *, kinds: Kinds = KINDS) -> list[PushGate]:
    """Return the enabled channels that listen themselves, before they listen."""
    enabled = ((name, channel) for name, channel in settings.channels.items() if channel.enabled)
    return [gate.load()(name, channel) for name, channel in enabled if (gate := kind_of(channel, kinds=kinds).gate)]


def connector_of(name: str, channel: ChannelSettings, *, kinds: Kinds = KINDS) -> Connector | None:
    """Return the connector of a polled channel, not connected yet; None for other kinds."""
    connector = kind_of(channel, kinds=kinds).connector
    return connector.load()(name, channel) if connector else None


def polled_mail(settings: Settings, *, kinds: Kinds = KINDS) -> frozenset[str]:
    """Return the channels that are polled for mail, which a child process parses."""
    rows = {name: kind_of(channel, kinds=kinds) for name, channel in settings.channels.items()}
    return frozenset(name for name, row in rows.items() if row.connector and not row.reader)


def endpoint_of(
    name: str, channel: ChannelSettings, *, desk: DeskSettings, kinds: Kinds = KINDS
) -> ProviderEndpoint:  # fmt: skip
    """Return the endpoint of the channel. Raises NotFound for a kind whose provider does not call us."""
    endpoint = kind_of(channel, kinds=kinds).endpoint
    if endpoint is None:
        raise NotFound("no provider uses this address")
    return endpoint.load()(name, channel, desk)


def open_senders(settings: Settings, *, kinds: Kinds = KINDS) -> Lanes:
    """Return the senders of the enabled channels that can send: lane -> channel -> sender.

    Nothing is connected yet.
    """
    lanes: dict[str, dict[str, Sender]] = {}
    for name, channel in settings.channels.items():
        # Collected answers need no sending thread.
        if channel.replies_are_collected:
            continue
        if sender := sender_of(name, channel, desk=settings.omniyard, kinds=kinds):
            row = kind_of(channel, kinds=kinds)
            lanes.setdefault(row.lane or row.name, {})[name] = sender
    return lanes


def call_machine_of(
    name: str, channel: ChannelSettings, *, desk: DeskSettings, hours: StaffedHours, kinds: Kinds = KINDS
) -> CallMachine:
    """Return what answers the channel's calls. Raises NotFound for a channel without calls, or without a menu."""
    machine = kind_of(channel, kinds=kinds).calls
    if machine is None:
        raise NotFound("no provider uses this address")
    return machine.load()(name, channel, desk, hours)


def is_public(channel: ChannelSettings, *, kinds: Kinds = KINDS) -> bool:
    """Return whether anybody can read the channel's messages and our answers."""
    return channel.is_public or kind_of(channel, kinds=kinds).can.public


def file_request(channel: ChannelSettings, url: str, *, kinds: Kinds = KINDS) -> FileRequest | None:
    """Return how a file of the channel is fetched; None if its kind has no such files."""
    files = kind_of(channel, kinds=kinds).files
    return files.load()(channel, url) if files else None


def write_collected(
    name: str, channel: ChannelSettings, outgoing: Outgoing, *, kinds: Kinds = KINDS
) -> Mapping[str, object]:
    """Return a message of ours as JSON for the system that collects it. Raises NotFound where none does."""
    outbox = kind_of(channel, kinds=kinds).outbox
    if outbox is None:
        raise NotFound("this channel has no outbox")
    return outbox.load()(name, channel, outgoing)


def sender_of(name: str, channel: ChannelSettings, *, desk: DeskSettings, kinds: Kinds = KINDS) -> Sender | None:
    """Return the sender of a channel, not connected yet; None if the channel is disabled or has no send table."""
    sender = kind_of(channel, kinds=kinds).sender
    return sender.load()(name, channel, desk) if sender and channel.has_way_out else None


def probe_channel(name: str, channel: ChannelSettings, *, desk: DeskSettings, kinds: Kinds = KINDS) -> Health:
    """Log in to a channel's provider, or test whether its listener answers or could listen; change nothing."""
    if desk_probe := kind_of(channel, kinds=kinds).desk_probe:
        return desk_probe.load()(name, channel, desk)
    if probe := kind_of(channel, kinds=kinds).probe:
        return probe.load()(name, channel)
    connector = connector_of(name, channel, kinds=kinds)
    if isinstance(connector, ProbedConnector):
        return connector.probe()
    if sender := sender_of(name, channel, desk=desk, kinds=kinds):
        return sender.probe()
    return Health(ok=True, findings=("there is nothing to log in to",))
