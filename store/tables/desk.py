"""The tables of the desk's own state: pauses and promises, what was held, what listeners refused, what it last did."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import Index, String, Text, UniqueConstraint, text
from sqlmodel import Field

from store.tables.row import TableRow


class NoticeKind(StrEnum):
    """warning: the due time is near.  breach: it is over."""

    WARNING = "warning"
    BREACH = "breach"


class PauseRow(TableRow, table=True):
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


class SlaNoticeRow(TableRow, table=True):
    """A warning or a breach, reported once per promise and due time."""

    __tablename__ = "sla_notice"
    __table_args__ = (UniqueConstraint("conversation_id", "promise", "kind", "due_at"),)

    id: UUID = Field(primary_key=True)
    conversation_id: UUID = Field(foreign_key="conversation.id")
    promise: str
    kind: str = Field(sa_type=String)
    due_at: datetime
    at: datetime = Field(index=True)


class GateTallyRow(TableRow, table=True):
    """How many messages of a batch arrived while their channel was closed, and how many the second check released.

    messages: of the batch, those in which a customer may be in danger: no bounces, no bulk mail, no archived mail.

    One row per batch instead of a counter: workers would wait for each other to update it.
    """

    __tablename__ = "gate_tally"

    id: UUID = Field(primary_key=True)
    at: datetime = Field(index=True)
    held: int
    released: int
    messages: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})


class RefusalRow(TableRow, table=True):
    """How much a listener refused or put off in one hour. bound: the limit that was reached."""

    __tablename__ = "refusal"

    channel: str = Field(primary_key=True)
    bound: str = Field(primary_key=True)
    hour: datetime = Field(primary_key=True)
    refused: int


# The names of desk states that say until when the automatic replies of a channel rest; the channel's name follows.
REPLIES_REST: Final = "automatic replies rest: "


class DeskStateRow(TableRow, table=True):
    """A value that the whole desk was last updated with."""

    __tablename__ = "desk_state"

    name: str = Field(primary_key=True)
    value: str = Field(sa_type=Text)
    at: datetime
