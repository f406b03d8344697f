"""Write what a merge, a split or its undo makes of a conversation, with its senders locked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from store.conversations.regroupings.moved_alarms import EMERGENCY_COLUMNS, MovedAlarms
from store.conversations.sla import change_status
from store.db.bulk import among, table_of
from store.events.append import EventKind, NewEvent, append_events
from store.tables.messages import ConversationRow, IdentityRow, MessageRow

# The columns that regroupings change, and the undo log keeps.
SIDE: Final = (
    *("contact_id", "last_message_at", "possible_danger", "linked_to", "merged_into"),
    *EMERGENCY_COLUMNS,
)


def hold_senders(connection: Connection, conversation_ids: Collection[UUID]) -> None:
    """Lock the senders of these conversations, as routing does: no message arrives for them until the commit."""
    table, identity = table_of(ConversationRow), table_of(IdentityRow)
    theirs = sa.select(table.c.contact_id).where(among(table.c.id, conversation_ids))
    statement = sa.select(identity.c.id).where(identity.c.contact_id.in_(theirs))
    connection.execute(statement.order_by(identity.c.kind, identity.c.handle).with_for_update()).all()


def update_side(connection: Connection, conversation_id: UUID, values: Mapping[str, Any]) -> None:
    """Write columns of a conversation, with a new version."""
    table = table_of(ConversationRow)
    statement = sa.update(table).where(table.c.id == conversation_id)
    connection.execute(statement.values(**values, version=table.c.version + 1))


def write_alarms(connection: Connection, alarms: MovedAlarms, *, by: str, now: datetime) -> None:
    """Write what moved alarms make of their cases."""
    for conversation_id, values in alarms.values.items():
        status = values.get("status")
        if status:
            change_status(connection, conversation_id=conversation_id, status=Status(status), at=now, by=by)
        update_side(connection, conversation_id, {**values, "watch_at": now})
        if alarms.called_in:
            payload = {"inbound_id": str(alarms.called_in), "route": values["route"], "by": by}
            append_events(connection, [NewEvent(EventKind.CONVERSATION_ESCALATED, conversation_id, payload, at=now)])


def last_message_at(connection: Connection, conversation_id: UUID) -> datetime:
    """Return when the newest of its messages arrived."""
    columns = table_of(MessageRow).c
    statement = sa.select(sa.func.max(columns.received_at)).where(columns.conversation_id == conversation_id)
    at: datetime = connection.execute(statement).scalar_one()
    return at
