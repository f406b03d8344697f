"""The brain as the operator's file describes it, built once a process."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from router.classify import Classifier, build_classifier
from router.routing import RoutingTable, build_table
from router.settings import Settings

_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Brain:
    """Everything that a decision needs beside the message and its history.

    own: our mail addresses, in lower case.  key: what thread tokens are proven with.
    """

    settings: Settings
    classifier: Classifier
    table: RoutingTable
    own: frozenset[str]
    key: bytes

    def address_of(self, channel: str) -> str:
        """Return the address that the channel writes from; empty if it has none."""
        configured = self.settings.channels.get(channel)
        return (configured.address or "") if configured else ""


def build_brain(settings: Settings) -> Brain:
    """Build the brain; reads or makes the token key under the data folder."""
    return Brain(
        settings=settings,
        classifier=build_classifier(settings),
        table=build_table(settings),
        own=own_addresses(settings),
        key=read_key(Path(settings.omniyard.data)),
    )


def own_addresses(settings: Settings) -> frozenset[str]:
    """Return every mail address that is ours: mail from it is never answered by machine."""
    named = [channel.address for channel in settings.channels.values() if channel.address]
    named += [channel.username for channel in settings.channels.values() if channel.kind == "imap"]
    return frozenset(address.lower() for address in (*named, *settings.omniyard.own_addresses) if "@" in address)


def read_key(folder: Path) -> bytes:
    """Return the desk's key for thread tokens, making it when the desk is new; only its owner may read the file."""
    path = folder / "token.key"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("xb") as file:
            path.chmod(0o600)
            file.write(secrets.token_bytes(_KEY_BYTES))
    except FileExistsError:
        pass
    return path.read_bytes()
