"""Treat stored mail on the server as the settings say: mark it as seen, move it to a folder, or leave it alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from imapclient import SEEN, IMAPClient

from connectors.email.imap.cursor import ImapCursor
from router.settings.channels.mail import ImapSettings

_AT_ONCE: Final = 500


def unsettled_of(client: IMAPClient, mark: ImapCursor, settings: ImapSettings) -> list[int]:
    """Return the UIDs of the last stored batch: it is not known whether its post-action was completed."""
    since = ["SINCE", mark.since] if mark.since else []
    asked = ["UID", f"{mark.page}:{mark.read}", *since, *settings.flags_asked_for]
    return [uid for uid in client.search(asked) if uid <= mark.read]


def settle_messages(client: IMAPClient, uids: Sequence[int], settings: ImapSettings) -> None:
    """Mark or move the messages as the settings say. Messages that are gone are no error, so a second call is safe."""
    for start in range(0, len(uids), _AT_ONCE):
        some = uids[start : start + _AT_ONCE]
        if settings.after == "seen":
            client.add_flags(some, [SEEN], silent=True)
        elif settings.after == "move":
            _move(client, some, settings.move_to or "")


def _move(client: IMAPClient, uids: Sequence[int], folder: str) -> None:
    if client.has_capability("MOVE"):
        client.move(uids, folder)
        return
    there = client.search(["UID", ",".join(map(str, uids))])
    if not there:
        return
    client.copy(there, folder)
    client.delete_messages(there, silent=True)
    # A plain EXPUNGE would also remove what other people have marked (RFC 4315 section 2.1).
    if client.has_capability("UIDPLUS"):
        client.uid_expunge(there)
