"""What counts as one client of a network, for all limits by address."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Network, ip_address


def client_address(host: str) -> str:
    """Return the address that counts as one client: an IPv4 address, or an IPv6 household's /64 (RFC 6177).

    Returns an empty text for what is no address.
    """
    try:
        address = ip_address(host)
    except ValueError:
        return ""
    if isinstance(address, IPv4Address):
        return str(address)
    return str(address.ipv4_mapped or IPv6Network((address, 64), strict=False))
