"""The end of a chat, handing it over, and blocking its visitor."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from store.chat.line_log import add_notice
from store.chat.visitor_sessions import change_session, find_session
from store.conversations.read import where_now
from store.conversations.sla import change_status
from store.db.bulk import table_of
from store.db.engine import read_clock
from store.tables.chat import ChatSessionRow
from store.tables.messages import ConversationRow

BLOCKED_FOR: Final = timedelta(hours=24)
_MOST: Final = 200


def end_chat(connection: Connection, session_id: UUID, *, by: str, name: str = "") -> bool:
    """End a chat, unless it has ended; return whether it does now. by: agent, visitor, idle, hours or desk."""
    session = find_session(connection, session_id, lock=True)
    if session.is_ended or not session.last_seq:
        return False
    gone = {"ended_at": read_clock(connection), "ended_by": by, "waiting_since": None, "warned_at": None}
    add_notice(connection, session_id, key=f"ended_{by}", name=name, **gone)
    return True


def resume_chat(connection: Connection, session_id: UUID, *, waiting_since: datetime | None, name: str) -> bool:
    """Let a chat go on that an agent ended by mistake; return whether it does.

    waiting_since: as it was before.  name: of the agent.  A chat that the visitor began again goes on already.
    """
    session = find_session(connection, session_id, lock=True)
    if not session.is_ended or session.ended_by != "agent":
        return False
    goes_on = {"ended_at": None, "ended_by": "", "waiting_since": waiting_since}
    add_notice(connection, session_id, key="resumed", name=name, **goes_on)
    return True


def end_and_close(connection: Connection, session_id: UUID, *, by: str) -> bool:
    """End a chat as `end_chat` does, and resolve its case if nothing of it waits for an answer, or for a verdict.

    The case is locked first, then the chat, as answering and merging do: the opposite order would deadlock with them.
    """
    case = find_session(connection, session_id).conversation_id
    now = where_now(connection, [case]).get(case, case) if case else None
    table = table_of(ConversationRow)
    danger = sa.or_(table.c.emergency, table.c.possible_danger).label("danger")
    statement = sa.select(table.c.status, danger).where(table.c.id == now).with_for_update()
    known = connection.execute(statement).first() if now else None
    ended = end_chat(connection, session_id, by=by)
    # As of a case that falls silent: someone may be in danger, and an agent ends it.
    if ended and now and known and known.status == Status.PENDING and not known.danger:
        change_status(connection, conversation_id=now, status=Status.RESOLVED, at=read_clock(connection))
    return ended


def hand_over(connection: Connection, session_id: UUID, *, to: str) -> None:
    """Say to the visitor who has the chat now; their place in the queue is kept."""
    add_notice(connection, session_id, key="handed", name=to)


def block_visitor(connection: Connection, session_id: UUID, *, lasts: timedelta = BLOCKED_FOR) -> None:
    """Block a session, and all of its address, for some time; 0 lifts the block."""
    session, table = find_session(connection, session_id), table_of(ChatSessionRow)
    until = read_clock(connection) + lasts if lasts else None
    change_session(connection, session_id, blocked_until=until)
    if session.address:
        theirs = sa.select(table.c.id).where(table.c.channel == session.channel, table.c.address == session.address)
        recent = theirs.where(table.c.heard_at >= read_clock(connection) - BLOCKED_FOR).limit(_MOST)
        for other in connection.execute(recent).scalars().all():
            change_session(connection, other, blocked_until=until)


def is_address_blocked(connection: Connection, *, channel: str, address: str, now: datetime) -> bool:
    """Return whether an agent has blocked visitors of this address."""
    table = table_of(ChatSessionRow)
    statement = sa.select(table.c.id).where(
        table.c.channel == channel, table.c.address == address, table.c.blocked_until > now
    )
    return bool(address) and connection.execute(statement.limit(1)).first() is not None


def chats_of_resolved_cases(connection: Connection, *, limit: int) -> Sequence[tuple[UUID, str]]:
    """Return chats that are not ended though their case is resolved, with its agent's name; empty: no agent has it."""
    table, case = table_of(ChatSessionRow), table_of(ConversationRow)
    found = sa.select(table.c.id, sa.func.coalesce(case.c.assignee, "")).join(
        case, case.c.id == table.c.conversation_id
    )
    # A message that is not routed yet may reopen it.
    quiet = table.c.heard_at < read_clock(connection) - timedelta(seconds=30)
    ended = found.where(table.c.ended_at.is_(None), table.c.last_seq > 0, case.c.status == Status.RESOLVED, quiet)
    return [(row[0], row[1]) for row in connection.execute(ended.order_by(table.c.heard_at).limit(limit))]


def silent_chats(
    connection: Connection, channel: str, *, before: datetime, warned: bool, limit: int
) -> list[UUID]:  # fmt: skip
    """Return chats whose visitor did not write since `before` though we answered; warned: those that were warned."""
    table, case = table_of(ChatSessionRow), table_of(ConversationRow)
    answered = (table.c.channel == channel, table.c.ended_at.is_(None), table.c.answered_at.is_not(None))
    quiet = (table.c.heard_at < before, table.c.answered_at < before)
    state = table.c.warned_at.is_not(None) if warned else table.c.warned_at.is_(None)
    ours = sa.select(case.c.id).where(case.c.id == table.c.conversation_id, case.c.status == Status.PENDING).exists()
    statement = sa.select(table.c.id).where(*answered, *quiet, state, ours).order_by(table.c.heard_at).limit(limit)
    return list(connection.execute(statement).scalars())
