"""The lines of a chat: numbered without gaps under the session's lock, so that numbers follow the commits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.chat.visitor_sessions import ChatSession, change_session, find_session
from store.db.bulk import columns_of, insert_rows, table_of
from store.db.engine import read_clock
from store.tables.chat import ChatLineRow, LineKind

# A page of lines; a client asks again when it is full.
MOST: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatLine:
    """One line; the fields are those of `ChatLineRow`."""

    session_id: UUID
    seq: int
    kind: str
    client_id: str | None = None
    author: str = ""
    text: str = ""
    files: Sequence[Mapping[str, Any]] = ()
    masked: bool = False
    by_mail: bool = False
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitorLine:
    """What a visitor's page sends. client_id: made before the first attempt."""

    client_id: str
    text: str
    files: Sequence[tuple[str, bytes]] = ()


def find_sent(connection: Connection, session_id: UUID, client_id: str) -> ChatLine | None:
    """Return the line of a client's id, if it was sent before."""
    table = table_of(ChatLineRow)
    found = _select().where(table.c.session_id == session_id, table.c.client_id == client_id)
    row = connection.execute(found).mappings().first()
    return ChatLine(**row) if row else None


def find_line(connection: Connection, session_id: UUID, seq: int) -> ChatLine | None:
    """Return one line of a session."""
    found = lines_after(connection, session_id, seq - 1, limit=1)
    return found[0] if found and found[0].seq == seq else None


def lines_after(connection: Connection, session_id: UUID, after: int, *, limit: int = MOST) -> list[ChatLine]:
    """Return a session's lines with greater numbers, in order."""
    table = table_of(ChatLineRow)
    found = _select().where(table.c.session_id == session_id, table.c.seq > after).order_by(table.c.seq).limit(limit)
    return [ChatLine(**row) for row in connection.execute(found).mappings()]


def last_lines(connection: Connection, session_id: UUID, *, limit: int = MOST) -> list[ChatLine]:
    """Return a session's newest lines, in order."""
    table = table_of(ChatLineRow)
    found = _select().where(table.c.session_id == session_id).order_by(table.c.seq.desc()).limit(limit)
    return [ChatLine(**row) for row in reversed(connection.execute(found).mappings().all())]


def add_line(
    connection: Connection, session: ChatSession, *, kind: LineKind, values: Mapping[str, Any], also: Mapping[str, Any]
) -> ChatLine:
    """Append a line to a locked session. values: columns of the line.  also: columns of the session to change."""
    seq, now = session.last_seq + 1, read_clock(connection)
    row: dict[str, Any] = {
        "session_id": session.id,
        "seq": seq,
        "kind": kind.value,
        "at": now,
        "author": "",
        "text": "",
        "files": [],
        "client_id": None,
        "inbound_id": None,
        "outbound_id": None,
        "masked": False,
        "by_mail": False,
        **values,
    }
    insert_rows(connection, ChatLineRow, rows=[row])
    change_session(connection, session.id, last_seq=seq, **also)
    known = columns_of(ChatLineRow, ChatLine)
    return ChatLine(**{column.name: row[column.name] for column in known})


def add_notice(connection: Connection, session_id: UUID, *, key: str, name: str = "", **also: object) -> None:
    """Append a notice: a key of the chat's words, with a name. also: columns of the session to change."""
    session = find_session(connection, session_id, lock=True)
    add_line(connection, session, kind=LineKind.NOTICE, values={"text": key, "author": name}, also=also)


def add_visitor_line(
    connection: Connection, session: ChatSession, *, client_id: str, inbound_id: UUID, values: Mapping[str, Any]
) -> ChatLine:
    """Append a visitor's line to a locked session: the visitor waits for an answer from now on."""
    now = read_clock(connection)
    also: dict[str, Any] = {"heard_at": now, "typing_until": None, "warned_at": None}
    if session.waiting_since is None and (session.answered_at is None or session.is_ended):
        also |= {"waiting_since": now, "asked_at": now, "answered_at": None}
    if session.is_ended:
        also |= {"ended_at": None, "ended_by": ""}
    line = {"client_id": client_id, "inbound_id": inbound_id, **values}
    return add_line(connection, session, kind=LineKind.VISITOR, values=line, also=also)


def _select() -> sa.Select[Any]:
    return sa.select(*columns_of(ChatLineRow, ChatLine))
