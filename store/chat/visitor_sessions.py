"""Visitors' sessions: begun, found by their secret, changed, ended.

The secret has 256 bits and is stored as a hash, as agents' tokens are; it is never part of a URL.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.errors import Conflict, NotFound
from router.text.customer_name import visitor_name
from store.db.bulk import among, columns_of, insert_rows, table_of
from store.db.engine import read_clock
from store.db.ids import new_id
from store.tables.chat import ChatSessionRow

_SECRET_BYTES: Final = 32
# A session is forgotten this long after its visitor's last message.
LASTS: Final = timedelta(days=30)
# The secret changes each day; requests that are under way may still bring the old one.
_ROTATES: Final = timedelta(days=1)
_OVERLAP: Final = timedelta(minutes=2)
# An open page is renewed more often than this; a page that is closed counts as gone after it.
HERE: Final = timedelta(seconds=40)
TYPES: Final = timedelta(seconds=6)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatSession:
    """One visitor's session; the fields are those of `ChatSessionRow`."""

    id: UUID
    channel: str
    party: str
    handle: str
    name: str
    email: str
    proved: bool
    email_proved: bool
    language: str
    origin: str
    address: str
    conversation_id: UUID | None
    last_seq: int
    seen_seq: int
    read_seq: int
    agent_seq: int
    mailed_seq: int
    opened_at: datetime
    heard_at: datetime
    rotated_at: datetime
    waiting_since: datetime | None
    answered_at: datetime | None
    here_until: datetime | None
    typing_until: datetime | None
    warned_at: datetime | None
    ended_at: datetime | None
    ended_by: str
    blocked_until: datetime | None
    version: int

    @property
    def called(self) -> str:
        """What agents call the visitor, in the visitor's own language where no name was given."""
        return self.name or visitor_name(self.id, language=self.language)

    @property
    def is_ended(self) -> bool:
        """Whether the chat is over; a further message begins it again."""
        return self.ended_at is not None

    def is_blocked(self, now: datetime) -> bool:
        """Whether an agent has blocked the visitor."""
        return self.blocked_until is not None and self.blocked_until > now

    def goes_on(self, now: datetime) -> bool:
        """Whether the chat has not ended, and the visitor is not blocked."""
        return not self.is_ended and not self.is_blocked(now)


class BlockedVisitor(Conflict):
    """An agent has blocked this visitor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChatSession:
    """A visitor who begins. proved: the operator's server signed who they are.  handle: empty for an anonymous one."""

    channel: str
    party: str
    handle: str = ""
    name: str = ""
    email: str = ""
    proved: bool = False
    email_proved: bool = False
    language: str = "en"
    origin: str = ""
    address: str = ""


def begin_session(connection: Connection, new: NewChatSession) -> tuple[ChatSession, str]:
    """Insert a session; return it and its secret, which cannot be shown again."""
    session_id, secret, now = new_id(), _new_secret(), read_clock(connection)
    row = {name: getattr(new, name) for name in new.__slots__}
    row |= {
        "id": session_id,
        "handle": new.handle or f"visitor-{session_id.hex[16:]}",
        "secret_hash": _hash(secret),
        "version": 1,
    }
    row |= dict.fromkeys(("rotated_at", "opened_at", "heard_at", "changed_at"), now)
    row |= dict.fromkeys(("last_seq", "seen_seq", "read_seq", "agent_seq", "mailed_seq"), 0) | {"ended_by": ""}
    insert_rows(connection, ChatSessionRow, rows=[row])
    return find_session(connection, session_id), secret


def find_session(connection: Connection, session_id: UUID, *, lock: bool = False) -> ChatSession:
    """Return a session. lock: until the transaction ends. Raises NotFound."""
    found = _select().where(table_of(ChatSessionRow).c.id == session_id)
    row = connection.execute(found.with_for_update() if lock else found).mappings().first()
    if row is None:
        raise NotFound("there is no such chat")
    return ChatSession(**row)


def find_by_secret(connection: Connection, secret: str, *, channel: str, now: datetime) -> ChatSession | None:
    """Return the session of a secret; None if it is not valid on this channel, or too old."""
    if not secret:
        return None
    table, hashed = table_of(ChatSessionRow), _hash(secret)
    previous = sa.and_(table.c.previous_hash == hashed, table.c.previous_until > now)
    found = _select().where(sa.or_(table.c.secret_hash == hashed, previous), table.c.channel == channel)
    row = connection.execute(found).mappings().first()
    return ChatSession(**row) if row and now - row["heard_at"] <= LASTS else None


