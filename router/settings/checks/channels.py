"""Check channels: two with the same source, and problems within one."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from router.settings.channels.base import ChannelSettings
from router.settings.findings import Finding, shown
from router.settings.model import Settings
from router.settings.values import is_loopback

_DESK = "the web desk"


def check_channels(settings: Settings) -> Iterator[Finding]:
    """Find enabled channels that share a source, and problems within each of them."""
    desk = settings.omniyard.listen
    taken: dict[Hashable, str] = {desk.lower().replace("localhost", "127.0.0.1"): _DESK}
    if not is_loopback(_host(desk)):
        message = "other machines reach the desk in plain text; put a proxy with TLS before it"
        yield Finding(place=("omniyard", "listen"), value=shown(desk), message=message, level="warning")
    for name, channel in settings.channels.items():
        if channel.enabled:
            yield from _shared(name, channel, taken=taken)
            yield from _concerns(name, channel, public_url=settings.omniyard.public_url)
            yield from _without_mail(name, channel, settings=settings)


def _shared(name: str, channel: ChannelSettings, *, taken: dict[Hashable, str]) -> Iterator[Finding]:
    key, source = channel.source
    first = taken.setdefault(source, f'channel "{name}"')
    if first != f'channel "{name}"':
        message = f"{first} has the same source; expected one channel for each"
        if first == _DESK:
            message = "the web desk listens there ([omniyard] listen); expected another port"
        yield Finding(place=("channels", name, key), message=message)


def _concerns(name: str, channel: ChannelSettings, *, public_url: str | None) -> Iterator[Finding]:
    for each in channel.concerns(public_url=public_url):
        value = "" if each.value is None else shown(each.value)
        yield Finding(place=("channels", name, each.key), value=value, message=each.message, level="warning")


def _without_mail(name: str, channel: ChannelSettings, *, settings: Settings) -> Iterator[Finding]:
    chosen = channel.chat_page.mail if channel.chat_page else None
    other = settings.channels.get(chosen or "")
    if chosen and other and not other.sends_mail:
        message = "this channel sends no mail; expected one of mail with a `send` table"
        yield Finding(place=("channels", name, "mail"), value=shown(chosen), message=message)


def _host(listen: str) -> str:
    return listen.rpartition(":")[0]
