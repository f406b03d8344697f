"""The queue of a chat: who waits in which order, and how long first answers took; and what agents see of chats."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from router.text.customer_name import visitor_name
from store.db.bulk import among_bound, columns_of, table_of, unindexed
from store.db.engine import read_clock
from store.tables.chat import ChatSessionRow
from store.tables.messages import ConversationRow

# A visitor who closed the page keeps the place for so long.
KEEPS_PLACE: Final = timedelta(minutes=10)
_MOST_WAITING: Final = 1_000
# A chat that is silent ends long before; older conversations need not be read.
_STILL_OPEN: Final = timedelta(days=1)
# Of one process's poll. More changes in that time are read with the next heartbeat.
_MOST_CHANGES: Final = 5_000
# What a list of waiting chats shows of the conversation.
_OF_CASE: Final = ("reference", "subject", "team", "assignee", "emergency")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedSession:
    """A session that changed lately."""

    id: UUID
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstAnswer:
    """When a visitor asked, and when an agent answered first."""

    channel: str
    asked_at: datetime
    answered_at: datetime

    @property
    def waited(self) -> timedelta:
        """How long the visitor waited."""
        return self.answered_at - self.asked_at


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatCase:
    """What a visitor sees of the conversation. agent: who has it."""

    id: UUID
    reference: str
    agent: str | None
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedChat:
    """A chat as agents see it in a list. name: empty if the visitor gave none.  here_until: see `ChatSessionRow`."""

    session_id: UUID
    conversation_id: UUID
    channel: str
    name: str
    here_until: datetime | None
    reference: str
    subject: str

    @property
    def called(self) -> str:
        """What agents call the visitor."""
        return self.name or visitor_name(self.session_id, language="en")

    def is_here(self, now: datetime) -> bool:
        """Whether the visitor's page is open."""
        return self.here_until is not None and self.here_until > now


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingChat(ListedChat):
    """A chat in which a visitor waits for the first answer. handle, proved: of the visitor, as in `ChatSessionRow`."""

    handle: str
    proved: bool
    waiting_since: datetime
    team: str
    assignee: str | None
    emergency: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OngoingChat(ListedChat):
    """A chat that an agent has answered, and in which the visitor has not written since."""

    last_message_at: datetime


def is_here(now: datetime) -> sa.ColumnElement[bool]:
    """Return the condition that a session's visitor is there, or was less than ten minutes ago."""
    return was_here(now - KEEPS_PLACE)


def was_here(since: datetime | sa.BindParameter[datetime]) -> sa.ColumnElement[bool]:
    """Return the condition that a session's visitor was there after a moment: `is_here` by the time it may name."""
    columns = table_of(ChatSessionRow).c
    return sa.or_(columns.here_until > since, columns.heard_at > since)


def waiting_in(connection: Connection, channel: str) -> list[UUID]:
    """Return the sessions that wait for an agent, the longest first; without visitors who are gone for long."""
    table, case, now = table_of(ChatSessionRow), table_of(ConversationRow), read_clock(connection)
    joined = sa.outerjoin(table, case, case.c.id == table.c.conversation_id)
    here = is_here(now)
    # Where our greeting asks what it is about, the visitor's words are awaited, and no agent.
    untaken = sa.or_(case.c.id.is_(None), sa.and_(case.c.assignee.is_(None), case.c.status != Status.PENDING))
    waits = (table.c.channel == channel, table.c.waiting_since.is_not(None), table.c.ended_at.is_(None))
    found = sa.select(table.c.id).select_from(joined).where(*waits, here, untaken)
    ordered = found.order_by(table.c.waiting_since, table.c.id).limit(_MOST_WAITING)
    return list(connection.execute(ordered).scalars())


def first_answers(connection: Connection, channel: str, *, limit: int) -> list[FirstAnswer]:
    """Return when the visitors of the last answered chats asked, and when they got the first answer."""
    table = table_of(ChatSessionRow)
    known = (table.c.channel == channel, table.c.answered_at.is_not(None), table.c.asked_at.is_not(None))
    statement = sa.select(*columns_of(ChatSessionRow, FirstAnswer)).where(*known)
    latest = connection.execute(statement.order_by(table.c.answered_at.desc()).limit(limit)).mappings()
    return [FirstAnswer(**row) for row in latest]


