"""Move messages, replies, chats and thread keys from one case to another, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.conversations.undo_log import StoredRegrouping
from store.db.bulk import among, insert_new, table_of
from store.db.engine import read_clock
from store.tables.chat import ChatSessionRow
from store.tables.messages import MessageRow, ThreadKeyRow, digest
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
    moved = _carry(
        connection, source_id, target_id, messages=[row.id for row in messages], outbound=leaving, keys=moved_keys
    )
    return moved | {"chats": _move_chats(connection, source_id, target_id)}


def _move_chats(connection: Connection, source_id: UUID, target_id: UUID) -> list[str]:
    """Let the chats of a conversation go on in another: a visitor keeps the place, and the chat does not end."""
    table = table_of(ChatSessionRow)
    chats = connection.execute(sa.select(table.c.id).where(table.c.conversation_id == source_id)).scalars().all()
    _point(connection, chats, source_id=source_id, target_id=target_id)
    return [str(each) for each in chats]


def _point(connection: Connection, chats: Sequence[UUID], *, source_id: UUID, target_id: UUID) -> None:
    if chats:
        table = table_of(ChatSessionRow)
        theirs = sa.update(table).where(among(table.c.id, chats), table.c.conversation_id == source_id)
        shown = {"version": table.c.version + 1, "changed_at": read_clock(connection)}
        connection.execute(theirs.values(conversation_id=target_id, **shown))


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
    # Rows of older versions do not have this key.
    chats = [UUID(each) for each in kept.moved.get("chats", ())]
    _point(connection, chats, source_id=target_id, target_id=source_id)
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
