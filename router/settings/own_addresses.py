"""Which mail addresses are our own side's: mail from them is never a customer's."""

from __future__ import annotations

from collections.abc import Iterable

from router.origin.own_side import SHARED_DOMAINS, FormService, OwnSide, domain_of
from router.settings.model import Settings


def own_addresses(settings: Settings) -> frozenset[str]:
    """Return our own mail addresses, in lower case: mail from them never gets an automatic reply."""
    # A channel's address may be a handle such as "@wallet", which is not a mail address.
    named = [address for channel in settings.channels.values() for address in channel.own_addresses]
    return frozenset(address.lower() for address in (*named, *settings.omniyard.own_addresses) if "@" in address[1:])


def own_side(settings: Settings) -> OwnSide:
    """Return the addresses of the desk, of colleagues and of declared form services."""
    desk, named = own_addresses(settings), settings.omniyard.own_domains
    domains = named if named is not None else {domain_of(address) for address in desk} - SHARED_DOMAINS
    return OwnSide(
        desk=desk,
        colleagues=_lowered(settings.omniyard.colleagues),
        domains=frozenset(each.lstrip("@") for each in _lowered(domains)),
        forms=tuple(FormService(senders=_lowered(form.senders), field=form.field) for form in settings.forms.values()),
    )


def _lowered(addresses: Iterable[str]) -> frozenset[str]:
    return frozenset(address.strip().lower() for address in addresses)
