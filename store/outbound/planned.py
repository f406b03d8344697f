"""Planned replies: what has happened in their conversation since they were written, and what resolving does to them.

A planned reply leaves hours after its author has read the conversation. What its author could not know holds it, and
it answers nothing that came later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.reason import Reason, ReasonKey
from store.conversations.read import where_now
from store.db.bulk import among, table_of
from store.db.engine import read_clock
from store.db.ids import first_id_at
from store.db.plain_rows import PlainStatement, Question
from store.events.append import EventKind, NewEvent, append_events
from store.outbound.ledger import OutboundClaim
from store.outbound.replies import SAYS_NOTHING
from store.tables.messages import Direction, MessageRow
from store.tables.operations import REPLY, OutboundRow, OutboundState
from store.tables.outbound_state import LEFT


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingReply:
    """A reply that has not left, as a change of its conversation's status finds it. See `OutboundRow`.

    planned: for later, so that who resolves the conversation may cancel it.
    """

    id: UUID
    then_status: str | None
    approved_at: datetime | None
    planned: bool


def why_held(connection: Connection, row: OutboundClaim) -> Reason | None:
    """Return what is newer in the conversation than its planned reply; None if nothing is.

    Of our side a sent message counts; another planned one was there to be read.
    """
    if row.kind != REPLY or not row.is_planned:
        return None
    message, other = table_of(MessageRow), table_of(OutboundRow)
    moved_to = where_now(connection, [row.conversation_id]).get(row.conversation_id, row.conversation_id)
    # By the id too: a message that waited to be routed was not there to be read, however early it was received.
    newer = sa.or_(message.c.id > first_id_at(row.known_until), message.c.received_at > row.known_until)
    theirs = sa.and_(message.c.direction == Direction.INCOMING, message.c.origin.not_in(SAYS_NOTHING))
    left = sa.exists().where(other.c.id == message.c.outbound_id, other.c.id != row.id, among(other.c.state, LEFT))
    ours = sa.and_(message.c.direction == Direction.OUTGOING, left)
    statement = sa.select(message.c.direction).where(
        among(message.c.conversation_id, {row.conversation_id, moved_to}), newer, sa.or_(theirs, ours)
    )
    directions = set(connection.execute(statement.distinct()).scalars())
    if Direction.INCOMING in directions:
        return Reason(ReasonKey.CUSTOMER_WROTE_SINCE)
    return Reason(ReasonKey.COLLEAGUE_ANSWERED_SINCE) if directions else None


def lock_planned(connection: Connection, conversation_id: UUID) -> list[UUID]:
    """Lock a conversation's planned replies that have not left, and return their ids.

    Lock them before the conversation: sending locks them in this order.
    """
    found = _planned(conversation_id).order_by(table_of(OutboundRow).c.id)
    return list(connection.execute(found.with_for_update()).scalars())


def has_planned(connection: Connection, conversation_id: UUID) -> bool:
    """Return whether the conversation has planned replies that have not left."""
    statement, values = first_planned(conversation_id)
    return bool(statement.rows(connection, values))


def first_planned(conversation_id: UUID) -> Question:
    """Return the question of `has_planned`."""
    return _first_planned(), {"conversation": conversation_id}


@cache
def _first_planned() -> PlainStatement:
    return PlainStatement(_planned(sa.bindparam("conversation")).limit(1))


def _planned(conversation_id: UUID | sa.BindParameter[UUID]) -> sa.Select[Any]:
    columns = table_of(OutboundRow).c
    waits = (columns.kind == REPLY, columns.state == OutboundState.QUEUED, _is_for_later())
    return sa.select(columns.id).where(columns.conversation_id == conversation_id, *waits)


def _is_for_later() -> sa.ColumnElement[bool]:
    columns = table_of(OutboundRow).c
    # One that only waits to be taken back is sent: who resolves its conversation in these seconds knows it.
    return sa.and_(columns.dated_at > columns.created_at, columns.undo_until.is_(None))


def waiting_replies(connection: Connection, conversation_id: UUID) -> tuple[WaitingReply, ...]:
    """Return the conversation's replies that have not left: planned ones, and those that can still be taken back."""
    table = table_of(OutboundRow)
    theirs = (table.c.conversation_id == conversation_id, table.c.kind == REPLY, table.c.state == OutboundState.QUEUED)
    names = (table.c.id, table.c.then_status, table.c.approved_at)
    statement = sa.select(*names, _is_for_later().label("planned")).where(*theirs)
    rows = connection.execute(statement.order_by(table.c.id)).mappings()
    return tuple(WaitingReply(**row) for row in rows)


def restore_replies(
    connection: Connection,
    replies: Sequence[WaitingReply],
    *,
    conversation_id: UUID,
    dropped: bool,
    by: str,
    now: datetime,
) -> None:
    """Give replies back what `leave_status`, `approve` and `drop_planned` took from them, unless they have left.

    replies: of `waiting_replies`, before the change.  by: the agent who made the change, and undoes it.
    dropped: whether the change cancelled the planned ones; what the agent cancelled otherwise stays cancelled.
    Call it before the conversation is locked, as `leave_status`.
    """
    table = table_of(OutboundRow)
    for reply in replies:
        this = sa.update(table).where(table.c.id == reply.id)
        theirs = (table.c.state == OutboundState.CANCELLED, table.c.error == _cancelled_by(by))
        again = this.where(*theirs).values(state=OutboundState.QUEUED, error="").returning(table.c.channel)
        for row in connection.execute(again).all() if dropped and reply.planned else ():
            payload = {"outbound_id": str(reply.id), "channel": row.channel, "by": by}
            append_events(connection, [NewEvent(EventKind.OUTBOUND_SENT_AGAIN, conversation_id, payload, at=now)])
        kept = {"then_status": reply.then_status, "approved_at": reply.approved_at}
        connection.execute(this.where(table.c.state == OutboundState.QUEUED).values(**kept))


def leave_status(connection: Connection, conversation_id: UUID) -> None:
    """Let replies that can still be taken back leave the status that an agent has set since they were written."""
    table = table_of(OutboundRow)
    waits = (table.c.state == OutboundState.QUEUED, table.c.undo_until.is_not(None))
    statement = sa.update(table).where(table.c.conversation_id == conversation_id, *waits)
    connection.execute(statement.values(then_status=""))


def approve(connection: Connection, ids: Sequence[UUID], *, now: datetime) -> None:
    """Record that a person who knows the conversation as it is lets the planned replies leave."""
    table = table_of(OutboundRow)
    connection.execute(sa.update(table).where(among(table.c.id, ids)).values(approved_at=now))


def drop_planned(connection: Connection, ids: Sequence[UUID], *, conversation_id: UUID, by: str) -> None:
    """Cancel locked planned replies, because their conversation is resolved without them."""
    table, now = table_of(OutboundRow), read_clock(connection)
    cancelled = {"state": OutboundState.CANCELLED, "error": _cancelled_by(by)}
    statement = (
        sa.update(table).where(among(table.c.id, ids)).values(**cancelled).returning(table.c.id, table.c.channel)
    )
    for row in connection.execute(statement).all():
        payload = {"outbound_id": str(row.id), "channel": row.channel, "by": by}
        append_events(connection, [NewEvent(EventKind.OUTBOUND_CANCELLED, conversation_id, payload, at=now)])


def _cancelled_by(agent: str) -> str:
    return f"cancelled by {agent}"
