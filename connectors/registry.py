"""Which class stands behind which `kind` of channel; their libraries are loaded only for kinds that are configured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from connectors.base import Connector, PushGate, Sender
from connectors.daemon import Polled
from router.settings import Settings
from router.settings.channels import (
    Channel,
    HttpSmsSettings,
    ImapSettings,
    SmtpSettings,
    TelegramSettings,
    TwilioSettings,
    WebSettings,
    XSettings,
)


def open_polled(settings: Settings) -> list[Polled]:
    """Return the enabled channels that are polled; nothing is connected yet."""
    enabled = {name: channel for name, channel in settings.channels.items() if channel.enabled}
    return [
        Polled(connector=connector, poll=channel.poll.total_seconds())
        for name, channel in enabled.items()
        if not isinstance(channel, SmtpSettings | WebSettings | HttpSmsSettings)
        and (connector := connector_of(name, channel))
    ]


def open_gates(settings: Settings) -> list[PushGate]:
    """Return the enabled channels that are pushed to; nothing listens yet."""
    gates: list[PushGate] = []
    for name, channel in settings.channels.items():
        if channel.enabled and isinstance(channel, SmtpSettings):
            from connectors.email.smtp.listener import SmtpGate  # noqa: PLC0415

            gates.append(SmtpGate(name, channel))
    return gates


def connector_of(name: str, channel: Channel) -> Connector | None:
    """Return the connector of a channel that is polled, not connected yet; None for the other kinds."""
    if isinstance(channel, ImapSettings):
        from connectors.email.imap.connector import ImapConnector  # noqa: PLC0415

        return ImapConnector(name, channel)
    if isinstance(channel, TwilioSettings):
        from connectors.sms.twilio.connector import TwilioConnector  # noqa: PLC0415

        return TwilioConnector(name, channel)
    if isinstance(channel, TelegramSettings):
        from connectors.social.telegram.connector import TelegramConnector  # noqa: PLC0415

        return TelegramConnector(name, channel)
    if isinstance(channel, XSettings):
        from connectors.social.x.connector import XConnector  # noqa: PLC0415

        return XConnector(name, channel)
    return None


Lanes = Mapping[str, Mapping[str, Sender]]

MAIL: Final = "mail"


def open_senders(settings: Settings) -> Lanes:
    """Return the senders of the enabled channels that have a way out: lane -> channel -> sender.

    Nothing is connected yet.
    """
    lanes: dict[str, dict[str, Sender]] = {}
    if mail := mail_senders(settings):
        lanes[MAIL] = mail
    for name, channel in settings.channels.items():
        if channel.enabled and (chat := _chat_sender(name, channel, settings)):
            lanes.setdefault(channel.kind, {})[name] = chat
    return lanes


def mail_senders(settings: Settings) -> dict[str, Sender]:
    """Return the senders of the enabled mail channels that have a way out, by channel."""
    senders: dict[str, Sender] = {}
    for name, channel in settings.channels.items():
        if channel.enabled and isinstance(channel, ImapSettings | SmtpSettings | WebSettings) and channel.send:
            from connectors.email.smtp.sender import SmtpSender  # noqa: PLC0415

            address, desk = channel.address or "", settings.omniyard.name
            senders[name] = SmtpSender(name, channel.send, address=address, name=desk)
    return senders


def _chat_sender(name: str, channel: Channel, settings: Settings) -> Sender | None:
    if isinstance(channel, TwilioSettings):
        from connectors.sms.twilio.sender import TwilioSender  # noqa: PLC0415

        public_url = settings.omniyard.public_url
        return TwilioSender(name, channel, callbacks=f"{public_url}/webhooks" if public_url else "")
    if isinstance(channel, TelegramSettings):
        from connectors.social.telegram.sender import TelegramSender  # noqa: PLC0415

        return TelegramSender(name, channel)
    if isinstance(channel, XSettings):
        from connectors.social.x.sender import XSender  # noqa: PLC0415

        return XSender(name, channel)
    if isinstance(channel, HttpSmsSettings):
        return http_sms_sender(name, channel, settings)
    return None


def http_sms_sender(name: str, channel: HttpSmsSettings, settings: Settings) -> Sender:
    """Return the sender of such a channel; the one kind that is never polled, so that its sender speaks for it."""
    from connectors.sms.http_api.sender import HttpSmsSender  # noqa: PLC0415

    public_url = settings.omniyard.public_url
    return HttpSmsSender(name, channel, door=f"{public_url}/webhooks/{name}" if public_url else "")
