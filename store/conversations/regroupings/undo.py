"""Undo a merge, a split or an unlinking of conversations."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.engine import Connection

from router.conversation_status import Status
from router.errors import Conflict
from store.conversations.regroupings.joined_sides import joined_values
from store.conversations.regroupings.moved_alarms import (
    EMERGENCY_COLUMNS,
    give_alarm_back,
    merge_alarms,
    put_back_alarms,
    released_values,
    was_called_from,
)
from store.conversations.regroupings.moved_messages import move_all, move_back
from store.conversations.regroupings.moved_questions import settle_question
from store.conversations.regroupings.written_sides import SIDE, hold_senders, last_message_at, update_side, write_alarms
from store.conversations.sla import change_status, restore_pause
from store.conversations.undo_log import (
    RegroupingKind,
    StoredRegrouping,
    find_regrouping,
    note_undone,
    snapshot,
    unchanged_since,
)
from store.events.append import EventKind, NewEvent, append_events
from store.tables.messages import ConversationRow

_Ids = set[UUID]


def undo_regrouping(connection: Connection, regrouping_id: UUID, *, by: str, now: datetime) -> None:
    """Undo a merge, a split or an unlinking: what was moved goes back, later messages stay where they arrived.

    Raises NotFound, and Conflict when it was undone already, a later action has to be undone first, or the customer was
    erased since.
    """
    kept = find_regrouping(connection, regrouping_id)
    if not kept.before:
        raise Conflict("it was erased")
    note_undone(connection, kept, by=by, now=now)
    source_id, target_id = kept.row.source_id, kept.row.target_id
    sides = (source_id,) if kept.row.kind == RegroupingKind.UNLINK else (source_id, target_id)
    hold_senders(connection, sides)
    current = snapshot(connection, ConversationRow, sides, SIDE)
    move_back(connection, kept)
    raised, released = put_back_alarms(connection, kept, sides=current)
    if kept.row.kind == RegroupingKind.MERGE and not kept.moved.get("pages"):
        raised, released = _give_back(connection, kept, by=by, now=now)
    for side in sides:
        left = EMERGENCY_COLUMNS if side in raised else ()
        _restore(connection, kept, side, current=current[side], left=left, by=by, now=now)
    for side in released:
        _release(connection, side, now=now)
    if kept.row.kind == RegroupingKind.SPLIT:
        _give_up_split(connection, kept, by=by, now=now)
    elif kept.row.kind == RegroupingKind.MERGE and was_called_from(connection, source_id, alarm_of=target_id):
        # An agent found the danger while they were merged, in a message that went back.
        _take_over(connection, source_id=target_id, target_id=source_id, by=by, now=now)
    for side in sides:
        settle_question(connection, side)
    payload = {"kind": kept.row.kind, "by": by, "regrouping_id": str(regrouping_id)}
    append_events(
        connection, [NewEvent(EventKind.CONVERSATION_REGROUPING_UNDONE, id_, payload, at=now) for id_ in sides]
    )


def _give_up_split(connection: Connection, kept: StoredRegrouping, *, by: str, now: datetime) -> None:
    """Give up the conversation of a split: what arrived in it since goes back too, with what called people in it."""
    old_id, new_id = kept.row.source_id, kept.row.target_id
    _take_over(connection, source_id=new_id, target_id=old_id, by=by, now=now)
    move_all(connection, new_id, old_id)
    change_status(connection, conversation_id=new_id, status=Status.RESOLVED, at=now, by=by)
    update_side(connection, new_id, {"merged_into": old_id})
    update_side(connection, old_id, {"last_message_at": last_message_at(connection, old_id)})


def _restore(
    connection: Connection,
    kept: StoredRegrouping,
    side: UUID,
    *,
    current: Mapping[str, object],
    left: Collection[str],
    by: str,
    now: datetime,
) -> None:
    """Restore a side. left: columns that stay as they are."""
    known = unchanged_since(ConversationRow, kept, side, now=current)
    values = {name: value for name, value in known.items() if name not in left}
    status = values.pop("status", None)
    if status is not None and status != current["status"]:
        change_status(connection, conversation_id=side, status=Status(status), at=now, by=by)
        paused = kept.moved.get("paused") or {}
        if str(side) in paused:
            since = datetime.fromisoformat(paused[str(side)]) if paused[str(side)] else None
            restore_pause(connection, side, since=since, at=now)
    update_side(connection, side, values | {"watch_at": now})


def _give_back(connection: Connection, kept: StoredRegrouping, *, by: str, now: datetime) -> tuple[_Ids, _Ids]:
    """Let an alarm that came after the merge, or by `mend_merge`, go with its message, also if it is over.

    Call before the target is restored. Returns the case that is an emergency by it, and the one that is released.
    """
    source_id, target_id = kept.row.source_id, kept.row.target_id
    if not was_called_from(connection, source_id, alarm_of=target_id):
        return set(), set()
    if _take_over(connection, source_id=target_id, target_id=source_id, by=by, now=now):
        return {source_id}, set()
    is_released = give_alarm_back(connection, source_id=source_id, target_id=target_id)
    return set(), {source_id} if is_released else set()


def _take_over(connection: Connection, *, source_id: UUID, target_id: UUID, by: str, now: datetime) -> bool:
    """Let the live alarm of a case go on in another one, and return whether one did; the case is calm then."""
    sides = snapshot(connection, ConversationRow, (source_id, target_id), SIDE)
    joined = joined_values(sides[source_id], sides[target_id])
    calm = released_values(connection, source_id, side=sides[source_id], now=now)
    alarms = merge_alarms(connection, source_id, target_id, sides=sides, values=joined)
    if alarms.rows:
        update_side(connection, target_id, joined)
        update_side(connection, source_id, {**calm, "watch_at": now})
        write_alarms(connection, alarms, by=by, now=now)
    return bool(alarms.rows)


def _release(connection: Connection, conversation_id: UUID, *, now: datetime) -> None:
    side = snapshot(connection, ConversationRow, (conversation_id,), EMERGENCY_COLUMNS)[conversation_id]
    update_side(connection, conversation_id, released_values(connection, conversation_id, side=side, now=now))
