"""Merge conversations, split one, unlink a suspected one; each action can be undone."""

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
from store.conversations.regroupings.moved_messages import move_all, move_back, move_some
from store.conversations.regroupings.moved_pages import (
    PAGED_COLUMNS,
    MovedPages,
    give_page_back,
    has_agent,
    merge_pages,
    put_back_pages,
    released_values,
    split_pages,
    was_called_from,
)
from store.conversations.regroupings.moved_questions import settle_question, split_question
from store.conversations.regroupings.stuck_pages import find_stuck_pages
from store.conversations.sla import change_status
from store.conversations.undo_log import (
    NewRegrouping,
    RegroupingKind,
    StoredRegrouping,
    find_regrouping,
    keep_regrouping,
    note_undone,
    snapshot,
    unchanged_since,
)
from store.db.bulk import among, insert_rows, table_of
from store.db.ids import new_id, new_reference
from store.events.append import EventKind, NewEvent, append_events
from store.tables.messages import AttachmentRow, ConversationRow, Direction, IdentityRow, MessageRow

_SIDE: Final = (
    *("contact_id", "last_message_at", "possible_danger", "linked_to", "merged_into"),
    *PAGED_COLUMNS,
)
_TOLD: Final = {RegroupingKind.MERGE: EventKind.CONVERSATION_MERGED, RegroupingKind.SPLIT: EventKind.CONVERSATION_SPLIT}
_Ids = set[UUID]
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
    _hold_senders(connection, (source_id, target_id))
    before = snapshot(connection, ConversationRow, (source_id, target_id), _SIDE)
    _require_unmerged(before)
    _require_version(connection, source_id, version=version)
    source, target = before[source_id], before[target_id]
    if source["contact_id"] != target["contact_id"]:
        raise PermanentError("they have different contacts; if both are one person, merge the contacts first")
    joined = joined_values(source, target)
    pages = merge_pages(connection, source_id, target_id, sides=before, values=joined)
    moved = move_all(connection, source_id, target_id) | {"pages": pages.rows}
    change_status(connection, conversation_id=source_id, status=Status.RESOLVED, at=now, by=by)
    if must_open(source, target):
        change_status(connection, conversation_id=target_id, status=Status.OPEN, at=now, by=by)
    _update(connection, source_id, {"merged_into": target_id, "watch_at": now})
    _update(connection, target_id, joined | {"watch_at": now})
    _write_pages(connection, pages, by=by, now=now)
    deed = NewRegrouping(kind=RegroupingKind.MERGE, source_id=source_id, target_id=target_id, by=by, at=now)
    return _keep(connection, deed, moved=moved, before=before)


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
    _hold_senders(connection, (conversation_id,))
    before = snapshot(connection, ConversationRow, (conversation_id,), _SIDE)
    _require_unmerged(before)
    _require_version(connection, conversation_id, version=version)
    going = _going(connection, conversation_id, message_ids)
    new = _open(connection, conversation_id, going)
    side, ids = before[conversation_id], {row.id for row in going}
    pages = split_pages(connection, conversation_id, new, side=side, going=ids, now=now)
    split_question(connection, conversation_id, new, going=ids)
    moved = move_some(connection, conversation_id, new, messages=going) | {"pages": pages.rows}
    _update(connection, conversation_id, {"last_message_at": _last(connection, conversation_id), "watch_at": now})
    _write_pages(connection, pages, by=by, now=now)
    deed = NewRegrouping(kind=RegroupingKind.SPLIT, source_id=conversation_id, target_id=new, by=by, at=now)
    return new, _keep(connection, deed, moved=moved, before=before)


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
    _update(connection, conversation_id, {"linked_to": None})
    after: dict[UUID, dict[str, object]] = {conversation_id: {"linked_to": None}}
    deed = NewRegrouping(kind=RegroupingKind.UNLINK, source_id=conversation_id, target_id=linked_to, by=by, at=now)
    kept = keep_regrouping(connection, deed, moved={}, before=before, after=after)
    payload = {"from": str(linked_to), "by": by, "regrouping_id": str(kept)}
    append_events(connection, [NewEvent(EventKind.CONVERSATION_UNLINKED, conversation_id, payload, at=now)])
    return kept