def changed_since(connection: Connection, since: datetime) -> list[ChangedSession]:
    """Return the sessions that changed since then; transactions commit later than their clock says, so ask back."""
    table = table_of(ChatSessionRow)
    statement = (
        sa.select(table.c.id, table.c.version).where(table.c.changed_at >= since).order_by(table.c.changed_at.desc())
    )
    return [ChangedSession(**row) for row in connection.execute(statement.limit(_MOST_CHANGES)).mappings()]


def case_of_chat(connection: Connection, conversation_id: UUID) -> ChatCase | None:
    """Return what a visitor sees of their conversation; the one it was merged into, if it was."""
    table = table_of(ConversationRow)
    for _ in range(3):
        names = (table.c.id, table.c.reference, table.c.assignee, table.c.status, table.c.merged_into)
        row = connection.execute(sa.select(*names).where(table.c.id == conversation_id)).first()
        if row is None or row.merged_into is None:
            break
        conversation_id = row.merged_into
    return ChatCase(id=row.id, reference=row.reference, agent=row.assignee, status=row.status) if row else None


def waiting_chats(
    connection: Connection, *, teams: Collection[str] | None, limit: int, urgent: bool = False
) -> list[WaitingChat]:
    """Return the chats in which a visitor waits for the first answer, the longest first; also while they are closed.

    teams: None means all.  urgent: the emergencies too, which stand above the others in the inbox.
    """
    values = {"most": limit} | ({} if teams is None else {"teams": teams})
    rows = connection.execute(_waiting(is_limited=teams is not None, urgent=urgent), values).mappings()
    return [WaitingChat(**row) for row in rows]


@cache
def _waiting(*, is_limited: bool, urgent: bool) -> sa.Select[Any]:
    table, case = table_of(ChatSessionRow), table_of(ConversationRow)
    names = columns_of(ChatSessionRow, WaitingChat, but=("session_id", *_OF_CASE))
    found = sa.select(table.c.id.label("session_id"), *names, *(case.c[name] for name in _OF_CASE))
    found = found.join(case, case.c.id == table.c.conversation_id)
    # Few chats wait, and many conversations are open.
    is_open = unindexed(case.c.status) == Status.OPEN
    waits = (table.c.waiting_since.is_not(None), table.c.ended_at.is_(None), is_open)
    found = found.where(*waits, case.c.merged_into.is_(None))
    if not urgent:
        found = found.where(case.c.emergency.is_(False))
    if is_limited:
        found = found.where(among_bound(case.c.team, "teams"))
    return found.order_by(table.c.waiting_since, table.c.id).limit(sa.bindparam("most", type_=sa.Integer()))


def ongoing_chats(connection: Connection, *, agent: str, limit: int) -> list[OngoingChat]:
    """Return the chats of this agent that wait for a visitor who is there, or was less than ten minutes ago.

    agent: the name.  The newest first.
    """
    table, case = table_of(ChatSessionRow), table_of(ConversationRow)
    names = [table.c[name] for name in ("conversation_id", "channel", "name", "here_until")]
    shown = (case.c.reference, case.c.subject, case.c.last_message_at)
    statement = sa.select(table.c.id.label("session_id"), *names, *shown)
    statement = statement.join(case, case.c.id == table.c.conversation_id)
    theirs = (case.c.assignee == agent, case.c.status == Status.PENDING, case.c.merged_into.is_(None))
    now = read_clock(connection)
    is_recent = case.c.last_message_at > now - _STILL_OPEN
    statement = statement.where(*theirs, is_recent, table.c.ended_at.is_(None), is_here(now))
    rows = connection.execute(statement.order_by(case.c.last_message_at.desc(), case.c.id).limit(limit)).mappings()
    return [OngoingChat(**row) for row in rows]
