"""The tables of who reads a case: up to where, and who has it open now."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from store.tables.row import TableRow


class ReadMarkerRow(TableRow, table=True):
    """How far an agent has read a conversation: up to its activity at `read_to`."""

    __tablename__ = "read_marker"

    agent_id: UUID = Field(primary_key=True, foreign_key="agent.id")
    conversation_id: UUID = Field(primary_key=True, foreign_key="conversation.id")
    read_to: datetime


class PresenceRow(TableRow, table=True):
    """An agent has a conversation open, until then. writing: has begun an answer."""

    __tablename__ = "presence"

    conversation_id: UUID = Field(primary_key=True)
    agent_id: UUID = Field(primary_key=True)
    writing: bool
    until: datetime
