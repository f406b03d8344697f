"""Read the conversations that the messages of a batch refer to, or may go on with: values for the decisions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from router.origin.sender_proof import ProofKind
from store.conversations.read import where_now
from store.db.bulk import among_bound, table_of
from store.tables.messages import ConversationRow, Direction, MessageRow, ThreadKeyRow, digest

# Of all contacts of a batch.
_MOST_RECENT: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownConversation:
    """A conversation that a message refers to. own: by a Message-ID whose message is in it, not only quoted there."""

    conversation_id: UUID
    reference: str
    contact_id: UUID
    subject: str
    status: str
    last_message_at: datetime
    version: int
    emergency: bool
    channel: str = ""
    category: str | None = None
    labels: tuple[str, ...] = ()
    opened_by: UUID | None = None
    only_notes: bool = False
    own: bool = False


def conversations_by_message_id(
    connection: Connection, message_ids: Collection[str], *, contacts: Collection[UUID]
) -> dict[str, list[KnownConversation]]:
    """Return, by Message-ID, the conversations of `contacts` that know it, and those with the message itself.

    In any order: `router.threads.correlation.joined_first` says which of them comes first.
    Other contacts' conversations that only quoted it are left out: a newsletter may be quoted in thousands.
    """
    if not message_ids:
        return {}
    names = {digest(message_id): message_id for message_id in message_ids}
    found: dict[str, list[KnownConversation]] = {}
    for row in connection.execute(_by_message_id(), {"digests": [*names], "contacts": contacts}):
        found.setdefault(names[row.digest], []).append(read_known(row, own=row.own))
    return found


# These statements are built once: for each batch that would take longer than the database needs to answer them.
@cache
def _by_message_id() -> sa.Select[Any]:
    keys, table = table_of(ThreadKeyRow), table_of(ConversationRow)
    theirs = sa.or_(among_bound(table.c.contact_id, "contacts"), keys.c.own)
    joined = sa.select(keys.c.digest, keys.c.own, *columns_of_known()).join(table, table.c.id == keys.c.conversation_id)
    return joined.where(among_bound(keys.c.digest, "digests"), theirs)


def conversations_by_reference(connection: Connection, references: Collection[str]) -> dict[str, KnownConversation]:
    """Return the conversations with these printed references; of a merged one the other, which has its messages."""
    if not references:
        return {}
    rows: Sequence[Any] = connection.execute(_by_reference(), {"references": references}).all()
    moved = where_now(connection, [row.id for row in rows if row.merged_into is not None])
    found = {row.reference: read_known(row) for row in rows}
    if not moved:
        return found
    now = {row.id: read_known(row) for row in connection.execute(_by_id(), {"ids": moved.values()})}
    return {
        reference: now[moved[known.conversation_id]] if known.conversation_id in moved else known
        for reference, known in found.items()
    }


@cache
def _by_reference() -> sa.Select[Any]:
    table = table_of(ConversationRow)
    return sa.select(*columns_of_known(), table.c.merged_into).where(among_bound(table.c.reference, "references"))


def chat_conversations(
    connection: Connection, *, contacts: Collection[UUID], channels: Collection[str], since: datetime
) -> list[KnownConversation]:
    """Return the conversations of these contacts on these channels with activity since `since`, in any order."""
    if not contacts:
        return []
    values = {"contacts": contacts, "channels": channels, "since": since}
    return [read_known(row) for row in connection.execute(_in_chats(), values)]


@cache
def _in_chats() -> sa.Select[Any]:
    table = table_of(ConversationRow)
    return sa.select(*columns_of_known()).where(
        among_bound(table.c.contact_id, "contacts"),
        among_bound(table.c.channel, "channels"),
        table.c.last_message_at >= sa.bindparam("since"),
        table.c.merged_into.is_(None),
    )


def recent_conversations(
    connection: Connection, *, contacts: Collection[UUID], since: datetime
) -> list[KnownConversation]:
    """Return these contacts' conversations with activity since `since`, oldest first, without those that are forged."""
    if not contacts:
        return []
    found = connection.execute(_recent(), {"contacts": contacts, "since": since})
    return [read_known(row) for row in reversed(found.all())]


@cache
def _recent() -> sa.Select[Any]:
    table = table_of(ConversationRow)
    statement = sa.select(*columns_of_known()).where(
        among_bound(table.c.contact_id, "contacts"),
        table.c.last_message_at >= sa.bindparam("since"),
        table.c.merged_into.is_(None),
    )
    message = table_of(MessageRow).alias().c
    forged = sa.select(message.id).where(
        message.conversation_id == table.c.id, message.sender_proof == ProofKind.FAILED
    )
    latest = statement.where(sa.not_(forged.exists()))
    return latest.order_by(table.c.last_message_at.desc(), table.c.id.desc()).limit(_MOST_RECENT)


def conversations_by_id(connection: Connection, ids: Collection[UUID]) -> dict[UUID, KnownConversation]:
    """Return conversations by their ids."""
    return {row.id: read_known(row) for row in connection.execute(_by_id(), {"ids": ids})} if ids else {}


@cache
def _by_id() -> sa.Select[Any]:
    return sa.select(*columns_of_known()).where(among_bound(table_of(ConversationRow).c.id, "ids"))


def columns_of_known() -> Sequence[sa.ColumnElement[Any]]:
    """Return the columns from which `read_known` makes a conversation."""
    columns = table_of(ConversationRow).c
    return [
        columns.id,
        columns.reference,
        columns.contact_id,
        columns.subject,
        columns.status,
        columns.last_message_at,
        columns.version,
        columns.emergency,
        columns.channel,
        columns.category,
        columns.labels,
        columns.opened_by_inbound,
        # Only our own side wrote in it, and that is not proven: one look at an index each.
        sa.and_(columns.status == Status.PENDING, sa.not_(_others(columns.id).exists())).label("only_notes"),
    ]


def _others(conversation_id: sa.ColumnElement[UUID]) -> sa.Select[Any]:
    columns = table_of(MessageRow).alias().c
    return sa.select(columns.id).where(columns.conversation_id == conversation_id, columns.direction != Direction.NOTE)


def read_known(row: sa.Row[Any], *, own: bool = False) -> KnownConversation:
    """Return the conversation of a row with `columns_of_known`. own: see `KnownConversation`."""
    return KnownConversation(
        conversation_id=row.id,
        reference=row.reference,
        contact_id=row.contact_id,
        subject=row.subject,
        status=Status(row.status),
        last_message_at=row.last_message_at,
        version=row.version,
        emergency=row.emergency,
        channel=row.channel,
        category=row.category,
        labels=tuple(row.labels or ()),
        opened_by=row.opened_by_inbound,
        only_notes=bool(row.only_notes),
        own=own,
    )
