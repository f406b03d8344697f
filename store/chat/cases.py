"""Which conversation a chat is about, and the answers that reach it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.chat.line_log import add_line
from store.chat.visitor_sessions import ChatSession, change_session, find_session
from store.db.bulk import among, table_of
from store.db.engine import read_clock
from store.tables.chat import ChatLineRow, ChatSessionRow, LineKind
from store.tables.messages import ConversationRow


def note_cases(connection: Connection, cases: Mapping[UUID, UUID]) -> None:
    """Record in which conversations the lines of these inbound rows are; inbound row -> conversation."""
    if not cases:
        return
    line = table_of(ChatLineRow).c
    found = sa.select(line.session_id, line.inbound_id).where(among(line.inbound_id, cases)).order_by(line.seq)
    latest = {row.session_id: cases[row.inbound_id] for row in connection.execute(found)}
    session = table_of(ChatSessionRow).c
    known = sa.select(session.id, session.conversation_id).where(among(session.id, latest))
    for row in connection.execute(known.order_by(session.id)).all():
        # A line of a known case changes nothing that the visitor sees.
        if row.conversation_id != latest[row.id]:
            change_session(connection, row.id, conversation_id=latest[row.id])


def session_of(connection: Connection, conversation_id: UUID, *, lock: bool = False) -> ChatSession | None:
    """Return the latest session about a conversation, or about one that was merged into it; None if there is none."""
    table, case = table_of(ChatSessionRow), table_of(ConversationRow)
    merged = sa.select(case.c.id).where(case.c.merged_into == conversation_id)
    about = sa.or_(table.c.conversation_id == conversation_id, table.c.conversation_id.in_(merged))
    statement = sa.select(table.c.id).where(about).order_by(table.c.heard_at.desc()).limit(1)
    session_id = connection.execute(statement).scalar()
    return find_session(connection, session_id, lock=lock) if session_id else None


def add_answer(
    connection: Connection,
    conversation_id: UUID,
    *,
    outbound_id: UUID,
    author: str,
    text: str,
    automatic: bool,
    files: Sequence[Mapping[str, object]] = (),
) -> bool:
    """Append an answer of the desk to its chat, in the transaction that records it as sent.

    author: the agent.  text: masked.  automatic: no agent wrote it, so the visitor still waits.
    files: their names and sizes, as a line keeps them.
    Returns whether there is a chat for it.
    """
    session = session_of(connection, conversation_id, lock=True)
    if session is None:
        return False
    also: dict[str, Any] = {}
    if not automatic:
        also = {"waiting_since": None, "warned_at": None}
        also |= {"answered_at": read_clock(connection)} if session.answered_at is None else {}
        if author != _last_agent(connection, session.id):
            add_line(connection, session, kind=LineKind.NOTICE, values={"text": "joined", "author": author}, also={})
            session = find_session(connection, session.id)
    kind = LineKind.MACHINE if automatic else LineKind.AGENT
    values: dict[str, Any] = {"outbound_id": outbound_id, "author": "" if automatic else author, "text": text}
    values["files"] = list(files)
    add_line(connection, session, kind=kind, values=values, also=also)
    return True


def _last_agent(connection: Connection, session_id: UUID) -> str:
    """Return who answered last; a visitor who hears from another agent learns it."""
    line = table_of(ChatLineRow).c
    statement = sa.select(line.author).where(line.session_id == session_id, line.kind == LineKind.AGENT)
    return connection.execute(statement.order_by(line.seq.desc()).limit(1)).scalar() or ""


def note_agent_read(connection: Connection, conversation_id: UUID) -> None:
    """Record that an agent has read a chat up to its last line; the visitor sees it."""
    session = session_of(connection, conversation_id)
    if session and session.agent_seq < session.last_seq:
        change_session(connection, session.id, agent_seq=session.last_seq)


def sessions_about(connection: Connection, conversations: Collection[UUID]) -> set[UUID]:
    """Return the sessions of these conversations."""
    table = table_of(ChatSessionRow)
    if not conversations:
        return set()
    statement = sa.select(table.c.id).where(among(table.c.conversation_id, conversations))
    return set(connection.execute(statement).scalars())
