"""Automatic replies that leave in the response to their message: found by it, and settled before they leave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.db.bulk import table_of
from store.tables.messages import InboundRow, InboundState, MessageRow
from store.tables.operations import AUTO_REPLY, OutboundRow, OutboundState

# The provider's id of a reply that left in the response to a message: no quota of the provider counts it.
PASSIVE: Final = "passive:"


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingReply:
    """What the desk has for a message so far.

    is_decided: it is routed.  waiting: the reply that may leave.  said: the text of the one that left this way.
    """

    is_decided: bool
    waiting: UUID | None = None
    said: str = ""


def passive_id(inbound_id: UUID) -> str:
    """Return the provider's id of a reply that left in the response to this message."""
    return f"{PASSIVE}{inbound_id}"


def standing_reply(connection: Connection, inbound_id: UUID) -> StandingReply:
    """Return the automatic reply to a message."""
    inbound, message, reply = table_of(InboundRow), table_of(MessageRow), table_of(OutboundRow)
    state = connection.execute(sa.select(inbound.c.state).where(inbound.c.id == inbound_id)).scalar_one_or_none()
    answers = sa.and_(
        reply.c.conversation_id == message.c.conversation_id, reply.c.in_reply_to == message.c.rfc_message_id
    )
    statement = (
        sa.select(reply.c.id, reply.c.state, reply.c.attempts, reply.c.text, reply.c.provider_id)
        .select_from(sa.join(message, reply, answers))
        .where(message.c.inbound_id == inbound_id, reply.c.kind == AUTO_REPLY)
    )
    rows = connection.execute(statement.order_by(reply.c.id)).all()
    waiting = next((row.id for row in rows if row.state == OutboundState.QUEUED and not row.attempts), None)
    said = next((row.text for row in rows if row.provider_id == passive_id(inbound_id)), "")
    return StandingReply(is_decided=state not in {None, InboundState.RECEIVED}, waiting=waiting, said=said)
