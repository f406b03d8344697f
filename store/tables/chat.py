"""The tables of the online chat: a visitor's session, and its lines in one order."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Text, UniqueConstraint, text
from sqlalchemy import false as sa_false
from sqlmodel import Field

from store.tables.messages import Json
from store.tables.row import TableRow


class LineKind(StrEnum):
    """Who wrote a line. machine: an automatic reply.  notice: `text` is a key of words, `author` its name."""

    VISITOR = "visitor"
    AGENT = "agent"
    MACHINE = "machine"
    NOTICE = "notice"


class ChatSessionRow(TableRow, table=True):
    """A visitor of the chat, as one browser knows them.

    secret_hash: SHA-256 of the secret, hex; the secret itself is shown once.  previous_hash: the secret before the
        last daily change, valid until previous_until.
    party, handle: who writes (`router.envelope.PartyKind`).  proved: the operator's server signed it.
    email_proved: it signed the mail, too.
    conversation_id: of the last line that was routed.  last_seq: the number of its lines.
    seen_seq, read_seq: up to where the visitor's browser has the lines, and showed them.
    agent_seq: up to where an agent has read.  mailed_seq: up to where lines went out by mail.
    waiting_since: since when no agent answered; None while none is asked for.  answered_at: the first answer.
    here_until, typing_until: when the visitor counts as gone, and as not typing.
    version, changed_at: count and date what an open page must show.
    """

    __tablename__ = "chat_session"

    __table_args__ = (
        Index("ix_chat_session_changed", "changed_at"),
        Index("ix_chat_session_case", "conversation_id"),
        Index("ix_chat_session_handle", "channel", "handle"),
        Index(
            "ix_chat_session_live",
            "conversation_id",
            postgresql_where=text("ended_at IS NULL"),
            sqlite_where=text("ended_at IS NULL"),
        ),
        Index(
            "ix_chat_session_answered",
            *("channel", "answered_at"),
            postgresql_where=text("answered_at IS NOT NULL"),
            sqlite_where=text("answered_at IS NOT NULL"),
        ),
        Index(
            "ix_chat_session_waiting",
            *("channel", "waiting_since", "id"),
            postgresql_where=text("waiting_since IS NOT NULL"),
            sqlite_where=text("waiting_since IS NOT NULL"),
        ),
    )

    id: UUID = Field(primary_key=True)
    channel: str
    secret_hash: str = Field(unique=True)
    previous_hash: str | None = Field(default=None, unique=True)
    previous_until: datetime | None = None
    rotated_at: datetime
    party: str
    handle: str
    name: str = ""
    email: str = ""
    proved: bool = Field(default=False, sa_column_kwargs={"server_default": sa_false()})
    email_proved: bool = Field(default=False, sa_column_kwargs={"server_default": sa_false()})
    language: str = "en"
    origin: str = ""
    address: str = ""
    conversation_id: UUID | None = None
    last_seq: int = 0
    seen_seq: int = 0
    read_seq: int = 0
    agent_seq: int = 0
    mailed_seq: int = 0
    mailed_at: datetime | None = None
    opened_at: datetime
    heard_at: datetime
    waiting_since: datetime | None = None
    asked_at: datetime | None = None
    answered_at: datetime | None = None
    here_until: datetime | None = None
    typing_until: datetime | None = None
    warned_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str = ""
    blocked_until: datetime | None = None
    version: int = 1
    changed_at: datetime


class ChatLineRow(TableRow, table=True):
    """One line that the visitor may see, masked; the numbers of a session have no gaps and follow the commits.

    client_id: of the visitor's page, so that a repeated send is one line.  author: of an agent's line.
    files: their names and sizes; of an agent's, `file` is the id of `AnswerFileRow`, and `picture` whether it is shown.
    masked: something was hidden in it.  by_mail: it went out by mail as well, or came in by mail.
    """

    __tablename__ = "chat_line"

    __table_args__ = (
        UniqueConstraint("session_id", "client_id"),
        Index("ix_chat_line_inbound", "inbound_id"),
        Index("ix_chat_line_outbound", "outbound_id", unique=True),
    )

    session_id: UUID = Field(primary_key=True, foreign_key="chat_session.id")
    seq: int = Field(primary_key=True)
    kind: str
    client_id: str | None = None
    inbound_id: UUID | None = None
    outbound_id: UUID | None = None
    author: str = ""
    text: str = Field(default="", sa_type=Text)
    files: list[dict[str, Any]] = Field(default_factory=list, sa_type=Json)
    masked: bool = False
    by_mail: bool = Field(default=False, sa_column_kwargs={"server_default": sa_false()})
    at: datetime
