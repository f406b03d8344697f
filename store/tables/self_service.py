"""The tables of answers by themselves: questions and what became of them, gaps, verdicts of visitors, phrasings."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, String, Text, text
from sqlmodel import Field

from store.tables.messages import Json
from store.tables.row import TableRow


class AutoAnswerState(StrEnum):
    """The state of a question.

    waiting -> answered | offered | refused | nothing_found, or superseded by a newer message of the same customer, or
    taken_over by a person, or missed because it was found too late.
    """

    WAITING = "waiting"
    ANSWERED = "answered"
    OFFERED = "offered"
    REFUSED = "refused"
    NOTHING_FOUND = "nothing_found"
    SUPERSEDED = "superseded"
    TAKEN_OVER = "taken_over"
    MISSED = "missed"


class AnswerVerdict(StrEnum):
    """What a customer or an agent says of an answer: that was it, I want a person, it was the wrong one."""

    FITS = "fits"
    PERSON = "person"
    WRONG = "wrong"


class AutoAnswerRow(TableRow, table=True):
    """A customer's message that the machine may answer, and what became of it.

    due_at: when it is decided; the customer may still be writing before.  answer: the FAQ's id.
    trace: gates, scores and thresholds; no message text.  verdict: what was said of it last, and by whom.
    """

    __tablename__ = "auto_answer"

    __table_args__ = (
        Index(
            "ix_auto_answer_waiting",
            "due_at",
            postgresql_where=text("state = 'waiting'"),
            sqlite_where=text("state = 'waiting'"),
        ),
        Index("ix_auto_answer_decided", "decided_at"),
    )

    id: UUID = Field(primary_key=True)
    conversation_id: UUID = Field(foreign_key="conversation.id", index=True)
    message_id: UUID = Field(foreign_key="message.id", unique=True)
    channel: str
    state: str = Field(sa_type=String)
    asked_at: datetime
    due_at: datetime
    decided_at: datetime | None = None
    answer: str = Field(default="", sa_column_kwargs={"server_default": ""})
    outbound_id: UUID | None = Field(default=None, unique=True)
    trace: dict[str, Any] | None = Field(default=None, sa_type=Json)
    verdict: str = Field(default="", sa_type=String, sa_column_kwargs={"server_default": ""})
    verdict_at: datetime | None = None
    verdict_by: str = Field(default="", sa_column_kwargs={"server_default": ""})


class AnswerGapRow(TableRow, table=True):
    """A question for which nothing was found. text: masked.  place: where it was asked, such as "help"."""

    __tablename__ = "answer_gap"

    __table_args__ = (Index("ix_answer_gap_at", "at"),)

    id: UUID = Field(primary_key=True)
    conversation_id: UUID | None = Field(default=None, index=True)
    place: str
    language: str
    text: str = Field(sa_type=Text)
    at: datetime


class HelpVerdictRow(TableRow, table=True):
    """A visitor's verdict on an answer of the help centre."""

    __tablename__ = "help_verdict"

    __table_args__ = (Index("ix_help_verdict_answer", "answer", "at"),)

    id: UUID = Field(primary_key=True)
    answer: str
    language: str
    helpful: bool
    at: datetime


class PhrasingState(StrEnum):
    """A phrasing enters the index only when a person has approved it."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"


class PhrasingRow(TableRow, table=True):
    """A way to ask that an agent proposed. answer: the FAQ's id; empty: no answer should have been given.

    text: masked.  conversation_id: where it was said; None without one.
    """

    __tablename__ = "phrasing"

    __table_args__ = (Index("ix_phrasing_state", "state", "proposed_at"),)

    id: UUID = Field(primary_key=True)
    answer: str
    text: str = Field(sa_type=Text)
    conversation_id: UUID | None = Field(default=None, index=True)
    state: str = Field(default=PhrasingState.PROPOSED, sa_type=String)
    proposed_by: str
    proposed_at: datetime
    decided_by: str = Field(default="", sa_column_kwargs={"server_default": ""})
    decided_at: datetime | None = None
