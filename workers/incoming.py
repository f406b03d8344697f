"""One claimed message with all that is pure about it, as the deciding and the recording hand it around."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from router.reading import Reading
from store.claims import ClaimedRow


@dataclass(frozen=True, slots=True)
class Incoming:
    """A claimed row, what it says by itself, and its sender's contact."""

    row: ClaimedRow
    reading: Reading
    contact_id: UUID


def known_ids(incoming: Incoming) -> list[str]:
    """Return the Message-IDs by which the message's conversation will be found: its own and those it answers."""
    envelope = incoming.reading.envelope
    return [*([envelope.rfc_message_id] if envelope.rfc_message_id else []), *envelope.ancestors]
