"""Which chats have lines that go out by mail, and which mails come back into a chat."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.chat.line_log import MOST, ChatLine, add_line, lines_after
from store.chat.visitor_sessions import ChatSession, find_session
from store.conversations.read import where_now
from store.db.bulk import among_bound, table_of
from store.db.engine import read_clock
from store.tables.chat import ChatLineRow, ChatSessionRow, LineKind
from store.tables.messages import ConversationRow

# A visitor gets no more than one mail in this time.
_APART: Final = timedelta(minutes=15)
_MOST_PAGES: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class MailedCase:
    """The conversation that a mail is about."""

    id: UUID
    reference: str
    contact_id: UUID


def case_for_mail(connection: Connection, conversation_id: UUID) -> MailedCase | None:
    """Return a conversation, or the one that it was merged into."""
    table, now = table_of(ConversationRow), where_now(connection, [conversation_id])
    statement = sa.select(table.c.id, table.c.reference, table.c.contact_id)
    row = (
        connection.execute(statement.where(table.c.id == now.get(conversation_id, conversation_id))).mappings().first()
    )
    return MailedCase(**row) if row else None


def unseen_sessions(connection: Connection, channel: str, *, before: datetime, limit: int) -> list[UUID]:
    """Return sessions with an answer from before `before` that the visitor's browser does not have."""
    table, line = table_of(ChatSessionRow), table_of(ChatLineRow)
    unseen = sa.select(line.c.seq).where(
        line.c.session_id == table.c.id,
        line.c.kind == LineKind.AGENT,
        line.c.at <= before,
        line.c.seq > table.c.seen_seq,
        line.c.seq > table.c.mailed_seq,
    )
    rested = sa.or_(table.c.mailed_at.is_(None), table.c.mailed_at <= read_clock(connection) - _APART)
    mine = (table.c.channel == channel, table.c.email != "", table.c.last_seq > table.c.seen_seq, rested)
    statement = sa.select(table.c.id).where(*mine, unseen.exists()).order_by(table.c.heard_at).limit(limit)
    return list(connection.execute(statement).scalars())


def lines_up_to(connection: Connection, session: ChatSession, *, after: int) -> list[ChatLine]:
    """Return the session's lines after a number, as many as fit into a mail."""
    found: list[ChatLine] = []
    for _ in range(_MOST_PAGES):
        page = lines_after(connection, session.id, found[-1].seq if found else after)
        found += page
        if len(page) < MOST:
            break
    return found


def note_mailed(connection: Connection, session: ChatSession, *, up_to: int) -> None:
    """Mark lines as sent by mail."""
    table, line, now = table_of(ChatSessionRow), table_of(ChatLineRow), read_clock(connection)
    theirs = (line.c.session_id == session.id, line.c.seq <= up_to, line.c.seq > session.seen_seq)
    connection.execute(sa.update(line).where(*theirs, line.c.kind == LineKind.AGENT).values(by_mail=True))
    statement = sa.update(table).where(table.c.id == session.id)
    connection.execute(statement.values(mailed_seq=up_to, mailed_at=now))


def note_mails(connection: Connection, rows: Collection[Mapping[str, Any]]) -> None:
    """Show messages that joined a chat's conversation from another channel as lines of the chat.

    rows: new incoming messages.
    """
    if not rows:
        return
    values = {"cases": {row["conversation_id"] for row in rows}}
    sessions = {row.conversation_id: row.id for row in connection.execute(_sessions_of(), values)}
    for row in rows:
        if session_id := sessions.get(row["conversation_id"]):
            session = find_session(connection, session_id, lock=True)
            line = {"text": row["text"], "inbound_id": row["inbound_id"], "by_mail": True}
            add_line(connection, session, kind=LineKind.VISITOR, values=line, also={})


@cache
def _sessions_of() -> sa.Select[Any]:
    columns = table_of(ChatSessionRow).c
    found = sa.select(columns.id, columns.conversation_id).where(among_bound(columns.conversation_id, "cases"))
    return found.order_by(columns.heard_at)
