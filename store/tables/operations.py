"""The tables of the processing: outbound, suppression, idempotency, event, delivery, audit, cursor, lease."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, Column, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy import false as sa_false
from sqlmodel import Field

from store.tables.messages import Json
from store.tables.outbound_state import OutboundState as OutboundState  # noqa: PLC0414  (it belongs to these tables)
from store.tables.row import TableRow

# The `kind` of automatic outbound rows.
AUTO_REPLY: Final = "auto_reply"
# What an agent wrote.
REPLY: Final = "reply"
# The `kind` of one-time codes for the customers' pages: sent like the others, but no part of a conversation.
ONE_TIME_CODE: Final = "code"
# To an agent who is away; no customer gets it.
AGENT_MAIL: Final = "agent_mail"
# Later messages of a conversation wait for such rows.
UNDERWAY: Final = "(state = 'sending' OR (state = 'queued' AND attempts > 0))"


def _outbound(name: str, *columns: str, where: str) -> Index:
    return Index(f"ix_outbound_{name}", *columns, postgresql_where=text(where), sqlite_where=text(where))


class OutboundRow(TableRow, table=True):
    """One outgoing message; committed before its first byte is sent.

    dedupe_key: unique (an automatic reply per conversation, kind and day; an agent's idempotency key).
    rfc_message_id, dated_at: ours, fixed before the first attempt, the same in every attempt.
    ancestors: Message-IDs of the thread, oldest first.  copies: further recipients.
    due_at: of a queued row, when it may be sent; of an unknown one, when to look for it again.
    lease_token: of the last attempt, also after it; lease_until: when its process counts as dead.
    unknown_at, looks: since when, and how often the provider was asked without finding it.  repeats: how often mail
    with an unknown outcome was sent again.  delivery: the provider's report (`router.delivery.DeliveryStatus`).
    approved_at: when a person decided again that it may leave; None as long as `created_at` says it.
    blind_copies: recipients whom the others do not see.  sender_name: next to our address; empty for the desk's.
    below: what follows the text: the signature, the quoted message.
    rich: the text has markup (`router.replies.markup`).
    undo_until: until when its author may take it back; None for one that was sent or planned at once.
    then_status: what its conversation becomes when it is sent; empty leaves it, None means pending.
    version_before, version_after: the conversation's, when a planned reply was counted as the answer.
    masked: `text` had secrets, which were replaced when it was sent: it must not be sent again.
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
    approved_at: datetime | None = None
    blind_copies: list[str] | None = Field(default=None, sa_type=Json)
    sender_name: str = Field(default="", sa_column_kwargs={"server_default": ""})
    below: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": ""})
    rich: bool = Field(default=False, sa_column_kwargs={"server_default": sa_false()})
    undo_until: datetime | None = None
    then_status: str | None = None
    version_before: int | None = None
    version_after: int | None = None
    masked: bool = Field(default=False, sa_column_kwargs={"server_default": sa_false()})


class SuppressionRow(TableRow, table=True):
    """The last STOP or START of one customer on one channel. said_at: when it was sent.  why: the word, or the code."""

    __tablename__ = "suppression"

    channel: str = Field(primary_key=True)
    handle: str = Field(primary_key=True)
    stopped: bool
    said_at: datetime
    why: str = Field(default="", sa_type=Text)


class IdempotencyRow(TableRow, table=True):
    """A stored answer for a repeated request. key: the client's.  request_hash: of the request."""

    __tablename__ = "idempotency"

    agent_id: UUID = Field(primary_key=True)
    key: str = Field(primary_key=True)
    request_hash: bytes = Field(sa_type=LargeBinary)
    status: int
    answer: str = Field(sa_type=Text)
    created_at: datetime


class EventRow(TableRow, table=True):
    """One change, written in the transaction that made it. number: given later by the publisher, without gaps.

    seq: the order of writing, which is right within each conversation, because a change locks its row;
    from a sequence on PostgreSQL, empty on SQLite, where the row id has the same order.
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
    # Without a default here: a bulk insert would write it over the database's.
    seq: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))


class DeliveryState(StrEnum):
    """queued -> (gone, delivered) | dead; dead -> queued by a replay."""

    QUEUED = "queued"
    DEAD = "dead"


def _delivery(name: str, *columns: str, state: DeliveryState) -> Index:
    where = text(f"state = '{state}'")
    return Index(f"ix_delivery_{name}", *columns, postgresql_where=where, sqlite_where=where)


class DeliveryRow(TableRow, table=True):
    """One event for one target. tried_since: the first attempt, after a replay the first since then.

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
# What was done, without the looks; the audit page writes the condition so too.
_DEEDS: Final = text("action NOT IN ('request.read', 'request.listed')")


class AuditRow(TableRow, table=True):
    """One action or reading of an agent. number, hash: given by the publisher.  object: the ids that it concerns.

    seq: the order of writing, as in `EventRow`.
    """

    __tablename__ = "audit"

    __table_args__ = (
        Index("ix_audit_unsealed", "seq", postgresql_where=_UNSEALED, sqlite_where=_UNSEALED),
        Index("ix_audit_actor", "actor", "number"),
        Index("ix_audit_object", "object", "number"),
        Index("ix_audit_deeds", "number", postgresql_where=_DEEDS, sqlite_where=_DEEDS),
        Index("ix_audit_actor_deeds", "actor", "number", postgresql_where=_DEEDS, sqlite_where=_DEEDS),
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


class CursorRow(TableRow, table=True):
    """The position up to which a channel has been read, and its state. polled_at: the last successful poll."""

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


class LeaseRow(TableRow, table=True):
    """The owner of work that only one process may do; token changes with each owner (fencing)."""

    __tablename__ = "lease"

    name: str = Field(primary_key=True)
    token: UUID
    holder: str
    until: datetime
