"""The tables of what agents write before it is sent: drafts."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Text
from sqlmodel import Field, SQLModel

from store.tables.messages import Json


class DraftRow(SQLModel, table=True):
    """What an agent has written in a conversation and not sent, masked like a message.

    kind: `reply`, `forward` or `note`.  copies, blind_copies: further recipients.
    revision: counts the savings, so that two tabs notice each other.
    """

    __tablename__ = "draft"

    agent_id: UUID = Field(primary_key=True, foreign_key="agent.id")
    conversation_id: UUID = Field(primary_key=True, foreign_key="conversation.id", index=True)
    kind: str
    text: str = Field(sa_type=Text)
    recipient: str = ""
    copies: list[str] | None = Field(default=None, sa_type=Json)
    blind_copies: list[str] | None = Field(default=None, sa_type=Json)
    revision: int
    saved_at: datetime
