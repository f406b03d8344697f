"""Which mail addresses are the desk's own: mail from them is never a customer's."""

from __future__ import annotations

from router.settings.model import Settings


def own_addresses(settings: Settings) -> frozenset[str]:
    """Return our own mail addresses, in lower case: mail from them never gets an automatic reply."""
    # A channel's address may be a handle such as "@wallet", which is not a mail address.
    named = [address for channel in settings.channels.values() for address in channel.own_addresses]
    return frozenset(address.lower() for address in (*named, *settings.omniyard.own_addresses) if "@" in address[1:])
