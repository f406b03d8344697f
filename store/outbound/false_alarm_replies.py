"""The correction after a false alarm: it goes to the person who got the emergency reply, once for each alarm."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.reason import Reason, ReasonKey
from store.db.bulk import columns_of, insert_new, table_of
from store.events.append import EventKind, NewEvent, append_events
from store.tables.messages import ThreadKeyRow, digest
from store.tables.operations import AUTO_REPLY, OutboundRow, OutboundState

_WITHDRAWN: Final = Reason(ReasonKey.ALARM_WAS_NOT_FALSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidByMachine:
    """An automatic reply that left or is about to leave."""

    conversation_id: UUID
    channel: str
    recipient: str
    subject: str
    in_reply_to: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCorrection:
    """The correction to send. inbound_id: the message that raised the alarm.  due_at: not before then."""

    id: UUID
    inbound_id: UUID
    text: str
    rfc_message_id: str
    due_at: datetime


def find_said(connection: Connection, conversation_id: UUID, *, reply: str, since: datetime) -> SaidByMachine | None:
    """Return the reply that the machine gave since then under this name; None if the customer got none."""
    table = table_of(OutboundRow)
    never = (OutboundState.FAILED, OutboundState.CANCELLED)
    statement = sa.select(*columns_of(OutboundRow, SaidByMachine)).where(
        table.c.conversation_id == conversation_id,
        table.c.kind == AUTO_REPLY,
        table.c.dedupe_key.startswith(f"auto:{conversation_id}:{reply}:", autoescape=True),
        table.c.created_at >= since,
        table.c.state.not_in(never),
        # Of a customer who was erased since, nothing is known any more.
        table.c.recipient != "",
    )
    row = connection.execute(statement.order_by(table.c.created_at.desc()).limit(1)).mappings().first()
    return SaidByMachine(**row) if row else None


def queue_correction(
    connection: Connection, said: SaidByMachine, *, correction: NewCorrection, now: datetime
) -> UUID | None:
    """Queue the correction; return its id, None if one for this alarm has left before."""
    table = table_of(OutboundRow)
    key = _key(said.conversation_id, inbound_id=correction.inbound_id)
    row = {
        "id": correction.id,
        "dedupe_key": key,
        "conversation_id": said.conversation_id,
        # The limits and the breaker for automatic messages apply.
        "kind": AUTO_REPLY,
        "channel": said.channel,
        "recipient": said.recipient,
        "subject": said.subject,
        "text": correction.text,
        "rfc_message_id": correction.rfc_message_id,
        "in_reply_to": said.in_reply_to,
        "created_at": now,
        "due_at": correction.due_at,
        "attempts": 0,
    }
    if insert_new(connection, OutboundRow, rows=[row]):
        own = {"digest": digest(correction.rfc_message_id), "conversation_id": said.conversation_id, "own": True}
        insert_new(connection, ThreadKeyRow, rows=[own])
        return correction.id
    # Withdrawn before, because the release was taken back, and released again.
    withdrawn = (table.c.dedupe_key == key, table.c.state == OutboundState.CANCELLED, table.c.error == _WITHDRAWN.line)
    values = {"state": OutboundState.QUEUED, "error": "", "created_at": now, "due_at": correction.due_at}
    statement = sa.update(table).where(*withdrawn).values(**values).returning(table.c.id)
    return connection.execute(statement).scalar_one_or_none()


def withdraw_correction(connection: Connection, conversation_id: UUID, *, inbound_id: UUID, now: datetime) -> None:
    """Withdraw the correction of an alarm if it has not left yet."""
    table = table_of(OutboundRow)
    waiting = (
        table.c.dedupe_key == _key(conversation_id, inbound_id=inbound_id),
        table.c.state == OutboundState.QUEUED,
        table.c.attempts == 0,
    )
    values = {"state": OutboundState.CANCELLED, "error": _WITHDRAWN.line}
    withdrawn = connection.execute(sa.update(table).where(*waiting).values(**values).returning(table.c.id)).scalar()
    if withdrawn is not None:
        payload = {"outbound_id": str(withdrawn), "why": _WITHDRAWN.to_json()}
        append_events(connection, [NewEvent(EventKind.OUTBOUND_CANCELLED, conversation_id, payload, at=now)])


def _key(conversation_id: UUID, *, inbound_id: UUID) -> str:
    return f"correction:{conversation_id}:{inbound_id}"
