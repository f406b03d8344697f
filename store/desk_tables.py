"""The tables of the agents' work: what they corrected, what they have read, what they put together and took apart."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field, SQLModel

from store.tables.messages import Json


class Correction(SQLModel, table=True):
    """An agent put a conversation into another category: truth to learn from.

    message_id: the customer's text that was taken for something else; None if there is none.
    sub_intent: the finer question, if the agent named it.
    """

    id: UUID = Field(primary_key=True)
    conversation_id: UUID = Field(foreign_key="conversation.id", index=True)
    message_id: UUID | None = Field(default=None, foreign_key="message.id", index=True)
    old_category: str | None = None
    new_category: str | None = None
    sub_intent: str | None = None
    agent: str
    at: datetime = Field(index=True)


class ReadMarker(SQLModel, table=True):
    """How far an agent has read a conversation: up to its activity at `read_to`."""

    __tablename__ = "read_marker"

    agent_id: UUID = Field(primary_key=True, foreign_key="agent.id")
    conversation_id: UUID = Field(primary_key=True, foreign_key="conversation.id")
    read_to: datetime


class Regrouping(SQLModel, table=True):
    """Something that was put together or taken apart, with all that is needed to undo it.

    kind: merge, split or unlink of conversations; contacts.  source_id, target_id: from where to where things moved.
    moved: ids of what moved.  before, after: by id, what the sides were before and what this made of them.
    """

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


class Presence(SQLModel, table=True):
    """An agent has a conversation open, until then. writing: they have begun an answer."""

    conversation_id: UUID = Field(primary_key=True)
    agent_id: UUID = Field(primary_key=True)
    writing: bool
    until: datetime
