"""Conversations that an agent opens: the first message is ours.

Every conversation names the accepted message that opened it; here that is an entry of the desk itself, which is
accepted and routed at once, so that the books balance.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from store.db.bulk import insert_rows, table_of
from store.db.encryption import sealer_of
from store.db.ids import new_id, new_reference
from store.db.sealed_rows import bare_envelope
from store.events.append import EventKind, NewEvent, append_events
from store.tables.messages import ConversationRow, InboundRow, InboundState, MessageRow, OriginalRow


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskCase:
    """What an agent says of a conversation that they open. subject: masked.  assignee: the agent; None for no one.

    original: the words, compressed like any original.  size: their length before.
    """

    channel: str
    contact_id: UUID
    subject: str
    team: str
    assignee: str | None
    language: str
    original: bytes
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedCase:
    """A conversation that was opened. inbound_id: of the entry that stands for its first message."""

    reference: str
    conversation_id: UUID
    inbound_id: UUID


def open_case(connection: Connection, case: DeskCase, *, by: str, now: datetime) -> OpenedCase:
    """Open the conversation, without a promise. by: the agent's name."""
    inbound_id, reference = new_id(), new_reference()
    insert_rows(connection, InboundRow, rows=[_entry(case, inbound_id, now=now)])
    original = {"inbound_id": inbound_id, "content": sealer_of(connection).seal(case.original)}
    insert_rows(connection, OriginalRow, rows=[original])
    row: dict[str, Any] = {"id": new_id(), "reference": reference, "contact_id": case.contact_id}
    row |= {"channel": case.channel, "subject": case.subject, "status": Status.OPEN, "emergency": False}
    row |= {"team": case.team, "assignee": case.assignee, "priority": "normal", "labels": []}
    row |= {"language": case.language, "route": "", "opened_at": now, "last_message_at": now, "version": 1}
    row |= {"opened_by_inbound": inbound_id}
    insert_rows(connection, ConversationRow, rows=[row])
    payload = {"inbound_id": str(inbound_id), "route": "", "by": by}
    append_events(connection, [NewEvent(EventKind.CONVERSATION_OPENED, row["id"], payload, at=now)])
    return OpenedCase(reference=reference, conversation_id=row["id"], inbound_id=inbound_id)


def link_first(connection: Connection, message_id: UUID, *, inbound_id: UUID) -> None:
    """Name the entry that stands for the first message, as every accepted entry has its one message."""
    table = table_of(MessageRow)
    connection.execute(sa.update(table).where(table.c.id == message_id).values(inbound_id=inbound_id))


def _entry(case: DeskCase, inbound_id: UUID, *, now: datetime) -> dict[str, Any]:
    key = f"desk:{inbound_id.hex}"
    return {
        "id": inbound_id,
        "channel": case.channel,
        "source_key": key,
        "content_hash": hashlib.sha256(key.encode()).digest(),
        "state": InboundState.ROUTED,
        "envelope": bare_envelope(channel=case.channel, source_key=key, received_at=now),
        "size": case.size,
        "weight": 0,
        "backfill": False,
        "conflict": False,
        "received_at": now,
        "accepted_at": now,
        "due_at": now,
        "attempts": 0,
        "reason": "",
    }
