"""The tables of the work itself: outbound, suppression, idempotency, event, delivery, audit, cursor, lease, agent."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, Column, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy import false as sa_false
from sqlmodel import Field, SQLModel

from store.tables.messages import Json


class OutboundState(StrEnum):
    """What became of a message that is to leave; `store.outbound.ledger` alone moves it.

    queued -> sending -> sent | failed | unknown; unknown -> sent | needs_person; what certainly was not taken is queued
    again, and so is mail of which nothing is known, under the same Message-ID.
    failed: the provider said no, for good.  unknown: it may have been taken.  needs_person: only a person can tell.
    cancelled: it is not to leave any more.
    """

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NEEDS_PERSON = "needs_person"
    CANCELLED = "cancelled"


# The `kind` of outbound rows that no agent wrote.
AUTO_REPLY: Final = "auto_reply"
# What later messages of a conversation wait for.
UNDERWAY: Final = "(state = 'sending' OR (state = 'queued' AND attempts > 0))"


def _outbound(name: str, *columns: str, where: str) -> Index:
    return Index(f"ix_outbound_{name}", *columns, postgresql_where=text(where), sqlite_where=text(where))


class OutboundRow(SQLModel, table=True):
    """One message that is to leave; committed before its first byte does.

    dedupe_key: what may exist once (an automatic reply per conversation, kind and day; an agent's idempotency key).
    rfc_message_id, dated_at: ours, fixed before the first attempt, so that every attempt carries the same ones.
    ancestors: Message-IDs of the thread, oldest first.  copies: further recipients.
    due_at: of a queued row, when it may leave; of an unknown one, when to look for it again.
    lease_token: names the last attempt, also after it; lease_until: when its process counts as dead.
    unknown_at, looks: since when, and how often the provider was asked in vain.  repeats: how often mail of which
    nothing was known went again.  delivery: what the provider told later (`router.delivery.Delivery`).
    """

    __tablename__ = "outbound"

    __table_args__ = (
        _outbound("due", "channel", "due_at", "id", where="state = 'queued'"),
        _outbound("sending", "lease_until", where="state = 'sending'"),
        _outbound("underway", "conversation_id", "id", where=UNDERWAY),
        _outbound("unknown", "due_at", where="state = 'unknown'"),
        _outbound("needs_person", "id", where="state = 'needs_person'"),
        _outbound("failed", "id", where="state = 'failed'"),
        _outbound("automatic_channel", "channel", "dated_at", where="kind = 'auto_reply'"),
        _outbound("automatic_customer", "recipient", "dated_at", where="kind = 'auto_reply'"),
        Index(
            "ix_outbound_provider",
            "channel",
            "provider_id",
            unique=True,
            postgresql_where=text("provider_id IS NOT NULL"),
            sqlite_where=text("provider_id IS NOT NULL"),
        ),
        Index("ix_outbound_rfc_message_id", "rfc_message_id"),
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
    author: str = Field(default="", sa_column_kwargs={"server_default": ""})
    copies: list[str] | None = Field(default=None, sa_type=Json)
    ancestors: list[str] | None = Field(default=None, sa_type=Json)
    template: str | None = None
    variables: dict[str, str] | None = Field(default=None, sa_type=Json)
    dated_at: datetime | None = None
    claimed_at: datetime | None = None
    unknown_at: datetime | None = None
    looks: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    repeats: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    provider_id: str | None = None
    sent_at: datetime | None = None
    delivery: str = Field(default="", sa_column_kwargs={"server_default": ""})
    delivery_at: datetime | None = None


class SuppressionRow(SQLModel, table=True):
    """The last word of one customer about one channel. said_at: when it was said.  why: the word, or the code."""

    __tablename__ = "suppression"

    channel: str = Field(primary_key=True)
    handle: str = Field(primary_key=True)
    stopped: bool
    said_at: datetime
    why: str = Field(default="", sa_type=Text)


class IdempotencyRow(SQLModel, table=True):
    """What was answered to a request that may come again. key: the client's.  request_hash: of what it asked."""

    __tablename__ = "idempotency"

    agent_id: UUID = Field(primary_key=True)
    key: str = Field(primary_key=True)
    request_hash: bytes = Field(sa_type=LargeBinary)
    status: int
    answer: str = Field(sa_type=Text)
    created_at: datetime


class EventRow(SQLModel, table=True):
    """One change, written in the transaction that made it. number: given later by the one publisher, without gaps.

    seq: the order of writing, which is each conversation's own order, because its row is locked by whoever changes it;
    from a sequence on PostgreSQL, empty on SQLite, where the row id says the same.
    """

    __tablename__ = "event"

    __table_args__ = (
        Index(
            "ix_event_unnumbered", "seq", postgresql_where=text("number IS NULL"), sqlite_where=text("number IS NULL")
        ),
    )

    id: UUID = Field(primary_key=True)
    number: int | None = Field(default=None, unique=True, sa_type=BigInteger)
    kind: str
    conversation_id: UUID | None = Field(default=None, index=True)
    payload: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    at: datetime
    # Without a default of ours: a bulk insert would write it over the database's.
    seq: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))


