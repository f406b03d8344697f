"""The tables of what cannot wait: emergencies, questions about danger, outages."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field

from store.tables.messages import Json
from store.tables.row import TableRow


class EmergencyRow(TableRow, table=True):
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


class DangerQuestionRow(TableRow, table=True):
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


class OutageRow(TableRow, table=True):
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
