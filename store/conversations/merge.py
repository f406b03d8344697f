"""Merge conversations, split one, unlink a suspected one; each action can be undone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from router.errors import Conflict, PermanentError
from router.settings.model import PRIORITIES
from store.conversations.changes import ReadVersion, lock
from store.conversations.read import refuse_merged
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
from store.db.bulk import among, insert_new, insert_rows, table_of
from store.db.ids import new_id, new_reference
from store.events.append import EventKind, NewEvent, append_events
from store.tables.messages import ConversationRow, Direction, IdentityRow, MessageRow, ThreadKeyRow, digest
from store.tables.operations import OutboundRow


def move_all(connection: Connection, source_id: UUID, target_id: UUID) -> dict[str, Any]:
    """Move everything of a conversation to another; return what was moved."""
    columns, keys = table_of(MessageRow).c, table_of(ThreadKeyRow)
    messages = connection.execute(
        sa.select(columns.id, columns.outbound_id, columns.rfc_message_id).where(columns.conversation_id == source_id)
    ).all()
    outbound = table_of(OutboundRow).c
    leaving = connection.execute(sa.select(outbound.id).where(outbound.conversation_id == source_id)).scalars().all()
    theirs = connection.execute(sa.select(keys.c.digest, keys.c.own).where(keys.c.conversation_id == source_id)).all()
    moved_keys = [(bytes(row.digest), bool(row.own)) for row in theirs]
    return _carry(
        connection, source_id, target_id, messages=[row.id for row in messages], outbound=leaving, keys=moved_keys
    )


def move_some(connection: Connection, source_id: UUID, target_id: UUID, *, messages: Sequence[Any]) -> dict[str, Any]:
    """Move some messages to another conversation; return what was moved. messages: rows with their ids."""
    keys = [(digest(row.rfc_message_id), True) for row in messages if row.rfc_message_id]
    leaving = [row.outbound_id for row in messages if row.outbound_id]
    return _carry(connection, source_id, target_id, messages=[row.id for row in messages], outbound=leaving, keys=keys)


def _carry(
    connection: Connection,
    source_id: UUID,
    target_id: UUID,
    *,
    messages: Sequence[UUID],
    outbound: Sequence[UUID],
    keys: Sequence[tuple[bytes, bool]],
) -> dict[str, Any]:
    """Move these to another conversation and return what was moved. keys: pairs of digest and `own`."""
    for model, ids in ((MessageRow, messages), (OutboundRow, outbound)):
        table = table_of(model)
        connection.execute(sa.update(table).where(among(table.c.id, ids)).values(conversation_id=target_id))
    table = table_of(ThreadKeyRow)
    known = sa.select(table.c.digest, table.c.own).where(
        table.c.conversation_id == target_id, among(table.c.digest, [key for key, _ in keys])
    )
    there = {bytes(row.digest): bool(row.own) for row in connection.execute(known)}
    # The target only knew these as quotes; now it has the messages themselves.
    gained = [key for key, own in keys if own and there.get(key) is False]
    _own(connection, target_id, gained, own=True)
    rows = [{"digest": key, "conversation_id": target_id, "own": own} for key, own in keys]
    insert_new(connection, ThreadKeyRow, rows=rows)
    gone = sa.delete(table).where(table.c.conversation_id == source_id, among(table.c.digest, [key for key, _ in keys]))
    connection.execute(gone)
    return {
        "messages": [str(each) for each in messages],
        "outbound": [str(each) for each in outbound],
        "keys": [[key.hex(), own] for key, own in keys],
        "shared_keys": [key.hex() for key in there],
        "gained_keys": [key.hex() for key in gained],
    }


def _own(connection: Connection, conversation_id: UUID, digests: Sequence[bytes], *, own: bool) -> None:
    table = table_of(ThreadKeyRow)
    theirs = sa.update(table).where(table.c.conversation_id == conversation_id, among(table.c.digest, digests))
    connection.execute(theirs.values(own=own))


def move_back(connection: Connection, kept: StoredRegrouping) -> None:
    """Move everything back to where it was, unless it was moved again since."""
    if not kept.moved:
        return
    source_id, target_id = kept.row.source_id, kept.row.target_id
    for model, name in ((MessageRow, "messages"), (OutboundRow, "outbound")):
        table, ids = table_of(model), [UUID(each) for each in kept.moved[name]]
        there = sa.update(table).where(among(table.c.id, ids), table.c.conversation_id == target_id)
        connection.execute(there.values(conversation_id=source_id))
    keys = [(bytes.fromhex(key), own) for key, own in kept.moved["keys"]]
    shared = {bytes.fromhex(key) for key in kept.moved["shared_keys"]}
    rows = [{"digest": key, "conversation_id": source_id, "own": own} for key, own in keys]
    insert_new(connection, ThreadKeyRow, rows=rows)
    table = table_of(ThreadKeyRow)
    fresh = [key for key, _ in keys if key not in shared]
    connection.execute(sa.delete(table).where(table.c.conversation_id == target_id, among(table.c.digest, fresh)))
    # Rows of older versions do not have this key.
    gained = [bytes.fromhex(key) for key in kept.moved.get("gained_keys", [])]
    _own(connection, target_id, gained, own=False)


_SIDE: Final = (
    *("contact_id", "status", "priority", "labels", "emergency", "last_message_at", "waiting_since", "possible_danger"),
    *("clock_started_at", "linked_to", "merged_into", "held_until", "snoozed_by"),
)
_TOLD: Final = {RegroupingKind.MERGE: EventKind.CONVERSATION_MERGED, RegroupingKind.SPLIT: EventKind.CONVERSATION_SPLIT}
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
    moved = move_all(connection, source_id, target_id)
    change_status(connection, conversation_id=source_id, status=Status.RESOLVED, at=now, by=by)
    if source["status"] not in {Status.RESOLVED, Status.PENDING} and target["status"] == Status.RESOLVED:
        change_status(connection, conversation_id=target_id, status=Status.OPEN, at=now, by=by)
    _update(connection, source_id, {"merged_into": target_id, "watch_at": now})
    _update(connection, target_id, _together(source, target) | {"watch_at": now})
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
    moved = move_some(connection, conversation_id, new, messages=going)
    _update(connection, conversation_id, {"last_message_at": _last(connection, conversation_id), "watch_at": now})
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

    Raises NotFound, and Conflict when it was undone already or a later action has to be undone first.
    """
    kept = find_regrouping(connection, regrouping_id)
    note_undone(connection, kept, by=by, now=now)
    source_id, target_id = kept.row.source_id, kept.row.target_id
    sides = (source_id,) if kept.row.kind == RegroupingKind.UNLINK else (source_id, target_id)
    _hold_senders(connection, sides)
    current = snapshot(connection, ConversationRow, sides, _SIDE)
    move_back(connection, kept)
    for side in sides:
        _restore(connection, kept, side, current=current[side], by=by, now=now)
    if kept.row.kind == RegroupingKind.SPLIT:
        # Messages that arrived since go back too: the split conversation is given up.
        move_all(connection, target_id, source_id)
        change_status(connection, conversation_id=target_id, status=Status.RESOLVED, at=now, by=by)
        _update(connection, target_id, {"merged_into": source_id})
        _update(connection, source_id, {"last_message_at": _last(connection, source_id)})
    payload = {"kind": kept.row.kind, "by": by, "regrouping_id": str(regrouping_id)}
    append_events(
        connection, [NewEvent(EventKind.CONVERSATION_REGROUPING_UNDONE, id_, payload, at=now) for id_ in sides]
    )


