"""A merge as an older version did it: a live page stays with the source, and the undo log notes none. Plain module."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from store.conversations.regroupings.moved_messages import move_all
from store.conversations.sla import change_status
from store.conversations.undo_log import NewRegrouping, RegroupingKind, keep_regrouping, snapshot
from store.db.bulk import table_of
from store.db.engine import read_clock
from store.tables.messages import ConversationRow

# What a merge of the older version noted of both sides.
_SIDE = (
    *("contact_id", "status", "priority", "labels", "emergency", "last_message_at", "waiting_since", "possible_danger"),
    *("clock_started_at", "linked_to", "merged_into", "held_until", "snoozed_by"),
)


def merge_as_the_older_version(connection: Connection, source: UUID, target: UUID) -> UUID:
    """Merge two cases; return the entry of the undo log."""
    table = table_of(ConversationRow)
    now = read_clock(connection)
    before = snapshot(connection, ConversationRow, (source, target), _SIDE)
    moved = move_all(connection, source, target)
    change_status(connection, conversation_id=source, status=Status.RESOLVED, at=now, by="Ann")
    sides = before[source], before[target]
    together = {
        "waiting_since": min(each["waiting_since"] for each in sides if each["waiting_since"]),
        "emergency": any(each["emergency"] for each in sides),
        "priority": "urgent" if any(each["emergency"] for each in sides) else "normal",
    }
    connection.execute(sa.update(table).where(table.c.id == source).values(merged_into=target, watch_at=now))
    connection.execute(sa.update(table).where(table.c.id == target).values(**together, watch_at=now))
    after = snapshot(connection, ConversationRow, (source, target), _SIDE)
    deed = NewRegrouping(kind=RegroupingKind.MERGE, source_id=source, target_id=target, by="Ann", at=now)
    return keep_regrouping(connection, deed, moved=moved, before=before, after=after)
