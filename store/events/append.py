"""Append an event for every change, in its transaction; one publisher numbers the events later, without gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.engine import Connection

from router.event_kinds import EventKind
from store.db.bulk import insert_rows
from store.db.ids import new_id
from store.tables.operations import EventRow

__all__ = ["EventKind", "NewEvent", "append_events"]


@dataclass(frozen=True, slots=True)
class NewEvent:
    """One change. payload: ids and words of ours, never message text."""

    kind: EventKind
    conversation_id: UUID | None = None
    payload: Mapping[str, object] = field(default_factory=dict)
    at: datetime = field(kw_only=True)


def append_events(connection: Connection, events: Sequence[NewEvent]) -> None:
    """Insert the events in the caller's transaction."""
    rows = [
        {
            "id": new_id(),
            "kind": str(event.kind),
            "conversation_id": event.conversation_id,
            "payload": dict(event.payload),
            "at": event.at,
        }
        for event in events
    ]
    insert_rows(connection, EventRow, rows=rows)