def _restore(
    connection: Connection,
    kept: StoredRegrouping,
    side: UUID,
    *,
    current: Mapping[str, object],
    by: str,
    now: datetime,
) -> None:
    values = unchanged_since(ConversationRow, kept, side, now=current)
    status = values.pop("status", None)
    if status is not None and status != current["status"]:
        change_status(connection, conversation_id=side, status=Status(status), at=now, by=by)
    _update(connection, side, values | {"watch_at": now})


def _together(source: Mapping[str, Any], target: Mapping[str, Any]) -> dict[str, Any]:
    """Return the merged values: the higher priority, the longer wait."""
    waits = [side["waiting_since"] for side in (source, target) if side["waiting_since"]]
    return {
        "last_message_at": max(source["last_message_at"], target["last_message_at"]),
        "waiting_since": min(waits, default=None),
        "clock_started_at": target["clock_started_at"] or source["clock_started_at"],
        "emergency": source["emergency"] or target["emergency"],
        "possible_danger": source["possible_danger"] or target["possible_danger"],
        "priority": max(target["priority"], source["priority"], key=_rank),
        "labels": [*dict.fromkeys((*target["labels"], *source["labels"]))],
    }


def _rank(priority: str) -> int:
    return [*PRIORITIES].index(priority) if priority in PRIORITIES else -1


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
    of_it = sa.select(
        columns.id,
        columns.inbound_id,
        columns.outbound_id,
        columns.direction,
        columns.rfc_message_id,
        columns.subject,
        columns.received_at,
    ).where(columns.conversation_id == conversation_id)
    there = connection.execute(of_it.order_by(columns.received_at, columns.id)).all()
    going = [row for row in there if row.id in set(message_ids)]
    if len(going) != len(set(message_ids)):
        raise PermanentError("expected messages of this conversation")
    if not going or len(going) == len(there):
        raise PermanentError("expected at least one message that moves and one that stays")
    return going


def _open(connection: Connection, conversation_id: UUID, going: Sequence[Any]) -> UUID:
    table = table_of(ConversationRow)
    came = [row for row in going if row.direction == Direction.INCOMING and row.inbound_id is not None]
    openers = sa.select(table.c.opened_by_inbound).where(
        among(table.c.opened_by_inbound, [row.inbound_id for row in came])
    )
    taken = set(connection.execute(openers).scalars())
    first = next((row for row in came if row.inbound_id not in taken), None)
    if first is None:
        raise PermanentError("expected a customer's message among those that move, and one that opened no conversation")
    old = connection.execute(sa.select(*(table.c[name] for name in _INHERITED)).where(table.c.id == conversation_id))
    row = {
        **old.mappings().one(),
        "id": new_id(),
        "reference": new_reference(),
        "subject": first.subject,
        "status": Status.OPEN,
        "opened_at": first.received_at,
        "last_message_at": going[-1].received_at,
        "waiting_since": first.received_at,
        "watch_at": first.received_at,
        "opened_by_inbound": first.inbound_id,
    }
    insert_rows(connection, ConversationRow, rows=[row])
    return UUID(str(row["id"]))


def _last(connection: Connection, conversation_id: UUID) -> datetime:
    columns = table_of(MessageRow).c
    newest = sa.select(sa.func.max(columns.received_at)).where(columns.conversation_id == conversation_id)
    at: datetime = connection.execute(newest).scalar_one()
    return at
