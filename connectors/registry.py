"""Which class stands behind which `kind` of channel; their libraries are loaded only for kinds that are configured."""

from __future__ import annotations

from connectors.base import Connector, Gate
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


def open_gates(settings: Settings) -> list[Gate]:
    """Return the enabled channels that are pushed to; nothing listens yet."""
    gates: list[Gate] = []
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
