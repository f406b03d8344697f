"""The tables of duty: what was promised, paused and held; who may take work; how contacts are labelled."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, String, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel


class SkillKind(StrEnum):
    """What an agent may be given. Of teams one is needed; of languages and categories none means any."""

    TEAM = "team"
    LANGUAGE = "language"
    CATEGORY = "category"


class NoticeKind(StrEnum):
    """warning: time is running out.  breach: it ran out."""

    WARNING = "warning"
    BREACH = "breach"


class ContactLabel(SQLModel, table=True):
    """What agents have called a contact, such as "vip"."""

    __tablename__ = "contact_label"

    contact_id: UUID = Field(primary_key=True, foreign_key="contact.id")
    label: str = Field(primary_key=True)


class AgentSkill(SQLModel, table=True):
    """One thing that an agent may be given."""

    __tablename__ = "agent_skill"

    agent_id: UUID = Field(primary_key=True, foreign_key="agent.id")
    kind: str = Field(primary_key=True, sa_type=String)
    value: str = Field(primary_key=True)


class Pause(SQLModel, table=True):
    """We waited for the customer, or thought we were done, `since` and `until`; None while we still do."""

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


class SlaNotice(SQLModel, table=True):
    """A warning or a breach, told once: a due time that moved is another promise."""

    __tablename__ = "sla_notice"
    __table_args__ = (UniqueConstraint("conversation_id", "promise", "kind", "due_at"),)

    id: UUID = Field(primary_key=True)
    conversation_id: UUID = Field(foreign_key="conversation.id")
    promise: str
    kind: str = Field(sa_type=String)
    due_at: datetime
    at: datetime = Field(index=True)


class GateTally(SQLModel, table=True):
    """How many messages of one page came while their channel was closed, and how many of them the second look let in.

    One row a page, never a counter: workers would wait for each other at it.
    """

    __tablename__ = "gate_tally"

    id: UUID = Field(primary_key=True)
    at: datetime = Field(index=True)
    held: int
    released: int


class DeskState(SQLModel, table=True):
    """What the desk as a whole was last brought up to date with."""

    __tablename__ = "desk_state"

    name: str = Field(primary_key=True)
    value: str = Field(sa_type=Text)
    at: datetime
