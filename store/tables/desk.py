"""The tables of duty: what was promised, paused and held; who may take work; labels, emergencies, ratings."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Index, String, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from store.tables.messages import Json


class SkillKind(StrEnum):
    """What an agent may be given. Of teams one is needed; of languages and categories none means any."""

    TEAM = "team"
    LANGUAGE = "language"
    CATEGORY = "category"


class NoticeKind(StrEnum):
    """warning: time is running out.  breach: it ran out."""

    WARNING = "warning"
    BREACH = "breach"


class ContactLabelRow(SQLModel, table=True):
    """What agents have called a contact, such as "vip"."""

    __tablename__ = "contact_label"

    contact_id: UUID = Field(primary_key=True, foreign_key="contact.id")
    label: str = Field(primary_key=True)


class AgentSkillRow(SQLModel, table=True):
    """One thing that an agent may be given."""

    __tablename__ = "agent_skill"

    agent_id: UUID = Field(primary_key=True, foreign_key="agent.id")
    kind: str = Field(primary_key=True, sa_type=String)
    value: str = Field(primary_key=True)


class PauseRow(SQLModel, table=True):
    """We waited for the customer, or thought we were done, `since` and `until`; None while we still do."""

    __tablename__ = "pause"

    __table_args__ = (
        Index(
            "ix_pause_unended",
            "conversation_id",
            unique=True,
            postgresql_where=text("until IS NULL"),
            sqlite_where=text("until IS NULL"),
        ),
    )

    id: UUID = Field(primary_key=True)
    conversation_id: UUID = Field(foreign_key="conversation.id", index=True)
    since: datetime
    until: datetime | None = None


class SlaNoticeRow(SQLModel, table=True):
    """A warning or a breach, told once: a due time that moved is another promise."""

    __tablename__ = "sla_notice"
    __table_args__ = (UniqueConstraint("conversation_id", "promise", "kind", "due_at"),)

    id: UUID = Field(primary_key=True)
    conversation_id: UUID = Field(foreign_key="conversation.id")
    promise: str
    kind: str = Field(sa_type=String)
    due_at: datetime
    at: datetime = Field(index=True)


class GateTallyRow(SQLModel, table=True):
    """How many messages of one page came while their channel was closed, and how many of them the second look let in.

    messages: of the page, those in which a customer may be in danger: no bounces, no bulk, nothing from an archive.

    One row a page, never a counter: workers would wait for each other at it.
    """

    __tablename__ = "gate_tally"

    id: UUID = Field(primary_key=True)
    at: datetime = Field(index=True)
    held: int
    released: int
    messages: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})


class DeskStateRow(SQLModel, table=True):
    """What the desk as a whole was last brought up to date with."""

    __tablename__ = "desk_state"

    name: str = Field(primary_key=True)
    value: str = Field(sa_type=Text)
    at: datetime


class CorrectionRow(SQLModel, table=True):
    """An agent put a conversation into another category: truth to learn from.

    message_id: the customer's text that was taken for something else; None if there is none.
    sub_intent: the finer question, if the agent named it.
    """

    __tablename__ = "correction"

    id: UUID = Field(primary_key=True)
    conversation_id: UUID = Field(foreign_key="conversation.id", index=True)
    message_id: UUID | None = Field(default=None, foreign_key="message.id", index=True)
    old_category: str | None = None
    new_category: str | None = None
    sub_intent: str | None = None
    agent: str
    at: datetime = Field(index=True)


class ReadMarkerRow(SQLModel, table=True):
    """How far an agent has read a conversation: up to its activity at `read_to`."""

    __tablename__ = "read_marker"

    agent_id: UUID = Field(primary_key=True, foreign_key="agent.id")
    conversation_id: UUID = Field(primary_key=True, foreign_key="conversation.id")
    read_to: datetime


class RegroupingRow(SQLModel, table=True):
    """Something that was put together or taken apart, with all that is needed to undo it.

    kind: merge, split or unlink of conversations; contacts.  source_id, target_id: from where to where things moved.
    moved: ids of what moved.  before, after: by id, what the sides were before and what this made of them.
    """

    __tablename__ = "regrouping"

    id: UUID = Field(primary_key=True)
    kind: str
    source_id: UUID = Field(index=True)
    target_id: UUID = Field(index=True)
    moved: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    before: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    after: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    agent: str
    at: datetime
    undone_at: datetime | None = None
    undone_by: str | None = None


class PresenceRow(SQLModel, table=True):
    """An agent has a conversation open, until then. writing: they have begun an answer."""

    __tablename__ = "presence"

    conversation_id: UUID = Field(primary_key=True)
    agent_id: UUID = Field(primary_key=True)
    writing: bool
    until: datetime


class EmergencyRow(SQLModel, table=True):
    """A conversation that somebody was called for, and what that person found.

    evidence: which words, which model, how probable; never the customer's own text.
    confirmed: None until a person looked.  by: who that was.
    paged, calm: `router.routing.false_alarm.PagedCase` and `CalmCase`; None in rows of an older version.
    changed: what the last judgement made of the conversation, with both states; None if it made nothing.
    paged_by: the agent who answered that the customer is in danger; empty if the message decided.
    steps: how often it went on because no agent judged it.  stepped_at, stepped_to: when last, and to whom.
    """

    __tablename__ = "emergency"

    __table_args__ = (
        Index(
            "ix_emergency_unjudged",
            "at",
            postgresql_where=text("confirmed IS NULL"),
            sqlite_where=text("confirmed IS NULL"),
        ),
    )

    conversation_id: UUID = Field(primary_key=True, foreign_key="conversation.id")
    inbound_id: UUID
    at: datetime = Field(index=True)
    evidence: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    confirmed: bool | None = None
    by: str = ""
    confirmed_at: datetime | None = None
    paged: dict[str, Any] | None = Field(default=None, sa_type=Json)
    calm: dict[str, Any] | None = Field(default=None, sa_type=Json)
    changed: dict[str, Any] | None = Field(default=None, sa_type=Json)
    paged_by: str = Field(default="", sa_column_kwargs={"server_default": ""})
    steps: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    stepped_at: datetime | None = None
    stepped_to: str = Field(default="", sa_column_kwargs={"server_default": ""})


class DangerQuestionRow(SQLModel, table=True):
    """Whether a customer is in danger: asked when a message may say so, answered by an agent.

    evidence: see `EmergencyRow`.  paged: what the emergency route would make of the case.
    answer: None until an agent answered.  by: who that was.
    """

    __tablename__ = "danger_question"

    conversation_id: UUID = Field(primary_key=True, foreign_key="conversation.id")
    inbound_id: UUID
    at: datetime = Field(index=True)
    evidence: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    paged: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    answer: bool | None = None
    by: str = ""
    answered_at: datetime | None = None


class OutageRow(SQLModel, table=True):
    """Many customers said the same within the hour: something of ours is broken, or somebody writes to all of them.

    echo: of the words, as `message.echo`.  customers: how many had said it when it was last counted.
    first_at: when the burst was noticed.  last_at: when the words came last.  message_id: one that says them.
    """

    __tablename__ = "outage"

    echo: str = Field(primary_key=True)
    first_at: datetime = Field(index=True)
    last_at: datetime
    customers: int
    message_id: UUID


# As the small index of ratings says it, by which the planners know its rows.
IS_GIVEN: Final = text("rated_at IS NOT NULL")


class RatingRow(SQLModel, table=True):
    """One closing of a case. closing: the event's id.  word: masked.  score: 1 to 5; None while nothing was said."""

    __tablename__ = "rating"

    __table_args__ = (
        Index("ix_rating_contact", "contact_id", "asked_at"),
        Index("ix_rating_given", "rated_at", "closing", postgresql_where=IS_GIVEN, sqlite_where=IS_GIVEN),
    )

    closing: UUID = Field(primary_key=True)
    conversation_id: UUID = Field(foreign_key="conversation.id", index=True)
    contact_id: UUID
    asked_at: datetime | None = None
    score: int | None = None
    word: str = Field(default="", sa_type=Text)
    rated_at: datetime | None = None
