"""One claimed message with all that is pure about it, as the deciding and the recording hand it around."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from router.analysis import Reading
from router.origin.automatic import Kind
from store.db.ids import new_id
from store.inbound.claims import ClaimedRow


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


def may_repeat(incoming: Incoming) -> bool:
    """Tell whether a message may say again what its sender said: people's own words, and none from an archive."""
    return incoming.reading.origin.kind is Kind.PERSON and not incoming.row.backfill


def evidence_of(reading: Reading) -> dict[str, object]:
    """Return what spoke for the message's category, as JSON; no message text."""
    seen = reading.classification
    return {
        "words": list(seen.evidence),
        "category": seen.category,
        "probability": seen.confidence,
        "model": seen.model,
    }


def attachment_rows(incoming: Incoming, *, message_id: UUID) -> list[dict[str, Any]]:
    """Return the rows of its files, under the names that are safe to show."""
    return [
        {
            "id": new_id(),
            "message_id": message_id,
            "name": name,
            "media_type": attachment.media_type,
            "size": attachment.size,
            "sha256": attachment.sha256,
            "part": attachment.part,
        }
        for attachment, name in zip(incoming.reading.envelope.attachments, incoming.reading.file_names, strict=True)
    ]
