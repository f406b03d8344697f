"""The tables of the desk: promises, pauses and holds; agents' skills; labels, emergencies, ratings."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from store.tables.messages import Json


class SkillKind(StrEnum):
    """What an agent may be assigned. At least one team is needed; no language or category means any."""

    TEAM = "team"
    LANGUAGE = "language"
    CATEGORY = "category"


class AgentNoticeKind(StrEnum):
    """What an agent hears of.

    mentioned: named in a note.  assigned: got the case.  answered: its customer wrote again.
    undelivered: a message did not arrive.  due: a promise is near or broken.  returned: a snooze is over.
    """

    MENTIONED = "mentioned"
    ASSIGNED = "assigned"
    ANSWERED = "answered"
    UNDELIVERED = "undelivered"
    DUE = "due"
    RETURNED = "returned"


class NoticeKind(StrEnum):
    """warning: the due time is near.  breach: it is over."""

    WARNING = "warning"
    BREACH = "breach"


class ContactLabelRow(SQLModel, table=True):
    """A label of a contact, such as "vip"."""

    __tablename__ = "contact_label"

    contact_id: UUID = Field(primary_key=True, foreign_key="contact.id")
    label: str = Field(primary_key=True)


class AgentSkillRow(SQLModel, table=True):
    """One skill of an agent."""

    __tablename__ = "agent_skill"

    agent_id: UUID = Field(primary_key=True, foreign_key="agent.id")
    kind: str = Field(primary_key=True, sa_type=String)
    value: str = Field(primary_key=True)


class PauseRow(SQLModel, table=True):
    """A pause of a conversation's clock, while we wait for the customer or are done. until: None while it lasts."""

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
    """A warning or a breach, reported once per promise and due time."""

    __tablename__ = "sla_notice"
    __table_args__ = (UniqueConstraint("conversation_id", "promise", "kind", "due_at"),)

    id: UUID = Field(primary_key=True)
    conversation_id: UUID = Field(foreign_key="conversation.id")
    promise: str
    kind: str = Field(sa_type=String)
    due_at: datetime
    at: datetime = Field(index=True)


class GateTallyRow(SQLModel, table=True):
    """How many messages of a page arrived while their channel was closed, and how many the second check released.

    messages: of the page, those in which a customer may be in danger: no bounces, no bulk mail, no archived mail.

    One row per page instead of a counter: workers would wait for each other to update it.
    """

    __tablename__ = "gate_tally"

    id: UUID = Field(primary_key=True)
    at: datetime = Field(index=True)
    held: int
    released: int
    messages: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})


class RefusalRow(SQLModel, table=True):
    """How much a listener refused or put off in one hour. bound: the limit that was reached."""

    __tablename__ = "refusal"

    channel: str = Field(primary_key=True)
    bound: str = Field(primary_key=True)
    hour: datetime = Field(primary_key=True)
    refused: int


# The names of desk states that say until when the automatic replies of a channel rest; the channel's name follows.
REPLIES_REST: Final = "automatic replies rest: "


class DeskStateRow(SQLModel, table=True):
    """A value that the whole desk was last updated with."""

    __tablename__ = "desk_state"

    name: str = Field(primary_key=True)
    value: str = Field(sa_type=Text)
    at: datetime


class CorrectionRow(SQLModel, table=True):
    """An agent moved a conversation to another category: training data.

    message_id: the customer's text with the wrong category; None if there is none.
    sub_intent: the sub-intent, if the agent named one.
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
    """A merge or a split, with everything that undoing it needs.

    kind: merge, split or unlink of conversations; contacts.  source_id, target_id: the direction of the move.
    moved: ids of the moved rows.  before, after: by id, the values of both sides before and after.
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
    """An agent has a conversation open, until then. writing: has begun an answer."""

    __tablename__ = "presence"

    conversation_id: UUID = Field(primary_key=True)
    agent_id: UUID = Field(primary_key=True)
    writing: bool
    until: datetime


class AgentNoticeRow(SQLModel, table=True):
    """The newest thing of a kind that happened to an agent in a conversation. number: of its event.

    kind: `AgentNoticeKind`.  by: who did it, empty for the desk.  read_at: None while the agent has not seen it.
    """

    __tablename__ = "agent_notice"
    __table_args__ = (Index("ix_agent_notice_at", "agent_id", "at"),)

    agent_id: UUID = Field(primary_key=True, foreign_key="agent.id")
    conversation_id: UUID = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    number: int = Field(sa_type=BigInteger, index=True)
    at: datetime
    by: str = ""
    read_at: datetime | None = None


class AgentPreferenceRow(SQLModel, table=True):
    """A choice of an agent about the pages."""

    __tablename__ = "agent_preference"

    agent_id: UUID = Field(primary_key=True, foreign_key="agent.id")
    name: str = Field(primary_key=True)
    value: str = Field(sa_type=Text)


class EmergencyRow(SQLModel, table=True):
    """An emergency, and an agent's verdict.

    evidence: words, model, probability; never the customer's own text.
    confirmed: None before the verdict.  by: the agent.
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
    """Many customers wrote the same text within an hour: a fault of ours, or a mass mailing to them.

    echo: as `message.echo`.  customers: how many wrote it at the last count.
    first_at: when the burst was detected.  last_at: the last message.  message_id: one with the text.
    """

    __tablename__ = "outage"

    echo: str = Field(primary_key=True)
    first_at: datetime = Field(index=True)
    last_at: datetime
    customers: int
    message_id: UUID


# Worded like the condition of the partial index, so that the planners match it.
IS_GIVEN: Final = text("rated_at IS NOT NULL")


class RatingRow(SQLModel, table=True):
    """One closing of a case. closing: the event's id.  word: masked.  score: 1 to 5; None before an answer."""

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


class CaseCodeRow(SQLModel, table=True):
    """A one-time code that a visitor of a case's page asked for.

    proof: of the code, bound to the row and to the address; bytes of chance where the address was not the case's.
    tries: how often a code was entered while this one was valid.  used_at: a code opens a conversation once.
    """

    __tablename__ = "case_code"

    id: UUID = Field(primary_key=True)
    conversation_id: UUID = Field(foreign_key="conversation.id", index=True)
    proof: bytes = Field(sa_type=LargeBinary)
    asked_at: datetime
    until: datetime
    tries: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    used_at: datetime | None = None
