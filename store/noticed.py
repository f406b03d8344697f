"""What the desk noticed beyond single messages: emergencies that people were called for, and bursts of equal words."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field, SQLModel

from store.tables.messages import Json


class Emergency(SQLModel, table=True):
    """A conversation that somebody was called for, and what that person found.

    evidence: which words, which model, how probable; never the customer's own text.
    confirmed: None until a person looked.  by: who that was.
    """

    conversation_id: UUID = Field(primary_key=True, foreign_key="conversation.id")
    inbound_id: UUID
    at: datetime = Field(index=True)
    evidence: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    confirmed: bool | None = None
    by: str = ""
    confirmed_at: datetime | None = None


class Outage(SQLModel, table=True):
    """Many customers said the same within the hour: something of ours is broken, or somebody writes to all of them.

    echo: of the words, as `message.echo`.  customers: how many had said it when it was last counted.
    first_at: when the burst was noticed.  last_at: when the words came last.  message_id: one that says them.
    """

    echo: str = Field(primary_key=True)
    first_at: datetime = Field(index=True)
    last_at: datetime
    customers: int
    message_id: UUID
