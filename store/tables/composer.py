"""The tables of what agents write with and before it is sent: drafts, ready texts, signatures, files."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import LargeBinary, Text
from sqlmodel import Field

from store.tables.messages import Json
from store.tables.row import TableRow


class DraftRow(TableRow, table=True):
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


class ReadyTextRow(TableRow, table=True):
    """A text, or actions, that agents use with a press.

    folder, title, code: how it is found.  team: whose it is; empty for everybody.
    texts: by language, with placeholders; empty for actions alone.
    actions: fields of an order to change the conversation; None for a text alone.
    """

    __tablename__ = "ready_text"

    id: UUID = Field(primary_key=True)
    folder: str
    title: str
    code: str
    team: str
    texts: dict[str, str] = Field(sa_type=Json)
    actions: dict[str, Any] | None = Field(default=None, sa_type=Json)
    changed_by: str
    changed_at: datetime


class SignatureRow(TableRow, table=True):
    """The signature of a team's mail in a language. team: empty for all teams without their own."""

    __tablename__ = "signature"

    team: str = Field(primary_key=True)
    language: str = Field(primary_key=True)
    text: str = Field(sa_type=Text)


class DisplayNameRow(TableRow, table=True):
    """An agent's name as customers read it, in a language."""

    __tablename__ = "display_name"

    agent_id: UUID = Field(primary_key=True, foreign_key="agent.id")
    language: str = Field(primary_key=True)
    name: str


class AnswerFileRow(TableRow, table=True):
    """A file of an agent's draft, and of its answer once that is sent.

    outbound_id: the answer; None in a draft.  content: sealed like an original.
    """

    __tablename__ = "answer_file"

    id: UUID = Field(primary_key=True)
    agent_id: UUID = Field(foreign_key="agent.id")
    conversation_id: UUID = Field(foreign_key="conversation.id", index=True)
    outbound_id: UUID | None = Field(default=None, foreign_key="outbound.id", index=True)
    name: str
    media_type: str
    size: int
    content: bytes = Field(sa_type=LargeBinary)
