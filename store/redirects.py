"""Where the messages of merged conversations are now."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.errors import Conflict
from store.db.bulk import among, table_of
from store.tables.messages import Conversation


def where_now(connection: Connection, conversation_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Return, for each conversation that was merged into another, the one that has its messages now."""
    columns = table_of(Conversation).c
    steps: dict[UUID, UUID] = {}
    seen: set[UUID] = set()
    looked = set(conversation_ids)
    while looked:
        merged = sa.select(columns.id, columns.merged_into).where(
            among(columns.id, looked), columns.merged_into.is_not(None)
        )
        steps |= {row.id: row.merged_into for row in connection.execute(merged)}
        seen |= looked
        looked = set(steps.values()) - seen
    return {source: _end(steps, source) for source in conversation_ids if source in steps}


def _end(steps: Mapping[UUID, UUID], start: UUID) -> UUID:
    """Follow the steps to the last one; a circle, which an older version could make, ends before it closes."""
    passed, at = {start}, start
    while at in steps and steps[at] not in passed:
        at = steps[at]
        passed.add(at)
    return at


def refuse_merged(connection: Connection, conversation_id: UUID) -> None:
    """Raise Conflict when a conversation was merged into another: nothing is done there any more."""
    moved = where_now(connection, [conversation_id]).get(conversation_id)
    if moved is not None:
        raise Conflict(f"it was merged into the conversation {moved}")
