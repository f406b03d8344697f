"""Merge conversations, split one, unlink a suspected one; `regroupings/undo.py` undoes each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from router.envelope import CHAT_KINDS
from router.errors import Conflict, PermanentError
from router.text.title import title_of_message
from store.conversations.changes import ReadVersion, lock
from store.conversations.read import refuse_merged, where_now
from store.conversations.regroupings.joined_sides import joined_values, must_open
from store.conversations.regroupings.moved_alarms import (
    has_agent,
    merge_alarms,
    split_alarms,
)
from store.conversations.regroupings.moved_messages import move_all, move_some
from store.conversations.regroupings.moved_questions import split_question
from store.conversations.regroupings.stuck_alarms import find_stuck_alarms
from store.conversations.regroupings.written_sides import SIDE, hold_senders, last_message_at, update_side, write_alarms
from store.conversations.sla import change_status, paused_since
from store.conversations.undo_log import (
    NewRegrouping,
    RegroupingKind,
    find_regrouping,
    keep_regrouping,
    snapshot,
)
from store.db.bulk import among, insert_rows, table_of
from store.db.ids import new_id, new_reference
from store.events.append import EventKind, NewEvent, append_events
from store.tables.messages import AttachmentRow, ConversationRow, Direction, IdentityRow, MessageRow

_EVENT_OF: Final = {
    RegroupingKind.MERGE: EventKind.CONVERSATION_MERGED,
    RegroupingKind.SPLIT: EventKind.CONVERSATION_SPLIT,
}
# The values that a new conversation takes over from the one it is split from.
_INHERITED: Final = (
    *("contact_id", "channel", "category", "emergency", "team", "assignee", "priority", "labels", "language"),
    *("route", "sla", "clock_started_at"),
)


def merge(
    connection: Connection,
    *,
    source_id: UUID,
    target_id: UUID,
    by: str,
    now: datetime,
    version: ReadVersion = None,
) -> UUID:
    """Move the messages of one conversation into another and return the id for undoing it.

    The source is resolved; later messages for it go to the target.
    version: the source's version that the caller has read; None skips the check.
    Raises PermanentError when both are the same or have different contacts, Conflict when either was merged already,
    Stale when the source has changed since.
    """
    if source_id == target_id:
        raise PermanentError("expected two different conversations")
    for side in (source_id, target_id):
        refuse_merged(connection, side)
    hold_senders(connection, (source_id, target_id))
    before = snapshot(connection, ConversationRow, (source_id, target_id), SIDE)
    _require_unmerged(before)
    _require_version(connection, source_id, version=version)
    source, target = before[source_id], before[target_id]
    if source["contact_id"] != target["contact_id"]:
        raise PermanentError("they have different contacts; if both are one person, merge the contacts first")
    paused = {str(id_): paused_since(connection, id_) for id_ in (source_id, target_id)}
    joined = joined_values(source, target)
    alarms = merge_alarms(connection, source_id, target_id, sides=before, values=joined)
    moved = move_all(connection, source_id, target_id) | {"pages": alarms.rows}
    change_status(connection, conversation_id=source_id, status=Status.RESOLVED, at=now, by=by)
    if must_open(source, target):
        change_status(connection, conversation_id=target_id, status=Status.OPEN, at=now, by=by)
    update_side(connection, source_id, {"merged_into": target_id, "watch_at": now})
    update_side(connection, target_id, joined | {"watch_at": now})
    write_alarms(connection, alarms, by=by, now=now)
    action = NewRegrouping(kind=RegroupingKind.MERGE, source_id=source_id, target_id=target_id, by=by, at=now)
    return _record(connection, action, moved=moved | {"paused": paused}, before=before)


def split(
    connection: Connection,
    *,
    conversation_id: UUID,
    message_ids: Collection[UUID],
    by: str,
    now: datetime,
    version: ReadVersion = None,
) -> tuple[UUID, UUID]:
    """Move messages into a new conversation; return its id and the id for undoing it.

    version: as for `merge`.
    Raises PermanentError unless some messages stay and one that goes is incoming and opened no conversation itself,
    Conflict when the conversation was merged into another, Stale when it has changed since.
    """
    refuse_merged(connection, conversation_id)
    hold_senders(connection, (conversation_id,))
    before = snapshot(connection, ConversationRow, (conversation_id,), SIDE)
    _require_unmerged(before)
    _require_version(connection, conversation_id, version=version)
    going = _going(connection, conversation_id, message_ids)
    new = _open(connection, conversation_id, going)
    side, ids = before[conversation_id], {row.id for row in going}
    alarms = split_alarms(connection, conversation_id, new, side=side, going=ids, now=now)
    split_question(connection, conversation_id, new, going=ids)
    moved = move_some(connection, conversation_id, new, messages=going) | {"pages": alarms.rows}
    update_side(
        connection, conversation_id, {"last_message_at": last_message_at(connection, conversation_id), "watch_at": now}
    )
    write_alarms(connection, alarms, by=by, now=now)
    action = NewRegrouping(kind=RegroupingKind.SPLIT, source_id=conversation_id, target_id=new, by=by, at=now)
    return new, _record(connection, action, moved=moved, before=before)


def unlink(connection: Connection, *, conversation_id: UUID, by: str, now: datetime) -> UUID:
    """Remove the link to the older conversation that this one may belong to; return the id for undoing it.

    Raises Conflict when there is no link, or when the conversation was merged into another.
    """
    refuse_merged(connection, conversation_id)
    before = snapshot(connection, ConversationRow, (conversation_id,), ("linked_to", "merged_into"))
    _require_unmerged(before)
    linked_to = before[conversation_id]["linked_to"]
    if linked_to is None:
        raise Conflict("it is linked to no other conversation")
    update_side(connection, conversation_id, {"linked_to": None})
    after: dict[UUID, dict[str, object]] = {conversation_id: {"linked_to": None}}
    action = NewRegrouping(kind=RegroupingKind.UNLINK, source_id=conversation_id, target_id=linked_to, by=by, at=now)
    kept = keep_regrouping(connection, action, moved={}, before=before, after=after)
    payload = {"from": str(linked_to), "by": by, "regrouping_id": str(kept)}
    append_events(connection, [NewEvent(EventKind.CONVERSATION_UNLINKED, conversation_id, payload, at=now)])
    return kept


def mend_merge(connection: Connection, regrouping_id: UUID, *, now: datetime) -> bool:
    """Let a live alarm that a merge of an older version left with its source go on in the case that has its messages.

    Returns whether one did. Undoing the merge later puts it back. See `find_stuck_alarms`.
    """
    kept = find_regrouping(connection, regrouping_id)
    source_id = kept.row.source_id
    target_id = where_now(connection, [source_id]).get(source_id, source_id)
    hold_senders(connection, (source_id, target_id))
    sides = snapshot(connection, ConversationRow, (source_id, target_id), SIDE)
    if sides[target_id]["merged_into"] or regrouping_id not in find_stuck_alarms(connection, source_id=source_id):
        return False
    # The merge resolved the source, and joined the rest of both.
    was = {**sides[source_id], "status": Status(kept.before[str(source_id)]["status"])}
    joined = joined_values(was, sides[target_id])
    alarms = merge_alarms(connection, source_id, target_id, sides={**sides, source_id: was}, values=joined)
    if has_agent(connection, target_id):
        # Who answered or confirmed has the case as it is now; they can judge it there.
        update_side(connection, target_id, {"emergency": True, "watch_at": now})
    else:
        update_side(connection, target_id, joined)
        write_alarms(connection, alarms, by="", now=now)
    return True


def _require_unmerged(sides: Mapping[UUID, Mapping[str, object]]) -> None:
    # Another agent may have merged one of them before we got the locks.
    for side in sides.values():
        if side["merged_into"] is not None:
            raise Conflict(f"it was merged into the conversation {side['merged_into']}")


def _require_version(connection: Connection, conversation_id: UUID, *, version: ReadVersion) -> None:
    # Check only now: routing and erasing lock the senders first, and the opposite order would deadlock with them.
    if version is not None:
        lock(connection, conversation_id, version=version)


def _record(
    connection: Connection,
    action: NewRegrouping,
    *,
    moved: Mapping[str, object],
    before: Mapping[UUID, Mapping[str, object]],
) -> UUID:
    after = snapshot(connection, ConversationRow, [*before], SIDE)
    kept = keep_regrouping(connection, action, moved=moved, before=before, after=after)
    payload = {
        "from": str(action.source_id),
        "into": str(action.target_id),
        "by": action.by,
        "regrouping_id": str(kept),
    }
    sides = (action.source_id, action.target_id)
    append_events(connection, [NewEvent(_EVENT_OF[action.kind], side, payload, at=action.at) for side in sides])
    return kept


def _going(connection: Connection, conversation_id: UUID, message_ids: Collection[UUID]) -> Sequence[Any]:
    columns = table_of(MessageRow).c
    statement = sa.select(
        columns.id,
        columns.inbound_id,
        columns.outbound_id,
        columns.direction,
        columns.rfc_message_id,
        columns.received_at,
    ).where(columns.conversation_id == conversation_id)
    there = connection.execute(statement.order_by(columns.received_at, columns.id)).all()
    going = [row for row in there if row.id in set(message_ids)]
    if len(going) != len(set(message_ids)):
        raise PermanentError("expected messages of this conversation")
    if not going or len(going) == len(there):
        raise PermanentError("expected at least one message that moves and one that stays")
    return going


def _open(connection: Connection, conversation_id: UUID, going: Sequence[Any]) -> UUID:
    table = table_of(ConversationRow)
    came = [row for row in going if row.direction == Direction.INCOMING and row.inbound_id is not None]
    statement = sa.select(table.c.opened_by_inbound).where(
        among(table.c.opened_by_inbound, [row.inbound_id for row in came])
    )
    taken = set(connection.execute(statement).scalars())
    first = next((row for row in came if row.inbound_id not in taken), None)
    if first is None:
        raise PermanentError("expected a customer's message among those that move, and one that opened no conversation")
    old = connection.execute(sa.select(*(table.c[name] for name in _INHERITED)).where(table.c.id == conversation_id))
    row = {
        **old.mappings().one(),
        "id": new_id(),
        "reference": new_reference(),
        "subject": _title(connection, first.id),
        "status": Status.OPEN,
        "opened_at": first.received_at,
        "last_message_at": going[-1].received_at,
        "waiting_since": first.received_at,
        "watch_at": first.received_at,
        "opened_by_inbound": first.inbound_id,
    }
    insert_rows(connection, ConversationRow, rows=[row])
    return UUID(str(row["id"]))


def _title(connection: Connection, message_id: UUID) -> str:
    """Return what a case is called that begins with this message, as routing would call it."""
    message, identity, file = table_of(MessageRow).c, table_of(IdentityRow).c, table_of(AttachmentRow).c
    # By kind and handle, as the index has them: a mail address is none of these kinds.
    theirs = (identity.kind.in_(sorted(CHAT_KINDS)), identity.handle == message.sender_handle)
    kind = sa.select(identity.kind).where(*theirs).limit(1).scalar_subquery()
    statement = sa.select(message.subject, message.text, kind.label("kind")).where(message.id == message_id)
    row = connection.execute(statement).one()
    names = connection.execute(sa.select(file.name).where(file.message_id == message_id).order_by(file.part)).scalars()
    return title_of_message(row.subject, kind=row.kind or "", text=row.text, file_names=[*names])
