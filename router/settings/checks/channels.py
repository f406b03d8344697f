"""Check channels: two with the same source, and problems within one."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Final

from router.settings.channel_base import ChannelSettings
from router.settings.findings import Finding, shown
from router.settings.model import Settings
from router.settings.values import is_loopback

# The addresses that mean every address of this machine.
_ALL: Final = frozenset({"0.0.0.0", "[::]"})  # noqa: S104  (it is compared, not listened on)


def check_channels(settings: Settings) -> Iterator[Finding]:
    """Find enabled channels that share a source, and problems within each of them."""
    desk = settings.omniyard.listen
    taken: dict[Hashable, str] = {desk.lower().replace("localhost", "127.0.0.1"): "the web desk"}
    if not is_loopback(_host(desk)):
        message = "other machines reach the desk in plain text; put a proxy with TLS before it"
        yield Finding(place=("omniyard", "listen"), value=shown(desk), message=message, level="warning")
    yield from _same_port(settings)
    for name, channel in settings.channels.items():
        if channel.enabled:
            yield from _shared(name, channel, taken=taken)
            yield from _concerns(name, channel, public_url=settings.omniyard.public_url)


def _shared(name: str, channel: ChannelSettings, *, taken: dict[Hashable, str]) -> Iterator[Finding]:
    key, source = channel.source
    first = taken.setdefault(source, f'channel "{name}"')
    if first != f'channel "{name}"':
        message = f"{first} has the same source; expected one channel for each"
        yield Finding(place=("channels", name, key), message=message)


def _same_port(settings: Settings) -> Iterator[Finding]:
    """Find two listeners on one port of which one has all addresses, so that the second one cannot start."""
    listeners = [("the web desk", *_address(settings.omniyard.listen))]
    for name, channel in settings.channels.items():
        if not channel.enabled or channel.listens_on is None:
            continue
        host, port = _address(channel.listens_on)
        for who, other, taken in listeners:
            if port == taken and host != other and {host, other} & _ALL and (":" in host) == (":" in other):
                message = f"{who} has port {port} of {other}, and {host} needs it too; expected another port"
                yield Finding(place=("channels", name, "listen"), value=shown(channel.listens_on), message=message)
                break
        listeners.append((f'channel "{name}"', host, port))


def _address(listen: str) -> tuple[str, str]:
    host, _, port = listen.lower().rpartition(":")
    return "127.0.0.1" if host == "localhost" else host, port


def _concerns(name: str, channel: ChannelSettings, *, public_url: str | None) -> Iterator[Finding]:
    for each in channel.concerns(public_url=public_url):
        value = "" if each.value is None else shown(each.value)
        yield Finding(place=("channels", name, each.key), value=value, message=each.message, level="warning")


def _host(listen: str) -> str:
    return listen.rpartition(":")[0]
