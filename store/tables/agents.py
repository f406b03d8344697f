"""The tables of agents: how they sign in, their skills, notices and saved views."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import BigInteger, Column, Index, String, Text, text
from sqlalchemy import false as sa_false
from sqlmodel import Field

from store.tables.messages import Json
from store.tables.row import TableRow

_HAS_EMAIL: Final = text("email <> ''")
_BOUND: Final = text("provider_subject <> ''")


class AgentRow(TableRow, table=True):
    """An agent or program. token_hash: SHA-256, hex; the token itself is shown once and not stored.

    available: takes assigned work.  capacity: the limit of assigned work (`router.routing.assignment`).
    chat_slots: how many chats the agent is given at once; None for what the chat's channel says.
    assigned_at: when the agent last got work.
    scopes: the token's verbs; None means all of the role.  expires_at: when the token expires.
    previous_hash: the token before the last rotation, valid until previous_until.
    session_epoch: sessions of a smaller number have ended.
    away_from, away_until: gets no assigned work in between.
    password_hash, totp_secret, totp_step: see `store.desk.passwords`; empty for an agent who only has a token.
    email: the agent's own mail address, in lower case; empty for none.
    provider_subject: the account at the sign-in provider, after its issuer; empty before the first sign-in there.
    """

    __tablename__ = "agent"
    __table_args__ = (
        Index("ux_agent_email", "email", unique=True, postgresql_where=_HAS_EMAIL, sqlite_where=_HAS_EMAIL),
        Index("ux_agent_subject", "provider_subject", unique=True, postgresql_where=_BOUND, sqlite_where=_BOUND),
    )

    id: UUID = Field(primary_key=True)
    name: str = Field(unique=True)
    role: str = "agent"
    token_hash: str = Field(unique=True)
    created_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    available: bool = Field(default=False, sa_column_kwargs={"server_default": sa_false()})
    capacity: int = Field(default=20, sa_column_kwargs={"server_default": "20"})
    chat_slots: int | None = None
    assigned_at: datetime | None = None
    scopes: list[str] | None = Field(default=None, sa_type=Json)
    expires_at: datetime | None = None
    previous_hash: str | None = None
    previous_until: datetime | None = None
    session_epoch: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    away_from: datetime | None = None
    away_until: datetime | None = None
    password_hash: str = Field(default="", sa_column_kwargs={"server_default": ""})
    password_at: datetime | None = None
    totp_secret: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": ""})
    totp_step: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    email: str = Field(default="", sa_column_kwargs={"server_default": ""})
    provider_subject: str = Field(default="", sa_column_kwargs={"server_default": ""})


class RecoveryCodeRow(TableRow, table=True):
    """A code that stands in for an agent's second factor, once. code_hash: with the agent's id, hex.

    used_at: when it was used; a used code stays until new ones are made.
    """

    __tablename__ = "recovery_code"

    agent_id: UUID = Field(primary_key=True, foreign_key="agent.id")
    code_hash: str = Field(primary_key=True)
    made_at: datetime
    used_at: datetime | None = None


class EndedSessionRow(TableRow, table=True):
    """A session of the pages that its agent ended; kept until its cookie would have ended by itself."""

    __tablename__ = "ended_session"

    id: UUID = Field(primary_key=True)
    ended_at: datetime = Field(index=True)


class SkillKind(StrEnum):
    """What an agent may be assigned. At least one team is needed; no language or category means any."""

    TEAM = "team"
    LANGUAGE = "language"
    CATEGORY = "category"


class AgentNoticeKind(StrEnum):
    """What an agent hears of.

    mentioned: named in a note.  assigned: got the case.  answered: its customer wrote again.
    undelivered: a message did not arrive.  due: a promise is near or broken.  returned: a snooze is over.
    """

    MENTIONED = "mentioned"
    ASSIGNED = "assigned"
    ANSWERED = "answered"
    UNDELIVERED = "undelivered"
    DUE = "due"
    RETURNED = "returned"


class AgentSkillRow(TableRow, table=True):
    """One skill of an agent."""

    __tablename__ = "agent_skill"

    agent_id: UUID = Field(primary_key=True, foreign_key="agent.id")
    kind: str = Field(primary_key=True, sa_type=String)
    value: str = Field(primary_key=True)


class AgentNoticeRow(TableRow, table=True):
    """The newest thing of a kind that happened to an agent in a conversation. number: of its event.

    kind: `AgentNoticeKind`.  by: who did it, empty for the desk.  read_at: None while the agent has not seen it.
    """

    __tablename__ = "agent_notice"
    __table_args__ = (Index("ix_agent_notice_at", "agent_id", "at"),)

    agent_id: UUID = Field(primary_key=True, foreign_key="agent.id")
    conversation_id: UUID = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    number: int = Field(sa_type=BigInteger, index=True)
    at: datetime
    by: str = ""
    read_at: datetime | None = None


class AgentPreferenceRow(TableRow, table=True):
    """A choice of an agent about the pages."""

    __tablename__ = "agent_preference"

    agent_id: UUID = Field(primary_key=True, foreign_key="agent.id")
    name: str = Field(primary_key=True)
    value: str = Field(sa_type=Text)


class SavedViewRow(TableRow, table=True):
    """A list that an agent keeps under a name. agent_id: whose it is; None for a team's.  query: of the list's URL."""

    __tablename__ = "saved_view"

    id: UUID = Field(primary_key=True)
    agent_id: UUID | None = Field(default=None, index=True)
    team: str | None = Field(default=None, index=True)
    name: str
    query: str = Field(sa_type=Text)
    made_by: str
    created_at: datetime
