"""Which sender stands behind each channel, by kind: each kind is sent by a thread of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from connectors.base import Sender
from router.settings import Settings
from router.settings.channels import ImapSettings, SmtpSettings

Lanes = Mapping[str, Mapping[str, Sender]]

MAIL: Final = "mail"


def open_senders(settings: Settings) -> Lanes:
    """Return the senders of the enabled channels that have a way out: lane -> channel -> sender.

    Nothing is connected yet.
    """
    lanes: dict[str, dict[str, Sender]] = {}
    for name, channel in settings.channels.items():
        if channel.enabled and isinstance(channel, ImapSettings | SmtpSettings) and channel.send:
            from connectors.email.smtp_sending import SmtpSender  # noqa: PLC0415

            sender = SmtpSender(name, channel.send, address=channel.address or "", name=settings.omniyard.name)
            lanes.setdefault(MAIL, {})[name] = sender
    return lanes
