"""Which class stands behind which `kind` of channel; their libraries are loaded only for kinds that are configured."""

from __future__ import annotations

from connectors.base import Gate
from connectors.daemon import Polled
from router.settings import Settings
from router.settings.channels import ImapSettings, SmtpSettings, TelegramSettings, TwilioSettings


def open_polled(settings: Settings) -> list[Polled]:
    """Return the enabled channels that are polled; nothing is connected yet."""
    polled: list[Polled] = []
    for name, channel in settings.channels.items():
        if channel.enabled and isinstance(channel, ImapSettings):
            from connectors.email.imap import ImapConnector  # noqa: PLC0415

            polled.append(Polled(connector=ImapConnector(name, channel), poll=channel.poll.total_seconds()))
        if channel.enabled and isinstance(channel, TwilioSettings):
            from connectors.sms.twilio import TwilioConnector  # noqa: PLC0415

            polled.append(Polled(connector=TwilioConnector(name, channel), poll=channel.poll.total_seconds()))
        if channel.enabled and isinstance(channel, TelegramSettings):
            from connectors.social.telegram import TelegramConnector  # noqa: PLC0415

            polled.append(Polled(connector=TelegramConnector(name, channel), poll=channel.poll.total_seconds()))
    return polled


def open_gates(settings: Settings) -> list[Gate]:
    """Return the enabled channels that are pushed to; nothing listens yet."""
    gates: list[Gate] = []
    for name, channel in settings.channels.items():
        if channel.enabled and isinstance(channel, SmtpSettings):
            from connectors.email.smtp import SmtpGate  # noqa: PLC0415

            gates.append(SmtpGate(name, channel))
    return gates
