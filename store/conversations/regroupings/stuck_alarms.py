"""Live alarms that merges of an older version left with their sources, where they call no one and are not seen."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from store.conversations.read import where_now
from store.conversations.undo_log import RegroupingKind
from store.db.bulk import among, table_of
from store.events.append import EventKind
from store.tables.case_records import RegroupingRow
from store.tables.emergencies import EmergencyRow
from store.tables.messages import ConversationRow
from store.tables.operations import EventRow


def find_stuck_alarms(connection: Connection, *, source_id: UUID | None = None) -> list[UUID]:
    """Return the merges with such an alarm, the oldest first. source_id: only of this source; None means of any.

    What was over is left: its case was resolved before the merge, or the other one is resolved now or was since, or an
    agent has released the other one's alarm since. So is a target with a live alarm of its own: agents see it and judge
    both.
    """
    rows = connection.execute(_merges_with_alarms(source_id)).all()
    targets = where_now(connection, [row.source_id for row in rows])
    cases = _states(connection, {*targets.values()})
    return [
        row.id
        for row in rows
        if (row.before.get(str(row.source_id)) or {}).get("status") != Status.RESOLVED
        and (target := cases.get(targets[row.source_id])) is not None
        and not _is_over(target, merged_at=row.at, direct=target.id == row.target_id)
    ]


def _merges_with_alarms(source_id: UUID | None) -> sa.Select[Any]:
    alarm, case, merge = (table_of(each) for each in (EmergencyRow, ConversationRow, RegroupingRow))
    found = (
        sa.select(merge.c.id, merge.c.at, merge.c.source_id, merge.c.target_id, merge.c.before)
        .join(case, case.c.id == merge.c.source_id)
        .join(alarm, alarm.c.conversation_id == merge.c.source_id)
        .where(alarm.c.confirmed.is_not(False), case.c.emergency, case.c.merged_into == merge.c.target_id)
        .where(merge.c.kind == RegroupingKind.MERGE.value, merge.c.undone_at.is_(None))
        # This version notes in each merge which alarms moved. Of an erased customer nothing is noted any more.
        .where(merge.c.moved["messages"].as_string().is_not(None), merge.c.moved["pages"].as_string().is_(None))
        .order_by(merge.c.id)
    )
    return found if source_id is None else found.where(merge.c.source_id == source_id)


def _states(connection: Connection, ids: Collection[UUID]) -> dict[UUID, Any]:
    """Return cases that are not resolved, each with the verdict on its alarm and when it was resolved last."""
    case, alarm, event = table_of(ConversationRow), table_of(EmergencyRow), table_of(EventRow)
    joined = case.outerjoin(alarm, alarm.c.conversation_id == case.c.id)
    resolved_at = sa.select(sa.func.max(event.c.at)).where(
        event.c.conversation_id == case.c.id,
        event.c.kind == EventKind.CONVERSATION_STATUS_CHANGED.value,
        event.c.payload["to"].as_string() == Status.RESOLVED.value,
    )
    columns = (
        *(case.c.id, case.c.emergency, alarm.c.inbound_id, alarm.c.confirmed, alarm.c.confirmed_at),
        resolved_at.scalar_subquery().label("resolved_at"),
    )
    known = sa.select(*columns).select_from(joined).where(among(case.c.id, ids), case.c.status != Status.RESOLVED)
    return {row.id: row for row in connection.execute(known)}


def _is_over(target: Any, *, merged_at: datetime, direct: bool) -> bool:  # noqa: ANN401  (a row)
    # The end of a chain may have been resolved before the case with the danger came into it.
    if direct and target.resolved_at is not None and target.resolved_at > merged_at:
        return True
    if target.inbound_id is None:
        return False
    if target.confirmed is False:
        return bool(target.confirmed_at is None or target.confirmed_at > merged_at)
    return bool(target.emergency)
