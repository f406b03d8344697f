"""What happened to the cases of agents: written once by the publisher, read by the bell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.event_kinds import EventKind
from router.text.mentions import names_mentioned
from store.conversations.lists import seen_by_teams
from store.db.bulk import among, among_bound, insert_or_replace, table_of
from store.db.engine import upsert
from store.db.plain_rows import PlainStatement, Question
from store.tables.agents import AgentNoticeKind, AgentNoticeRow, AgentPreferenceRow, AgentRow
from store.tables.messages import ContactRow, ConversationRow, IdentityRow, MessageRow
from store.tables.operations import EventRow

# What was read is deleted after this time.
_KEPT: Final = timedelta(days=30)
# Whose agent hears of it: the one who has the case.
_TO_ASSIGNEE: Final[Mapping[EventKind, AgentNoticeKind]] = {
    EventKind.MESSAGE_RECEIVED: AgentNoticeKind.ANSWERED,
    EventKind.OUTBOUND_FAILED: AgentNoticeKind.UNDELIVERED,
    EventKind.OUTBOUND_NEEDS_PERSON: AgentNoticeKind.UNDELIVERED,
    EventKind.SLA_WARNING: AgentNoticeKind.DUE,
    EventKind.SLA_BREACHED: AgentNoticeKind.DUE,
    EventKind.CONVERSATION_RELEASED: AgentNoticeKind.RETURNED,
}
_NAMING: Final = (EventKind.CONVERSATION_ASSIGNED, EventKind.EMERGENCY_ESCALATED, EventKind.MESSAGE_NOTED)
_KINDS: Final = (*_TO_ASSIGNEE, *_NAMING)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentNotice:
    """One line of the bell. by: who did it, empty for the desk.

    customer: the name, else the oldest handle.  handle_kind: of that handle (`PartyKind`).
    """

    agent_id: UUID
    conversation_id: UUID
    kind: str
    number: int
    at: datetime
    by: str
    read_at: datetime | None
    reference: str
    subject: str
    customer: str
    handle_kind: str
    team: str


def write_notices(connection: Connection, *, after: int) -> int:
    """Write what the events with greater numbers mean for agents; return how many.

    Call it in the publisher's transaction, so that each event is written once.
    """
    events = connection.execute(_telling(), {"after": after}).mappings().all()
    if not events:
        return 0
    agents = _agents(connection)
    owners = _owners(connection, {row["conversation_id"] for row in events})
    notes = _notes(connection, [row["payload"] for row in events if row["kind"] == EventKind.MESSAGE_NOTED])
    news: dict[tuple[UUID, UUID, str], dict[str, Any]] = {}
    for row in events:
        for name, kind, by in _meaning(row, owner=owners.get(row["conversation_id"]), notes=notes, agents=agents):
            if name != by and name in agents:
                key = (agents[name], row["conversation_id"], str(kind))
                news[key] = {"number": row["number"], "at": row["at"], "by": by, "read_at": None}
    named = ("agent_id", "conversation_id", "kind")
    rows = [{**dict(zip(named, key, strict=True)), **values} for key, values in news.items()]
    insert_or_replace(connection, AgentNoticeRow, rows=rows)
    return len(news)


@cache
def _telling() -> sa.Select[Any]:
    """Return the query for the new events that may mean something for agents, built once: each publication asks."""
    event = table_of(EventRow).c
    columns = (event.number, event.kind, event.conversation_id, event.payload, event.at)
    kinds = among(event.kind, [str(kind) for kind in _KINDS])
    return sa.select(*columns).where(event.number > sa.bindparam("after"), kinds).order_by(event.number)


def _meaning(
    row: sa.RowMapping, *, owner: str | None, notes: Mapping[str, str], agents: Collection[str]
) -> Iterator[tuple[str, AgentNoticeKind, str]]:
    """Yield who hears of an event, as what, and who did it."""
    payload, kind = row["payload"], EventKind(row["kind"])
    by = str(payload.get("by") or payload.get("author") or "")
    if kind is EventKind.MESSAGE_NOTED:
        for name in names_mentioned(notes.get(str(payload.get("message_id")), ""), agents):
            yield name, AgentNoticeKind.MENTIONED, by
    elif kind is EventKind.EMERGENCY_ESCALATED:
        # To a team, it gets an agent later; to no one, it stays with the agent who has it.
        if payload.get("to") and payload.get("to") == payload.get("assignee"):
            yield str(payload["to"]), AgentNoticeKind.ASSIGNED, by
    elif kind is EventKind.CONVERSATION_ASSIGNED:
        if payload.get("assignee"):
            yield str(payload["assignee"]), AgentNoticeKind.ASSIGNED, by
    elif owner:
        yield owner, _TO_ASSIGNEE[kind], ""


def _agents(connection: Connection) -> dict[str, UUID]:
    return {row.name: row.id for row in connection.execute(_named_agents())}


@cache
def _named_agents() -> sa.Select[Any]:
    columns = table_of(AgentRow).c
    return sa.select(columns.name, columns.id).where(columns.revoked_at.is_(None))


def _owners(connection: Connection, ids: Collection[UUID]) -> dict[UUID, str | None]:
    rows = connection.execute(_owned(), {"ids": [each for each in ids if each]})
    return {row.id: row.assignee for row in rows}


@cache
def _owned() -> sa.Select[Any]:
    columns = table_of(ConversationRow).c
    return sa.select(columns.id, columns.assignee).where(among_bound(columns.id, "ids"))


def _notes(connection: Connection, payloads: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    ids = [UUID(payload["message_id"]) for payload in payloads if payload.get("message_id")]
    if not ids:
        return {}
    columns = table_of(MessageRow).c
    statement = sa.select(columns.id, columns.text).where(among(columns.id, ids))
    return {str(row.id): row.text for row in connection.execute(statement)}


def notices_of(
    connection: Connection, agent_id: UUID, *, only_teams: Collection[str] | None, limit: int
) -> list[AgentNotice]:
    """Return the newest notices of an agent about conversations that they may see."""
    notice = table_of(AgentNoticeRow).c
    statement = _select().where(notice.agent_id == agent_id, *seen_by_teams(only_teams))
    rows = connection.execute(statement.order_by(notice.at.desc()).limit(limit)).mappings()
    return [AgentNotice(**row) for row in rows]


def notices_between(connection: Connection, agent_ids: Collection[UUID], *, first: int, last: int) -> list[AgentNotice]:
    """Return the notices of these agents about the events with these numbers."""
    notice = table_of(AgentNoticeRow).c
    statement = _select().where(notice.number >= first, notice.number <= last, among(notice.agent_id, agent_ids))
    return [AgentNotice(**row) for row in connection.execute(statement.order_by(notice.number)).mappings()]


def _select() -> sa.Select[Any]:
    identity = table_of(IdentityRow).c
    notice, conversation, contact = (table_of(each) for each in (AgentNoticeRow, ConversationRow, ContactRow))
    joined = notice.join(conversation, conversation.c.id == notice.c.conversation_id)
    theirs = (conversation.c[name] for name in ("reference", "subject", "team"))
    handle, kind = (_oldest(column) for column in (identity.handle, identity.kind))
    customer = sa.func.coalesce(sa.func.nullif(contact.c.name, ""), handle, "").label("customer")
    handle_kind = sa.func.coalesce(kind, "").label("handle_kind")
    return sa.select(*notice.c, *theirs, customer, handle_kind).select_from(
        joined.join(contact, contact.c.id == conversation.c.contact_id)
    )


def _oldest(column: sa.ColumnElement[str]) -> sa.ScalarSelect[str]:
    """Return a column of the contact's oldest identity."""
    identity, contact = table_of(IdentityRow).c, table_of(ContactRow).c
    found = sa.select(column).where(identity.contact_id == contact.id).order_by(identity.created_at, identity.id)
    return found.limit(1).correlate(table_of(ContactRow)).scalar_subquery()