class DeliveryState(StrEnum):
    """queued -> (gone, delivered) | dead; dead -> queued by a replay."""

    QUEUED = "queued"
    DEAD = "dead"


def _delivery(name: str, *columns: str, state: DeliveryState) -> Index:
    where = text(f"state = '{state}'")
    return Index(f"ix_delivery_{name}", *columns, postgresql_where=where, sqlite_where=where)


class DeliveryRow(SQLModel, table=True):
    """One event for one target. tried_since: the first attempt, of this replay if it was replayed.

    error: the last attempt's, a sentence.  number: the event's.
    """

    __tablename__ = "delivery"

    __table_args__ = (
        UniqueConstraint("target", "number"),
        _delivery("queue", "target", "number", state=DeliveryState.QUEUED),
        _delivery("conversation", "target", "conversation_id", "number", state=DeliveryState.QUEUED),
        _delivery("dead", "id", state=DeliveryState.DEAD),
    )

    id: UUID = Field(primary_key=True)
    target: str
    number: int = Field(sa_type=BigInteger)
    conversation_id: UUID | None = None
    state: str = Field(default=DeliveryState.QUEUED, sa_type=String)
    attempts: int = 0
    created_at: datetime
    tried_since: datetime | None = None
    due_at: datetime
    error: str = Field(default="", sa_type=Text)


_UNSEALED: Final = text("number IS NULL")


class AuditRow(SQLModel, table=True):
    """One thing that somebody did. number, hash: given by the publisher.  object: the ids it was about.

    seq: the order of writing, as in `EventRow`.
    """

    __tablename__ = "audit"

    __table_args__ = (
        Index("ix_audit_unsealed", "seq", postgresql_where=_UNSEALED, sqlite_where=_UNSEALED),
        Index("ix_audit_actor", "actor", "number"),
        Index("ix_audit_object", "object", "number"),
    )

    id: UUID = Field(primary_key=True)
    number: int | None = Field(default=None, unique=True, sa_type=BigInteger)
    at: datetime
    actor: str
    actor_id: UUID | None = None
    action: str
    object: str = ""
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    hash: bytes | None = Field(default=None, sa_type=LargeBinary)
    seq: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))


class CursorRow(SQLModel, table=True):
    """How far a channel has been read, and how it fares. polled_at: the last good poll."""

    __tablename__ = "cursor"

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


class LeaseRow(SQLModel, table=True):
    """Who owns a piece of work that only one process may do; token changes with each owner (fencing)."""

    __tablename__ = "lease"

    name: str = Field(primary_key=True)
    token: UUID
    holder: str
    until: datetime


class AgentRow(SQLModel, table=True):
    """Somebody who may use the desk. token_hash: SHA-256, hex; the token itself is shown once and not kept.

    available: takes work that is handed out.  capacity: how much at once (`router.routing.assignment`).
    assigned_at: when work was last handed to them.
    scopes: verbs that the token is for; None for all that the role may.  expires_at: when the token ends by itself.
    previous_hash: the token before the last rotation, in force until previous_until.
    """

    __tablename__ = "agent"

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
    scopes: list[str] | None = Field(default=None, sa_type=Json)
    expires_at: datetime | None = None
    previous_hash: str | None = None
    previous_until: datetime | None = None
