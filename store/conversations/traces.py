"""Find the trace of a decision by any id or reference of its message."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from router.errors import NotFound
from router.routing.trace import Trace, read_trace
from router.text.case_tokens import typed_reference
from store.db.bulk import table_of
from store.db.encryption import Sealer, sealer_of
from store.db.sealed_rows import try_to_open
from store.tables.messages import ConversationRow, IdentityRow, InboundRow, MessageRow

# A conversation with more messages than this is read in the desk, not in a terminal.
_MOST: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """One accepted message and its outcome.

    envelope: JSON, unmasked: mask it before showing.  reason: of quarantine.  message_id, reference, trace: None unless
    the message was routed.  shut: why the envelope, which is empty then, cannot be opened.
    """

    inbound_id: UUID
    channel: str
    state: str
    reason: str
    duplicate_of: UUID | None
    received_at: datetime
    envelope: str
    message_id: UUID | None
    reference: str | None
    trace: Trace | None
    shut: str = ""
    sender_handle: str | None = None


def find_traced(connection: Connection, key: str) -> list[Traced]:
    """Return the messages that `key` names, oldest first.

    key: the id of a message, of an inbound row or of a conversation, or a conversation's reference.
    Raises NotFound when it names none.
    """
    inbound, message, conversation = table_of(InboundRow), table_of(MessageRow), table_of(ConversationRow)
    joined = inbound.outerjoin(message, message.c.inbound_id == inbound.c.id)
    joined = joined.outerjoin(conversation, conversation.c.id == message.c.conversation_id)
    statement = (
        sa.select(
            inbound.c.id.label("inbound_id"),
            *(inbound.c[name] for name in ("channel", "state", "reason", "duplicate_of", "received_at", "envelope")),
            message.c.id.label("message_id"),
            conversation.c.reference,
            message.c.trace,
            message.c.sender_handle,
        )
        .select_from(joined)
        .where(inbound.c.id.in_(_meant(key)))
        .order_by(inbound.c.received_at, inbound.c.id)
        .limit(_MOST)
    )
    sealer = sealer_of(connection)
    rows = [_traced(row, sealer=sealer) for row in connection.execute(statement).mappings()]
    if not rows:
        raise NotFound(f"no message is known as {key}: expected the id of a message or a conversation, or a reference")
    return rows


def _traced(row: RowMapping, *, sealer: Sealer) -> Traced:
    trace = None if row["trace"] is None else read_trace(row["trace"])
    envelope, shut = try_to_open(sealer, row["envelope"])
    return Traced(**{**row, "envelope": envelope or "", "trace": trace, "shut": shut})


def find_contact(connection: Connection, *, kind: str, handle: str) -> UUID | None:
    """Return the contact with a handle, None if there is no message from it."""
    columns = table_of(IdentityRow).c
    statement = sa.select(columns.contact_id).where(columns.kind == kind, columns.handle == handle)
    return connection.execute(statement).scalar_one_or_none()


def _meant(key: str) -> sa.Select[tuple[UUID]]:
    """Return the inbound rows that `key` names; each kind of key uses its own index."""
    inbound, message, conversation = table_of(InboundRow), table_of(MessageRow), table_of(ConversationRow)
    try:
        known = UUID(key)
    except ValueError:
        within = sa.select(conversation.c.id).where(conversation.c.reference == typed_reference(key))
        return sa.select(message.c.inbound_id).where(message.c.conversation_id.in_(within))
    ways = (
        sa.select(inbound.c.id).where(inbound.c.id == known),
        sa.select(message.c.inbound_id).where(message.c.id == known),
        sa.select(message.c.inbound_id).where(message.c.conversation_id == known),
    )
    return sa.select(sa.union_all(*ways).subquery().c[0])
