"""What a page of messages became, written at once: conversations, messages, files, thread keys, replies, events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.bulk import insert_rows, table_of
from store.database import Database, insert_ignore
from store.events import EventRow, append_events
from store.history import digest
from store.ledgers import Outbound
from store.models import Attachment, Conversation, Message, Status, ThreadKey


@dataclass(frozen=True, slots=True)
class Touch:
    """A conversation that goes on with a message from the customer; a resolved one opens again."""

    conversation_id: UUID
    received_at: datetime
    next_reply_due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """What a conversation becomes when danger is said in it later."""

    team: str
    priority: str
    route: str
    sla: str | None
    first_reply_due_at: datetime | None
    resolve_due_at: datetime | None


@dataclass(slots=True)
class Outcome:
    """Rows to write, collected while a page is decided; keys are the columns of the tables they are for."""

    conversations: list[Mapping[str, Any]] = field(default_factory=list)
    messages: list[Mapping[str, Any]] = field(default_factory=list)
    attachments: list[Mapping[str, Any]] = field(default_factory=list)
    thread_keys: list[tuple[str, UUID]] = field(default_factory=list)
    touches: list[Touch] = field(default_factory=list)
    escalations: dict[UUID, Escalation] = field(default_factory=dict)
    replies: list[Mapping[str, Any]] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)


def write_outcome(connection: Connection, database: Database, *, outcome: Outcome) -> None:
    """Write all of it, inside the caller's transaction."""
    insert_rows(connection, Conversation, rows=outcome.conversations)
    insert_rows(connection, Message, rows=outcome.messages)
    insert_rows(connection, Attachment, rows=outcome.attachments)
    _insert_thread_keys(connection, database, keys=outcome.thread_keys)
    _touch(connection, outcome.touches)
    _escalate(connection, outcome.escalations)
    if outcome.replies:
        connection.execute(insert_ignore(database, Outbound), outcome.replies)
    append_events(connection, outcome.events)


def _insert_thread_keys(connection: Connection, database: Database, *, keys: Sequence[tuple[str, UUID]]) -> None:
    unique = {(digest(message_id), conversation_id) for message_id, conversation_id in keys}
    # One order for every worker, so that two of them cannot wait for each other's keys.
    rows = [{"digest": key, "conversation_id": conversation_id} for key, conversation_id in sorted(unique)]
    if rows:
        connection.execute(insert_ignore(database, ThreadKey), rows)


def _touch(connection: Connection, touches: Sequence[Touch]) -> None:
    table = table_of(Conversation)
    received_at: sa.BindParameter[datetime] = sa.bindparam("b_received_at")
    due_at: sa.BindParameter[datetime] = sa.bindparam("b_due_at")
    rows = [
        {"b_id": touch.conversation_id, "b_received_at": touch.received_at, "b_due_at": touch.next_reply_due_at}
        for touch in sorted(touches, key=lambda touch: touch.conversation_id)
    ]
    statement = (
        sa.update(table)
        .where(table.c.id == sa.bindparam("b_id"))
        .values(
            last_message_at=sa.case(
                (table.c.last_message_at > received_at, table.c.last_message_at), else_=received_at
            ),
            status=Status.OPEN,
            # The oldest unanswered promise counts: a second message does not move it.
            next_reply_due_at=sa.func.coalesce(table.c.next_reply_due_at, due_at),
            version=table.c.version + 1,
        )
    )
    if rows:
        connection.execute(statement, rows)


def _escalate(connection: Connection, escalations: Mapping[UUID, Escalation]) -> None:
    table = table_of(Conversation)
    for conversation_id, escalation in sorted(escalations.items()):
        calm = sa.update(table).where(table.c.id == conversation_id, table.c.emergency.is_(False))
        connection.execute(calm.values(emergency=True, **asdict(escalation)))
