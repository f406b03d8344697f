"""The tables of the agents' work: what they corrected, what they have read."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel


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
