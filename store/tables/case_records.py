"""The tables of what is kept about cases and contacts: labels, corrections, regroupings, ratings, names, codes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Column, Index, LargeBinary, String, Text, text
from sqlmodel import Field

from store.tables.messages import Json
from store.tables.row import TableRow


class ContactLabelRow(TableRow, table=True):
    """A label of a contact, such as "vip"."""

    __tablename__ = "contact_label"

    contact_id: UUID = Field(primary_key=True, foreign_key="contact.id")
    label: str = Field(primary_key=True)


class CorrectionRow(TableRow, table=True):
    """An agent moved a conversation to another category: training data.

    message_id: the customer's text with the wrong category; None if there is none.
    sub_intent: the sub-intent, if the agent named one.
    """

    __tablename__ = "correction"

    id: UUID = Field(primary_key=True)
    conversation_id: UUID = Field(foreign_key="conversation.id", index=True)
    message_id: UUID | None = Field(default=None, foreign_key="message.id", index=True)
    old_category: str | None = None
    new_category: str | None = None
    sub_intent: str | None = None
    agent: str
    at: datetime = Field(index=True)


class RegroupingRow(TableRow, table=True):
    """A merge or a split, with everything that undoing it needs.

    kind: merge, split or unlink of conversations; contacts.  source_id, target_id: the direction of the move.
    moved: ids of the moved rows.  before, after: by id, the values of both sides before and after.
    """

    __tablename__ = "regrouping"

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


# Worded like the condition of the partial index, so that the planners match it.
IS_GIVEN: Final = text("rated_at IS NOT NULL")


class RatingRow(TableRow, table=True):
    """One closing of a case. closing: the event's id.  word: masked.  score: 1 to 5; None before an answer."""

    __tablename__ = "rating"

    __table_args__ = (
        Index("ix_rating_contact", "contact_id", "asked_at"),
        Index("ix_rating_given", "rated_at", "closing", postgresql_where=IS_GIVEN, sqlite_where=IS_GIVEN),
    )

    closing: UUID = Field(primary_key=True)
    conversation_id: UUID = Field(foreign_key="conversation.id", index=True)
    contact_id: UUID
    asked_at: datetime | None = None
    score: int | None = None
    word: str = Field(default="", sa_type=Text)
    rated_at: datetime | None = None


# Text that compares by code points, whatever the database's collation is.
CodePoints: Final = String().with_variant(String(collation="C"), "postgresql")


class SearchTermRow(TableRow, table=True):
    """One word by which a person or a file is found (`store.desk.names_index`). object_id: contact or attachment."""

    __tablename__ = "search_term"

    kind: str = Field(primary_key=True)
    word: str = Field(sa_column=Column(CodePoints, primary_key=True))
    object_id: UUID = Field(primary_key=True, index=True)


class CaseCodeRow(TableRow, table=True):
    """A one-time code that a visitor of a case's page asked for.

    proof: of the code, bound to the row and to the address; random bytes where the address was not the case's.
    tries: how often a code was entered while this one was valid.  used_at: a code opens a conversation once.
    """

    __tablename__ = "case_code"

    id: UUID = Field(primary_key=True)
    conversation_id: UUID = Field(foreign_key="conversation.id", index=True)
    proof: bytes = Field(sa_type=LargeBinary)
    asked_at: datetime
    until: datetime
    tries: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    used_at: datetime | None = None