def is_secret_old(session: ChatSession, *, now: datetime) -> bool:
    """Return whether the session's secret is due for its daily change."""
    return now - session.rotated_at >= _ROTATES


def rotate_secret(connection: Connection, session: ChatSession, *, keeps_old: bool) -> str | None:
    """Give a session a new secret and return it; None if another request just did.

    keeps_old: for the daily change, the old one stays valid for two minutes; else it ends now.
    """
    table, secret, now = table_of(ChatSessionRow), _new_secret(), read_clock(connection)
    old = {"previous_hash": table.c.secret_hash, "previous_until": now + _OVERLAP}
    none = {"previous_hash": None, "previous_until": None}
    statement = sa.update(table).where(table.c.id == session.id, table.c.rotated_at == session.rotated_at)
    values = {"secret_hash": _hash(secret), "rotated_at": now, **(old if keeps_old else none)}
    return secret if connection.execute(statement.values(**values)).rowcount else None


def identify(connection: Connection, session_id: UUID, *, party: str, handle: str, name: str, email: str) -> None:
    """Record whom the operator's server signed. email: as signed; empty keeps the typed one, which proves nothing."""
    values: dict[str, object] = {"party": party, "handle": handle, "name": name, "proved": True}
    values |= {"email": email, "email_proved": True} if email else {"email_proved": False}
    change_session(connection, session_id, **values)


def forget_secret(connection: Connection, session_id: UUID) -> None:
    """End a session's secret, so that no browser has it any more."""
    change_session(connection, session_id, secret_hash=_hash(_new_secret()), previous_hash=None, previous_until=None)


def change_session(connection: Connection, session_id: UUID, **values: object) -> None:
    """Change a session in a way that open pages must show."""
    table = table_of(ChatSessionRow)
    shown = {"version": table.c.version + 1, "changed_at": read_clock(connection)}
    connection.execute(sa.update(table).where(table.c.id == session_id).values(**values, **shown))


def note_marks(
    connection: Connection, session: ChatSession, *, seen: int, read: int, now: datetime
) -> bool:  # fmt: skip
    """Record up to where the visitor's browser has the lines and showed them; return whether that was new."""
    seen, read = min(seen, session.last_seq), min(read, session.last_seq)
    if seen <= session.seen_seq and read <= session.read_seq:
        return False
    table = table_of(ChatSessionRow)
    later = {
        "seen_seq": sa.case((table.c.seen_seq < seen, seen), else_=table.c.seen_seq),
        "read_seq": sa.case((table.c.read_seq < read, read), else_=table.c.read_seq),
        "here_until": now + HERE,
    }
    connection.execute(sa.update(table).where(table.c.id == session.id).values(**later))
    return True


def note_presence(connection: Connection, session_id: UUID, *, now: datetime, typing: bool = False) -> None:
    """Record that the visitor's page is open, and whether they type: only agents see it."""
    table = table_of(ChatSessionRow)
    values = {"here_until": now + HERE, **({"typing_until": now + TYPES} if typing else {})}
    connection.execute(sa.update(table).where(table.c.id == session_id).values(**values))


def note_here(connection: Connection, ids: Collection[UUID], *, now: datetime) -> None:
    """Record that these visitors' pages are open, with one statement."""
    table = table_of(ChatSessionRow)
    if ids:
        connection.execute(sa.update(table).where(among(table.c.id, ids)).values(here_until=now + HERE))


def unused_sessions(connection: Connection, *, older: timedelta, limit: int) -> list[UUID]:
    """Return sessions in which nothing was written for so long."""
    table = table_of(ChatSessionRow)
    unused = (table.c.last_seq == 0, table.c.changed_at < read_clock(connection) - older)
    return list(connection.execute(sa.select(table.c.id).where(*unused).limit(limit)).scalars())


def drop_sessions(connection: Connection, ids: Collection[UUID]) -> None:
    """Delete sessions, as long as nothing is written in them."""
    table = table_of(ChatSessionRow)
    connection.execute(sa.delete(table).where(among(table.c.id, ids), table.c.last_seq == 0))


def _select() -> sa.Select[Any]:
    return sa.select(*columns_of(ChatSessionRow, ChatSession))


def _new_secret() -> str:
    return secrets.token_urlsafe(_SECRET_BYTES)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
