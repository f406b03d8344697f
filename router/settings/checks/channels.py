"""Channels that would take each other's messages, or take them from anybody."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Final

from router.settings.channels import ChannelSettings, HttpSmsSettings, SmtpSettings, TwilioSettings
from router.settings.findings import Finding, shown
from router.settings.model import Settings
from router.settings.values import is_loopback

_MAINLAND_CHINA: Final = "+86"


def check_channels(settings: Settings) -> Iterator[Finding]:
    """Find enabled channels that share a source, and doors that stand open to the network."""
    desk = settings.omniyard.listen
    taken: dict[Hashable, str] = {desk.lower().replace("localhost", "127.0.0.1"): "the web desk"}
    if not is_loopback(_host(desk)):
        message = "beyond this machine the desk is served in plain text; put a proxy with TLS before it"
        yield Finding(place=("omniyard", "listen"), value=shown(desk), message=message, level="warning")
    for name, channel in settings.channels.items():
        if channel.enabled:
            yield from _shared(name, channel, taken=taken)
            yield from _open_door(name, channel)
            yield from _unheard(name, channel, public_url=settings.omniyard.public_url)


def _shared(name: str, channel: ChannelSettings, *, taken: dict[Hashable, str]) -> Iterator[Finding]:
    key, source = channel.source
    first = taken.setdefault(source, f'channel "{name}"')
    if first != f'channel "{name}"':
        message = f"{first} has the same source; expected one channel for each"
        yield Finding(place=("channels", name, key), message=message)


def _open_door(name: str, channel: ChannelSettings) -> Iterator[Finding]:
    if isinstance(channel, SmtpSettings) and not (is_loopback(_host(channel.listen)) or channel.tls_certificate):
        message = "mail from beyond this machine comes in plain text; set tls_certificate and tls_key"
        place = ("channels", name, "listen")
        yield Finding(place=place, value=shown(channel.listen), message=message, level="warning")


def _unheard(name: str, channel: ChannelSettings, *, public_url: str | None) -> Iterator[Finding]:
    """Find channels to which no customer's message can come."""
    if isinstance(channel, TwilioSettings) and not channel.whatsapp and channel.number.startswith(_MAINLAND_CHINA):
        message = (
            "Twilio offers no two-way SMS in mainland China: nothing that customers write will come in; "
            'expected a provider there (kind = "http_sms"), mail or another channel'
        )
        place = ("channels", name, "number")
        yield Finding(place=place, value=shown(channel.number), message=message, level="warning")
    if isinstance(channel, HttpSmsSettings) and public_url is None:
        message = "its provider has nowhere to bring messages to; set [omniyard] public_url"
        yield Finding(place=("channels", name, "kind"), message=message, level="warning")


def _host(listen: str) -> str:
    return listen.rpartition(":")[0]
