"""Change messages that are here: edited, withdrawn or completed by a later message of the channel."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.conversations.search_index.indexed_words import forget_messages, index_read
from store.db.bulk import among, table_of
from store.inbound.known_conversations import KnownConversation, conversations_by_id
from store.tables.messages import AttachmentRow, ConversationRow, Direction, InboundRow, MessageRow


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisableMessage:
    """A message that a later one may change. inbound_id: its row.  revision: the order of its last change.

    files: SHA-256 and names of its attachments.
    """

    inbound_id: UUID
    message_id: UUID
    contact_id: UUID
    conversation: KnownConversation
    incoming: bool
    revision: int
    withdrawn: bool
    files: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageChange:
    """What a message becomes. text, quoted: masked.  indexed: its words for the search.

    quoted: None to leave it: a change of the words says nothing about the facts below them.
    edited_at, withdrawn_at: None where that did not happen.
    """

    message_id: UUID
    conversation_id: UUID
    order: int
    text: str = ""
    quoted: str | None = ""
    indexed: str = ""
    fingerprint: str = ""
    edited_at: datetime | None = None
    withdrawn_at: datetime | None = None


def revisable(connection: Connection, *, channel: str, keys: Collection[str]) -> dict[str, RevisableMessage]:
    """Lock and return, by source key, the messages of a channel that are routed."""
    inbound, message = table_of(InboundRow).c, table_of(MessageRow).c
    statement = (
        sa.select(
            inbound.source_key,
            message.id,
            message.inbound_id,
            message.contact_id,
            message.conversation_id,
            message.direction,
            message.revision,
            message.withdrawn_at,
        )
        .join(table_of(MessageRow), message.inbound_id == inbound.id)
        .where(inbound.channel == channel, among(inbound.source_key, sorted(keys)))
        .order_by(message.id)
        .with_for_update(of=table_of(MessageRow))
    )
    rows = connection.execute(statement).all()
    cases = conversations_by_id(connection, {row.conversation_id for row in rows})
    files = _files(connection, [row.id for row in rows])
    return {
        row.source_key: RevisableMessage(
            inbound_id=row.inbound_id,
            message_id=row.id,
            contact_id=row.contact_id,
            conversation=cases[row.conversation_id],
            incoming=row.direction == Direction.INCOMING,
            revision=row.revision,
            withdrawn=row.withdrawn_at is not None,
            files=frozenset(files.get(row.id, ())),
        )
        for row in rows
    }


def _files(connection: Connection, message_ids: Sequence[UUID]) -> dict[UUID, set[tuple[str, str]]]:
    columns = table_of(AttachmentRow).c
    found: dict[UUID, set[tuple[str, str]]] = {}
    statement = sa.select(columns.message_id, columns.sha256, columns.name)
    for row in connection.execute(statement.where(among(columns.message_id, message_ids))):
        found.setdefault(row.message_id, set()).add((row.sha256, row.name))
    return found


def change_messages(connection: Connection, changes: Sequence[MessageChange]) -> None:
    """Write the changes; a withdrawn message loses its words here, its original keeps them."""
    table, case = table_of(MessageRow), table_of(ConversationRow)
    old = sa.select(table.c.id, table.c.subject, table.c.text)
    rows = connection.execute(old.where(among(table.c.id, [each.message_id for each in changes]))).mappings().all()
    forget_messages(connection, [dict(row) for row in rows])
    for change in changes:
        one = sa.update(table).where(table.c.id == change.message_id)
        connection.execute(one.values(**_values(change)))
        counted = sa.update(case).where(case.c.id == change.conversation_id)
        connection.execute(counted.values(version=case.c.version + 1))
    index_read(connection, [(each.message_id, each.indexed) for each in changes if each.indexed])


def _values(change: MessageChange) -> dict[str, Any]:
    values: dict[str, Any] = {
        "text": change.text,
        "html": "",
        "revision": change.order,
        "fingerprint": change.fingerprint,
        "echo": "",
    }
    stated = {"edited_at": change.edited_at, "withdrawn_at": change.withdrawn_at, "quoted": change.quoted}
    return values | {name: value for name, value in stated.items() if value is not None}
