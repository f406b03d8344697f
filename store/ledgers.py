"""The tables of the work itself: outbound, event, cursor, lease, agent."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, String, Text, text
from sqlalchemy import false as sa_false
from sqlmodel import Field, SQLModel

from store.models import Json


class OutboundState(StrEnum):
    """queued -> sending -> sent | failed | unknown; held: kept as a row until a sender for its channel exists."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Outbound(SQLModel, table=True):
    """One message that is to leave; committed before its first byte does.

    dedupe_key: what may exist once (an automatic reply per conversation, kind and day; an agent's idempotency key).
    rfc_message_id: ours, fixed here, so that every attempt carries the same one.
    """

    __table_args__ = (
        Index(
            "ix_outbound_due",
            "due_at",
            postgresql_where=text("state = 'queued'"),
            sqlite_where=text("state = 'queued'"),
        ),
    )

    id: UUID = Field(primary_key=True)
    dedupe_key: str = Field(unique=True)
    conversation_id: UUID = Field(foreign_key="conversation.id", index=True)
    kind: str
    channel: str
    recipient: str
    subject: str = Field(default="", sa_type=Text)
    text: str = Field(sa_type=Text)
    rfc_message_id: str
    in_reply_to: str | None = None
    state: str = Field(default=OutboundState.QUEUED, sa_type=String)
    created_at: datetime
    due_at: datetime
    attempts: int = 0
    lease_token: UUID | None = None
    lease_until: datetime | None = None
    error: str = Field(default="", sa_type=Text)


class Event(SQLModel, table=True):
    """One change, written in the transaction that made it. number: given later by the one publisher, without gaps."""

    __table_args__ = (
        Index(
            "ix_event_unnumbered", "id", postgresql_where=text("number IS NULL"), sqlite_where=text("number IS NULL")
        ),
    )

    id: UUID = Field(primary_key=True)
    number: int | None = Field(default=None, unique=True, sa_type=BigInteger)
    kind: str
    conversation_id: UUID | None = Field(default=None, index=True)
    payload: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    at: datetime


class Cursor(SQLModel, table=True):
    """How far a channel has been read, and how it fares. polled_at: the last good poll."""

    channel: str = Field(primary_key=True)
    epoch: str = ""
    position: str = ""
    moved_at: datetime | None = None
    polled_at: datetime | None = None
    waiting: int | None = None
    held: int | None = None
    error: str = Field(default="", sa_type=Text)
    error_at: datetime | None = None
    notice: str = Field(default="", sa_type=Text)


class Lease(SQLModel, table=True):
    """Who owns a piece of work that only one process may do; token changes with each owner (fencing)."""

    name: str = Field(primary_key=True)
    token: UUID
    holder: str
    until: datetime


class Agent(SQLModel, table=True):
    """Somebody who may use the desk. token_hash: SHA-256, hex; the token itself is shown once and not kept.

    available: takes work that is handed out.  capacity: how much at once (`router.assignment`).
    assigned_at: when work was last handed to them.
    """

    id: UUID = Field(primary_key=True)
    name: str = Field(unique=True)
    role: str = "agent"
    token_hash: str = Field(unique=True)
    created_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    available: bool = Field(default=False, sa_column_kwargs={"server_default": sa_false()})
    capacity: int = Field(default=20, sa_column_kwargs={"server_default": "20"})
    assigned_at: datetime | None = None
