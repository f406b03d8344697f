"""Messages that move to another conversation, with what leaves for them and the Message-IDs that find them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.conversations.undo_log import Kept
from store.db.bulk import among, insert_new, table_of
from store.inbound.history import digest
from store.tables.messages import Message, ThreadKey
from store.tables.operations import Outbound


def move_all(connection: Connection, source_id: UUID, target_id: UUID) -> dict[str, Any]:
    """Move all that a conversation has to another one; return what moved."""
    columns, keys = table_of(Message).c, table_of(ThreadKey)
    messages = connection.execute(
        sa.select(columns.id, columns.outbound_id, columns.rfc_message_id).where(columns.conversation_id == source_id)
    ).all()
    outbound = table_of(Outbound).c
    leaving = connection.execute(sa.select(outbound.id).where(outbound.conversation_id == source_id)).scalars().all()
    theirs = connection.execute(sa.select(keys.c.digest, keys.c.own).where(keys.c.conversation_id == source_id)).all()
    moved_keys = [(bytes(row.digest), bool(row.own)) for row in theirs]
    return _carry(
        connection, source_id, target_id, messages=[row.id for row in messages], outbound=leaving, keys=moved_keys
    )


def move_some(connection: Connection, source_id: UUID, target_id: UUID, *, messages: Sequence[Any]) -> dict[str, Any]:
    """Move some messages to another conversation; return what moved. messages: rows with their ids."""
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
    """Move these to another conversation and return what moved. keys: digests, and whether they are of its own."""
    for model, ids in ((Message, messages), (Outbound, outbound)):
        table = table_of(model)
        connection.execute(sa.update(table).where(among(table.c.id, ids)).values(conversation_id=target_id))
    table = table_of(ThreadKey)
    known = sa.select(table.c.digest, table.c.own).where(
        table.c.conversation_id == target_id, among(table.c.digest, [key for key, _ in keys])
    )
    there = {bytes(row.digest): bool(row.own) for row in connection.execute(known)}
    # The target only quoted these; now it has the messages themselves.
    gained = [key for key, own in keys if own and there.get(key) is False]
    _own(connection, target_id, gained, own=True)
    rows = [{"digest": key, "conversation_id": target_id, "own": own} for key, own in keys]
    insert_new(connection, ThreadKey, rows=rows)
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
    table = table_of(ThreadKey)
    theirs = sa.update(table).where(table.c.conversation_id == conversation_id, among(table.c.digest, digests))
    connection.execute(theirs.values(own=own))


def move_back(connection: Connection, kept: Kept) -> None:
    """Move what was moved back to where it was, unless it went on from there."""
    if not kept.moved:
        return
    source_id, target_id = kept.row.source_id, kept.row.target_id
    for model, name in ((Message, "messages"), (Outbound, "outbound")):
        table, ids = table_of(model), [UUID(each) for each in kept.moved[name]]
        there = sa.update(table).where(among(table.c.id, ids), table.c.conversation_id == target_id)
        connection.execute(there.values(conversation_id=source_id))
    keys = [(bytes.fromhex(key), own) for key, own in kept.moved["keys"]]
    shared = {bytes.fromhex(key) for key in kept.moved["shared_keys"]}
    rows = [{"digest": key, "conversation_id": source_id, "own": own} for key, own in keys]
    insert_new(connection, ThreadKey, rows=rows)
    table = table_of(ThreadKey)
    fresh = [key for key, _ in keys if key not in shared]
    connection.execute(sa.delete(table).where(table.c.conversation_id == target_id, among(table.c.digest, fresh)))
    # What was moved by an older version has none of these.
    gained = [bytes.fromhex(key) for key in kept.moved.get("gained_keys", [])]
    _own(connection, target_id, gained, own=False)
