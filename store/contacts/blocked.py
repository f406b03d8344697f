"""Blocked senders: their messages go to quarantine, where they can be read, replayed or discarded."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.contacts.profiles import refuse_gone
from store.db.bulk import among_bound, table_of
from store.events.append import EventKind, NewEvent, append_events
from store.tables.messages import ContactRow


def block_sender(connection: Connection, contact_id: UUID, *, blocked: bool, by: str, now: datetime) -> None:
    """Block a contact, or end the block; the same state again changes nothing.

    Raises Conflict when the contact was merged into another or erased.
    """
    refuse_gone(connection, contact_id)
    table = table_of(ContactRow)
    other = table.c.blocked_at.is_(None) if blocked else table.c.blocked_at.is_not(None)
    values = {"blocked_at": now if blocked else None, "blocked_by": by if blocked else ""}
    if connection.execute(sa.update(table).where(table.c.id == contact_id, other).values(**values)).rowcount:
        kind = EventKind.CONTACT_BLOCKED if blocked else EventKind.CONTACT_UNBLOCKED
        payload = {"contact_id": str(contact_id), "by": by}
        append_events(connection, [NewEvent(kind, None, payload, at=now)])


def blocked_among(connection: Connection, contacts: Collection[UUID]) -> frozenset[UUID]:
    """Return which of the contacts are blocked."""
    if not contacts:
        return frozenset()
    return frozenset(connection.execute(_blocked(), {"contacts": contacts}).scalars())


@cache
def _blocked() -> sa.Select[Any]:
    columns = table_of(ContactRow).c
    return sa.select(columns.id).where(columns.blocked_at.is_not(None), among_bound(columns.id, "contacts"))