def undo(connection: Connection, regrouping_id: UUID, *, by: str, now: datetime) -> None:
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
    _hold_senders(connection, sides)
    current = snapshot(connection, ConversationRow, sides, _SIDE)
    move_back(connection, kept)
    raised, released = put_back_pages(connection, kept, sides=current)
    if kept.row.kind == RegroupingKind.MERGE and not kept.moved.get("pages"):
        raised, released = _give_back(connection, kept, by=by, now=now)
    for side in sides:
        left = PAGED_COLUMNS if side in raised else ()
        _restore(connection, kept, side, current=current[side], left=left, by=by, now=now)
    for side in released:
        _release(connection, side, now=now)
    if kept.row.kind == RegroupingKind.SPLIT:
        # Messages that arrived since go back too: the split conversation is given up, with what called people in it.
        _take_over(connection, source_id=target_id, target_id=source_id, by=by, now=now)
        move_all(connection, target_id, source_id)
        change_status(connection, conversation_id=target_id, status=Status.RESOLVED, at=now, by=by)
        _update(connection, target_id, {"merged_into": source_id})
        _update(connection, source_id, {"last_message_at": _last(connection, source_id)})
    elif kept.row.kind == RegroupingKind.MERGE and was_called_from(connection, source_id, page_of=target_id):
        # An agent found the danger while they were merged, in a message that went back.
        _take_over(connection, source_id=target_id, target_id=source_id, by=by, now=now)
    for side in sides:
        settle_question(connection, side)
    payload = {"kind": kept.row.kind, "by": by, "regrouping_id": str(regrouping_id)}
    append_events(
        connection, [NewEvent(EventKind.CONVERSATION_REGROUPING_UNDONE, id_, payload, at=now) for id_ in sides]
    )


def mend_merge(connection: Connection, regrouping_id: UUID, *, now: datetime) -> bool:
    """Let a live page that a merge of an older version left with its source go on in the case that has its messages.

    Returns whether one did. Undoing the merge later puts it back. See `find_stuck_pages`.
    """
    kept = find_regrouping(connection, regrouping_id)
    source_id = kept.row.source_id
    target_id = where_now(connection, [source_id]).get(source_id, source_id)
    _hold_senders(connection, (source_id, target_id))
    sides = snapshot(connection, ConversationRow, (source_id, target_id), _SIDE)
    if sides[target_id]["merged_into"] or regrouping_id not in find_stuck_pages(connection, source_id=source_id):
        return False
    # The merge resolved the source, and joined the rest of both.
    was = {**sides[source_id], "status": Status(kept.before[str(source_id)]["status"])}
    joined = joined_values(was, sides[target_id])
    pages = merge_pages(connection, source_id, target_id, sides={**sides, source_id: was}, values=joined)
    if has_agent(connection, target_id):
        # Who answered or confirmed has the case as it is now; they can judge it there.
        _update(connection, target_id, {"emergency": True, "watch_at": now})
    else:
        _update(connection, target_id, joined)
        _write_pages(connection, pages, by="", now=now)
    return True


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
    _update(connection, side, values | {"watch_at": now})


def _give_back(connection: Connection, kept: StoredRegrouping, *, by: str, now: datetime) -> tuple[_Ids, _Ids]:
    """Let a page that came after the merge, or by `mend_merge`, go with its message, also if it is over.

    Call before the target is restored. Returns the case that is an emergency by it, and the one that is released.
    """
    source_id, target_id = kept.row.source_id, kept.row.target_id
    if not was_called_from(connection, source_id, page_of=target_id):
        return set(), set()
    if _take_over(connection, source_id=target_id, target_id=source_id, by=by, now=now):
        return {source_id}, set()
    is_released = give_page_back(connection, source_id=source_id, target_id=target_id)
    return set(), {source_id} if is_released else set()


