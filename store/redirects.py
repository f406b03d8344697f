"""Where the messages of merged conversations are now."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.errors import Conflict
from store.bulk import among, table_of
from store.models import Conversation


def where_now(connection: Connection, conversation_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Return, for each conversation that was merged into another, the one that has its messages now."""
    columns = table_of(Conversation).c
    found: dict[UUID, UUID] = {}
    looked = set(conversation_ids)
    while looked:
        merged = sa.select(columns.id, columns.merged_into).where(
            among(columns.id, looked), columns.merged_into.is_not(None)
        )
        step = {row.id: row.merged_into for row in connection.execute(merged)}
        followed = {source: step.get(target, target) for source, target in found.items()}
        found = followed | {source: target for source, target in step.items() if source in conversation_ids}
        looked = set(step.values())
    return found


def refuse_merged(connection: Connection, conversation_id: UUID) -> None:
    """Raise Conflict when a conversation was merged into another: nothing is done there any more."""
    moved = where_now(connection, [conversation_id]).get(conversation_id)
    if moved is not None:
        raise Conflict(f"it was merged into the conversation {moved}")
