"""The tables of incoming messages: original, inbound, contact, identity, conversation, message, attachment.

Names are those of help desks; the unique indexes make each message count once.
`store.tables.operations` has the tables of the processing.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import JSON, Column, Computed, Index, LargeBinary, String, Text, UniqueConstraint, false, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field
from sqlmodel.sql.sqltypes import UTCDateTime

from router.conversation_status import Status
from store.tables.row import TableRow

# PostgreSQL stores JSON parsed, SQLite as text; neither tracks changes in place, so values are replaced as a whole.
Json = JSON().with_variant(JSONB(), "postgresql")
_DIGEST_BYTES: Final = 16


# The earliest of three promises, in SQL for both databases: their own functions treat NULL differently.
_SOONER = (
    "CASE WHEN next_reply_due_at IS NULL OR first_reply_due_at <= next_reply_due_at"
    " THEN coalesce(first_reply_due_at, next_reply_due_at) ELSE next_reply_due_at END"
)
DUE_AT = (
    f"CASE WHEN status = 'resolved' THEN NULL WHEN resolve_due_at IS NULL OR ({_SOONER}) <= resolve_due_at"
    f" THEN coalesce(({_SOONER}), resolve_due_at) ELSE resolve_due_at END"
)


def _some(name: str, *columns: str, where: str) -> Index:
    """Return a partial index: it has only the rows that are searched for."""
    return Index(name, *columns, postgresql_where=text(where), sqlite_where=text(where))


class InboundState(StrEnum):
    """received -> routed | duplicate | quarantined; quarantined -> received by replay."""

    RECEIVED = "received"
    ROUTED = "routed"
    DUPLICATE = "duplicate"
    QUARANTINED = "quarantined"


class Direction(StrEnum):
    """Of a message, seen from the desk."""

    INCOMING = "incoming"
    OUTGOING = "outgoing"
    NOTE = "note"


class InboundRow(TableRow, table=True):
    """One message that a channel accepted: this row is the message, the broker only signals it.

    envelope: JSON of `router.envelope.Envelope`.  content_hash: SHA-256 of the original.
    due_at, lease_token, lease_until: when it may be processed, and by which worker (`store.inbound.claims`).
    conflict: another row of this channel has the same source key with other bytes.
    weight: how many characters must be read to route it; its original may be much larger.
    urgent: a first look found that it may be an emergency, so it does not wait behind others.
    """

    __tablename__ = "inbound"

    __table_args__ = (
        UniqueConstraint("channel", "source_key"),
        Index(
            "ix_inbound_due",
            "due_at",
            postgresql_where=text("state = 'received'"),
            sqlite_where=text("state = 'received'"),
        ),
        Index("ix_inbound_channel_state", "channel", "state"),
        Index(
            "ix_inbound_urgent",
            "due_at",
            postgresql_where=text("state = 'received' AND urgent"),
            sqlite_where=text("state = 'received' AND urgent = 1"),
        ),
    )

    id: UUID = Field(primary_key=True)
    channel: str
    source_key: str
    content_hash: bytes = Field(sa_type=LargeBinary)
    state: str = Field(default=InboundState.RECEIVED, sa_type=String)
    envelope: str = Field(sa_type=Text)
    size: int
    weight: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    urgent: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    backfill: bool = False
    conflict: bool = False
    received_at: datetime
    accepted_at: datetime
    due_at: datetime
    attempts: int = 0
    lease_token: UUID | None = None
    lease_until: datetime | None = None
    reason: str = Field(default="", sa_type=Text)
    duplicate_of: UUID | None = None
    discarded_at: datetime | None = None


class OriginalRow(TableRow, table=True):
    """The original bytes, compressed with zstandard, written with their inbound row."""

    __tablename__ = "original"

    inbound_id: UUID = Field(primary_key=True, foreign_key="inbound.id")
    content: bytes = Field(sa_type=LargeBinary)


class ContactRow(TableRow, table=True):
    """A person, as far as known.

    note: of the agents.  merged_into: the contact that they were merged into.
    erased_at: since when their texts are erased.  blocked_at, blocked_by: since when an agent blocks the sender.
    """

    __tablename__ = "contact"
    __table_args__ = (_some("ix_contact_blocked", "id", where="blocked_at IS NOT NULL"),)

    id: UUID = Field(primary_key=True)
    name: str = ""
    created_at: datetime
    note: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": ""})
    merged_into: UUID | None = None
    erased_at: datetime | None = None
    blocked_at: datetime | None = None
    blocked_by: str = Field(default="", sa_column_kwargs={"server_default": ""})


class IdentityRow(TableRow, table=True):
    """One handle of a contact; the unique index decides if two workers meet a new sender at the same time."""

    __tablename__ = "identity"

    __table_args__ = (UniqueConstraint("kind", "handle"),)

    id: UUID = Field(primary_key=True)
    kind: str
    handle: str
    contact_id: UUID = Field(foreign_key="contact.id", index=True)
    created_at: datetime


class ConversationRow(TableRow, table=True):
    """One case of one contact.

    reference: short, speakable, hard to guess; printing it is safe, but it proves no identity.
    version: counts the changes, for optimistic locking.
    clock_started_at: when its promises start; None for old mail, which has no promises.
    waiting_since: the customer's first unanswered message; kept while it is resolved, for whom reopens it.
    replied_at: an agent's first answer.
    watch_at: when a promise or a hold needs the next update.  held_until: snoozed until then.
    alarmed_at: since when no agent is there to take it.  snoozed_by: the agent; None for the hours gate.
    due_at: the earliest of its promises, computed by the database.  merged_into: where its messages are now.
    possible_danger: an agent has not yet answered whether its customer is in danger.
    """

    __tablename__ = "conversation"

    __table_args__ = (
        Index("ix_conversation_status_activity", "status", "last_message_at", "id"),
        Index("ix_conversation_team_activity", "team", "status", "last_message_at", "id"),
        Index("ix_conversation_status_priority", "status", "priority", "last_message_at", "id"),
        _some("ix_conversation_status_due", "status", "due_at", "id", where="due_at IS NOT NULL"),
        _some(
            "ix_conversation_assignee_activity",
            *("assignee", "status", "last_message_at", "id"),
            where="assignee IS NOT NULL",
        ),
        _some("ix_conversation_labelled", "status", "last_message_at", "id", where="labels <> '[]'"),
        _some("ix_conversation_emergencies", "status", "last_message_at", "id", where="emergency"),
        _some("ix_conversation_possible_danger", "status", "last_message_at", "id", where="possible_danger"),
        _some("ix_conversation_nobodys", "status", "last_message_at", "id", where="assignee IS NULL"),
        _some("ix_conversation_watch", "watch_at", where="watch_at IS NOT NULL"),
        _some(
            "ix_conversation_unassigned",
            "team",
            "emergency",
            "opened_at",
            where="assignee IS NULL AND status = 'open'",
        ),
        Index("ix_conversation_contact_activity", "contact_id", "last_message_at", "team"),
        Index("ix_conversation_opened", "opened_at"),
        # All that the counts next to the list need, and what was opened when.
        _some(
            "ix_conversation_waiting",
            *("opened_at", "team", "status", "assignee", "emergency", "due_at"),
            where="status <> 'resolved'",
        ),
        _some("ix_conversation_home_team", "home_team", where="home_team IS NOT NULL"),
        _some("ix_conversation_assignee", "assignee", where="assignee IS NOT NULL AND status = 'open'"),
    )

    id: UUID = Field(primary_key=True)
    reference: str = Field(unique=True)
    contact_id: UUID = Field(foreign_key="contact.id")
    channel: str
    subject: str = Field(default="", sa_type=Text)
    status: str = Field(default=Status.OPEN, sa_type=String)
    category: str | None = None
    emergency: bool = False
    team: str
    assignee: str | None = None
    home_team: str | None = None
    priority: str
    labels: list[str] = Field(default_factory=list, sa_type=Json)
    language: str = "und"
    route: str
    sla: str | None = None
    opened_at: datetime
    last_message_at: datetime
    first_reply_due_at: datetime | None = Field(default=None, index=True)
    next_reply_due_at: datetime | None = None
    resolve_due_at: datetime | None = None
    version: int = 1
    opened_by_inbound: UUID = Field(unique=True, foreign_key="inbound.id")
    linked_to: UUID | None = None
    clock_started_at: datetime | None = None
    waiting_since: datetime | None = None
    replied_at: datetime | None = None
    watch_at: datetime | None = None
    held_until: datetime | None = None
    alarmed_at: datetime | None = None
    snoozed_by: str | None = None
    merged_into: UUID | None = None
    possible_danger: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    due_at: datetime | None = Field(
        default=None, sa_column=Column(UTCDateTime(), Computed(DUE_AT, persisted=True), nullable=True)
    )


class MessageRow(TableRow, table=True):
    """One entry of a conversation.

    sender_proof: of an incoming message, what is proven about its sender (`router.origin.sender_proof.ProofKind`);
        empty for messages that are older than this column.
    answer_to: of an incoming message, where an answer goes; empty for older messages, which go to their sender.
    other_address: another address that it names for answers, which an agent may choose instead.
    trace: the reasons of every decision about it (`router.routing.trace.Trace`).
    fingerprint: of its canonical words, to detect repetitions.
    echo: like it, but equal for all senders.  gist: like echo, whatever the numbers are.
    duplicate_of: a message of the same contact that it repeats.
    revision: the highest order of a change that is in it.  edited_at, withdrawn_at: when its author changed it, or took
        it back.
    """

    __tablename__ = "message"

    __table_args__ = (
        Index("ix_message_conversation", "conversation_id", "received_at", "id"),
        Index("ix_message_contact_fingerprint", "contact_id", "fingerprint"),
        _some("ix_message_echo", "echo", "received_at", where="echo <> ''"),
        _some("ix_message_gist", "gist", "received_at", where="gist <> ''"),
    )

    id: UUID = Field(primary_key=True)
    conversation_id: UUID = Field(foreign_key="conversation.id")
    contact_id: UUID
    inbound_id: UUID | None = Field(default=None, unique=True, foreign_key="inbound.id")
    outbound_id: UUID | None = Field(default=None, unique=True)
    direction: str = Field(sa_type=String)
    channel: str
    sender_handle: str
    sender_name: str = ""
    subject: str = Field(default="", sa_type=Text)
    text: str = Field(default="", sa_type=Text)
    quoted: str = Field(default="", sa_type=Text)
    html: str = Field(default="", sa_type=Text)
    rfc_message_id: str | None = None
    sent_at: datetime | None = None
    received_at: datetime
    origin: str = "person"
    sender_proof: str = Field(default="", sa_column_kwargs={"server_default": ""})
    answer_to: str = Field(default="", sa_column_kwargs={"server_default": ""})
    other_address: str = Field(default="", sa_column_kwargs={"server_default": ""})
    fingerprint: str = ""
    echo: str = Field(default="", sa_column_kwargs={"server_default": ""})
    gist: str = Field(default="", sa_column_kwargs={"server_default": ""})
    duplicate_of: UUID | None = None
    trace: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    revision: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    edited_at: datetime | None = None
    withdrawn_at: datetime | None = None


class AttachmentRow(TableRow, table=True):
    """An attachment of a message; its bytes are the original's part `part`.

    content_id: of a picture that the mail's page shows in its place (RFC 2392), else empty.
    """

    __tablename__ = "attachment"

    id: UUID = Field(primary_key=True)
    message_id: UUID = Field(foreign_key="message.id", index=True)
    name: str
    media_type: str
    size: int
    sha256: str
    part: int
    content_id: str = Field(default="", sa_column_kwargs={"server_default": ""})


class ThreadKeyRow(TableRow, table=True):
    """A Message-ID that a conversation has sent, received or seen quoted: later messages are matched by it.

    digest: see `digest`; a header may be 998 characters long.
    own: of a message in the conversation, not only quoted there.
    """

    __tablename__ = "thread_key"

    digest: bytes = Field(primary_key=True, sa_type=LargeBinary)
    conversation_id: UUID = Field(primary_key=True, foreign_key="conversation.id")
    own: bool = False


def digest(message_id: str) -> bytes:
    """Return the BLAKE2b-128 digest of a Message-ID, for `thread_key`."""
    return hashlib.blake2b(message_id.encode(), digest_size=_DIGEST_BYTES).digest()