def _take_over(connection: Connection, *, source_id: UUID, target_id: UUID, by: str, now: datetime) -> bool:
    """Let the live page of a case go on in another one, and return whether one did; the case is calm then."""
    sides = snapshot(connection, ConversationRow, (source_id, target_id), _SIDE)
    joined = joined_values(sides[source_id], sides[target_id])
    calm = released_values(connection, source_id, side=sides[source_id], now=now)
    pages = merge_pages(connection, source_id, target_id, sides=sides, values=joined)
    if pages.rows:
        _update(connection, target_id, joined)
        _update(connection, source_id, {**calm, "watch_at": now})
        _write_pages(connection, pages, by=by, now=now)
    return bool(pages.rows)


def _release(connection: Connection, conversation_id: UUID, *, now: datetime) -> None:
    side = snapshot(connection, ConversationRow, (conversation_id,), PAGED_COLUMNS)[conversation_id]
    _update(connection, conversation_id, released_values(connection, conversation_id, side=side, now=now))


def _write_pages(connection: Connection, pages: MovedPages, *, by: str, now: datetime) -> None:
    """Write what moved pages make of their cases."""
    for conversation_id, values in pages.values.items():
        status = values.get("status")
        if status:
            change_status(connection, conversation_id=conversation_id, status=Status(status), at=now, by=by)
        _update(connection, conversation_id, {**values, "watch_at": now})
        if pages.called_in:
            payload = {"inbound_id": str(pages.called_in), "route": values["route"], "by": by}
            append_events(connection, [NewEvent(EventKind.CONVERSATION_ESCALATED, conversation_id, payload, at=now)])


def _hold_senders(connection: Connection, conversation_ids: Collection[UUID]) -> None:
    """Lock the senders of these conversations, as routing does: no message arrives for them until the commit."""
    table, identity = table_of(ConversationRow), table_of(IdentityRow)
    theirs = sa.select(table.c.contact_id).where(among(table.c.id, conversation_ids))
    statement = sa.select(identity.c.id).where(identity.c.contact_id.in_(theirs))
    connection.execute(statement.order_by(identity.c.kind, identity.c.handle).with_for_update()).all()


def _require_unmerged(sides: Mapping[UUID, Mapping[str, object]]) -> None:
    # Another agent may have merged one of them before we got the locks.
    for side in sides.values():
        if side["merged_into"] is not None:
            raise Conflict(f"it was merged into the conversation {side['merged_into']}")


def _require_version(connection: Connection, conversation_id: UUID, *, version: ReadVersion) -> None:
    # Check only now: routing and erasing lock the senders first, and the opposite order would deadlock with them.
    if version is not None:
        lock(connection, conversation_id, version=version)


def _keep(
    connection: Connection,
    deed: NewRegrouping,
    *,
    moved: Mapping[str, object],
    before: Mapping[UUID, Mapping[str, object]],
) -> UUID:
    after = snapshot(connection, ConversationRow, [*before], _SIDE)
    kept = keep_regrouping(connection, deed, moved=moved, before=before, after=after)
    payload = {"from": str(deed.source_id), "into": str(deed.target_id), "by": deed.by, "regrouping_id": str(kept)}
    sides = (deed.source_id, deed.target_id)
    append_events(connection, [NewEvent(_TOLD[deed.kind], side, payload, at=deed.at) for side in sides])
    return kept


def _update(connection: Connection, conversation_id: UUID, values: Mapping[str, Any]) -> None:
    table = table_of(ConversationRow)
    statement = sa.update(table).where(table.c.id == conversation_id)
    connection.execute(statement.values(**values, version=table.c.version + 1))


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


def _last(connection: Connection, conversation_id: UUID) -> datetime:
    columns = table_of(MessageRow).c
    statement = sa.select(sa.func.max(columns.received_at)).where(columns.conversation_id == conversation_id)
    at: datetime = connection.execute(statement).scalar_one()
    return at