def count_unread(connection: Connection, agent_ids: Collection[UUID]) -> Counter[UUID]:
    """Return how many notices each agent has not seen: one query for all."""
    notice = table_of(AgentNoticeRow).c
    statement = sa.select(notice.agent_id, sa.func.count()).where(
        among(notice.agent_id, agent_ids), notice.read_at.is_(None)
    )
    return Counter({row[0]: row[1] for row in connection.execute(statement.group_by(notice.agent_id))})


def has_unread(connection: Connection, agent_id: UUID, *, conversation_id: UUID) -> bool:
    """Return whether the agent has not seen a notice about the conversation."""
    statement, values = unread_notice(agent_id, conversation_id=conversation_id)
    return bool(statement.rows(connection, values))


def unread_notice(agent_id: UUID, *, conversation_id: UUID) -> Question:
    """Return the question of `has_unread`."""
    return _unread(), {"agent": agent_id, "conversation": conversation_id}


@cache
def _unread() -> PlainStatement:
    notice = table_of(AgentNoticeRow).c
    theirs = (notice.agent_id == sa.bindparam("agent"), notice.conversation_id == sa.bindparam("conversation"))
    return PlainStatement(sa.select(notice.kind).where(*theirs, notice.read_at.is_(None)).limit(1))


def read_notices(connection: Connection, agent_id: UUID, *, now: datetime, conversation_id: UUID | None = None) -> None:
    """Record that the agent has seen the notices, of one conversation or all; delete what is old."""
    table = table_of(AgentNoticeRow)
    mine = [table.c.agent_id == agent_id]
    connection.execute(sa.delete(table).where(*mine, table.c.read_at < now - _KEPT))
    if conversation_id is not None:
        mine.append(table.c.conversation_id == conversation_id)
    connection.execute(sa.update(table).where(*mine, table.c.read_at.is_(None)).values(read_at=now))


def preferences_of(connection: Connection, agent_ids: Collection[UUID], *, name: str) -> dict[UUID, str]:
    """Return the agents' values of one preference; an agent who never chose is not in it."""
    columns = table_of(AgentPreferenceRow).c
    statement = sa.select(columns.agent_id, columns.value).where(among(columns.agent_id, agent_ids))
    return {row.agent_id: row.value for row in connection.execute(statement.where(columns.name == name))}


def prefer(connection: Connection, agent_id: UUID, *, name: str, value: str) -> None:
    """Record an agent's choice."""
    row = {"agent_id": agent_id, "name": name, "value": value}
    upsert(connection, AgentPreferenceRow, row=row, keys=("agent_id", "name"), changed=("value",))
