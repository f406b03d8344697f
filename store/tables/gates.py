"""The tables of the gates: files that are fetched later, further ids of our messages, contact points, calls."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index as SqlIndex
from sqlalchemy import LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy import false as sa_false
from sqlmodel import Field

from store.tables.row import TableRow


class FileState(StrEnum):
    """waiting -> fetched | failed. A failed one says why."""

    WAITING = "waiting"
    FETCHED = "fetched"
    FAILED = "failed"


class FetchedFileRow(TableRow, table=True):
    """A file of a message that came as a reference: it is fetched after the message is on disk.

    id: of its attachment.  url: sealed.  content: packed and sealed; None before it is fetched.
    sha256: as announced, hex; empty without one.  due_at: when to try.  lease_until: when its process counts as dead.
    error: a code for why it cannot be fetched.
    """

    __tablename__ = "fetched_file"
    __table_args__ = (
        SqlIndex(
            "ix_fetched_file_due",
            "due_at",
            postgresql_where=text("state = 'waiting'"),
            sqlite_where=text("state = 'waiting'"),
        ),
    )

    id: UUID = Field(primary_key=True)
    inbound_id: UUID = Field(foreign_key="inbound.id", index=True)
    channel: str
    url: str = Field(sa_type=Text)
    sha256: str = ""
    state: str = Field(default=FileState.WAITING, sa_type=String)
    attempts: int = 0
    due_at: datetime
    lease_until: datetime | None = None
    content: bytes | None = Field(default=None, sa_type=LargeBinary)
    size: int = 0
    error: str = Field(default="", sa_type=Text)


class ProviderIdRow(TableRow, table=True):
    """A further id that a provider gave to one of our messages; the first one is in the row of the message."""

    __tablename__ = "provider_id"

    channel: str = Field(primary_key=True)
    provider_id: str = Field(primary_key=True)
    outbound_id: UUID = Field(foreign_key="outbound.id", index=True)


class ContactPointRow(TableRow, table=True):
    """A further way to reach a contact, as a channel reports it; it identifies no one.

    verified: the channel has tested that it is theirs; what one channel says, another does not take back.
    """

    __tablename__ = "contact_point"

    contact_id: UUID = Field(primary_key=True, foreign_key="contact.id")
    kind: str = Field(primary_key=True)
    value: str = Field(primary_key=True, index=True)
    channel: str = Field(primary_key=True)
    verified: bool = Field(default=False, sa_column_kwargs={"server_default": sa_false()})
    said_at: datetime


class PhoneCallRow(TableRow, table=True):
    """A call to a hotline that a menu of ours answers; see `router.phone_call.PhoneCall`.

    recordings: JSON.  transcript: sealed.  due_at: when its message is to be written next; None for never.
    called_back_at, called_back_by: when an agent dealt with the call-back request, and who.
    """

    __tablename__ = "phone_call"
    __table_args__ = (
        UniqueConstraint("channel", "sid"),
        SqlIndex("ix_phone_call_caller", "channel", "caller", "started_at"),
        SqlIndex(
            "ix_phone_call_due",
            "due_at",
            postgresql_where=text("due_at IS NOT NULL"),
            sqlite_where=text("due_at IS NOT NULL"),
        ),
        SqlIndex(
            "ix_phone_call_wish",
            "started_at",
            postgresql_where=text("wants_callback AND called_back_at IS NULL"),
            sqlite_where=text("wants_callback AND called_back_at IS NULL"),
        ),
    )

    id: UUID = Field(primary_key=True)
    channel: str
    sid: str
    caller: str
    started_at: datetime
    ended_at: datetime | None = None
    phase: int = 0
    danger: bool = Field(default=False, sa_column_kwargs={"server_default": sa_false()})
    wants_callback: bool = Field(default=False, sa_column_kwargs={"server_default": sa_false()})
    talked: bool = Field(default=False, sa_column_kwargs={"server_default": sa_false()})
    rejected: bool = Field(default=False, sa_column_kwargs={"server_default": sa_false()})
    backfill: bool = Field(default=False, sa_column_kwargs={"server_default": sa_false()})
    dial: str = ""
    recordings: str = Field(default="[]", sa_type=Text)
    transcript: str = Field(default="", sa_type=Text)
    version: int = 1
    written: int = 0
    due_at: datetime | None = None
    called_back_at: datetime | None = None
    called_back_by: str = ""
