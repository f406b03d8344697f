"""The tables of texts that a model wrote: each text with what it came from, and what was spent of each day's budget."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, String, Text
from sqlmodel import Field

from store.tables.messages import Json
from store.tables.row import TableRow


class GeneratedTextRow(TableRow, table=True):
    """A text that a model wrote about a case. Masked; nothing of it is sent but by an agent.

    message_id: of a translation; None for others.  basis: of what it was written; another one makes it stale.
    text: empty if it must not be shown, and then `flaws` says why.  sources: the answers of the FAQ that it cites.
    prompt: the hash of the prompt's file.  by: the agent who asked for it.
    """

    __tablename__ = "generated_text"

    __table_args__ = (Index("ix_generated_text_case", "conversation_id", "purpose", "at"),)

    id: UUID = Field(primary_key=True)
    conversation_id: UUID = Field(foreign_key="conversation.id")
    message_id: UUID | None = None
    purpose: str = Field(sa_type=String)
    language: str
    basis: str
    text: str = Field(sa_type=Text)
    flaws: list[Any] = Field(sa_type=Json)
    sources: list[Any] = Field(sa_type=Json)
    model: str
    prompt: str
    milliseconds: int
    tokens: int | None = None
    by: str
    agent_id: UUID | None = None
    at: datetime


class ModelDayRow(TableRow, table=True):
    """What all processes spent of a day's budget (UTC). A call is counted before it is made.

    texts: that were shown or sent.  refused: that had a flaw.  failed: calls without a text.
    """

    __tablename__ = "model_day"

    day: date = Field(primary_key=True)
    calls: int
    tokens: int
    texts: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    refused: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    failed: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
