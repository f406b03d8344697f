"""Check listeners: two on one port whose addresses meet, so that the second one cannot start."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from router.settings.findings import Finding, shown
from router.settings.model import Settings


@dataclass(frozen=True, slots=True)
class _Listener:
    """One listener. host: an address, or a name as it is written.  both: whether `::` takes the IPv4 port as well."""

    who: str
    written: str
    host: IPv4Address | IPv6Address | str
    port: str
    both: bool

    def takes_all_of(self, other: _Listener) -> bool:
        """Return whether this is every address of the machine, and `other` is one of these."""
        if isinstance(self.host, str) or not self.host.is_unspecified:
            return False
        # A name may stand for an address of either version.
        same = isinstance(other.host, str) or other.host.version == self.host.version
        return same or (self.both and self.host.version == 6)


def check_listeners(settings: Settings) -> Iterator[Finding]:
    """Find listeners that need a port which another one has; `check_channels` finds equal ones."""
    # The web server takes IPv6 alone at `::`, a mail listener what the kernel gives: both.
    earlier = [_listener("the web desk", settings.omniyard.listen, both=False)]
    for name, channel in settings.channels.items():
        if channel.enabled and channel.listens_on is not None:
            own = _listener(f'channel "{name}"', channel.listens_on, both=True)
            for other in earlier:
                if _meet(own, other):
                    needs = f"{other.who} has port {other.port} of {other.written}, and {own.written} needs it too"
                    message = f"{needs}; expected another port"
                    yield Finding(place=("channels", name, "listen"), value=shown(channel.listens_on), message=message)
                    break
            earlier.append(own)


def _meet(one: _Listener, other: _Listener) -> bool:
    if int(one.port) != int(other.port) or (one.written, one.port) == (other.written, other.port):
        return False
    return one.host == other.host or one.takes_all_of(other) or other.takes_all_of(one)


def _listener(who: str, listen: str, *, both: bool) -> _Listener:
    host, _, port = listen.lower().rpartition(":")
    written = "127.0.0.1" if host == "localhost" else host
    return _Listener(who, written, _read(written), port, both)


def _read(host: str) -> IPv4Address | IPv6Address | str:
    with suppress(ValueError):
        address = ip_address(host.strip("[]"))
        return getattr(address, "ipv4_mapped", None) or address
    return host
