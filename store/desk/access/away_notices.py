"""Agents who are away and asked for mail: what waits for them, and the mail about it in the ledger."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.routing.assignment import SEES_ALL_ROLES
from store.db.bulk import among_bound, insert_new, table_of
from store.tables.agents import AgentNoticeKind, AgentNoticeRow, AgentPreferenceRow, AgentRow, AgentSkillRow, SkillKind
from store.tables.messages import ConversationRow
from store.tables.operations import AGENT_MAIL, OutboundRow, OutboundState

# What an agent chose on the page of notices; see `api.pages.bell`.
_CHOICES, _MAIL = "calls", "away_mail"


@dataclass(frozen=True, slots=True, kw_only=True)
class AwayNotice:
    """What waits for an agent who is away."""

    agent_id: UUID
    name: str
    email: str
    kind: str
    number: int
    conversation_id: UUID
    reference: str
    subject: str
    emergency: bool
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentMail:
    """A mail to an agent. sender_name: see `OutboundRow`."""

    id: UUID
    channel: str
    sender_name: str
    subject: str
    text: str
    rfc_message_id: str


def waiting_for_away(
    connection: Connection, *, after: int, kinds: Collection[AgentNoticeKind], now: datetime
) -> Iterator[AwayNotice]:
    """Yield the new notices of agents who are away, have an address, asked for mail, and may see the conversation.

    after: the number before the first new event.
    """
    values = {"after": after, "kinds": [str(kind) for kind in kinds], "now": now}
    for row in connection.execute(_waiting(), values).mappings():
        if _MAIL in row["value"].split() and _sees(connection, row):
            fields = {name: row[name] for name in AwayNotice.__dataclass_fields__}
            yield AwayNotice(**fields)


@cache
def _waiting() -> sa.Select[Any]:
    """Return the query for new notices of agents who are away, built once: each publication asks."""
    notice, agent, case = (table_of(row) for row in (AgentNoticeRow, AgentRow, ConversationRow))
    chosen, now = table_of(AgentPreferenceRow), sa.bindparam("now", type_=table_of(AgentRow).c.away_until.type)
    absent = sa.and_(sa.or_(agent.c.away_from.is_(None), agent.c.away_from <= now), agent.c.away_until > now)
    joined = notice.join(agent, agent.c.id == notice.c.agent_id).join(case, case.c.id == notice.c.conversation_id)
    joined = joined.join(chosen, sa.and_(chosen.c.agent_id == agent.c.id, chosen.c.name == _CHOICES))
    statement = sa.select(
        *(notice.c[name] for name in ("agent_id", "kind", "number", "conversation_id")),
        *(agent.c[name] for name in ("name", "email", "role")),
        *(case.c[name] for name in ("reference", "subject", "emergency", "language", "team")),
        chosen.c.value,
    ).select_from(joined)
    return statement.where(
        notice.c.number > sa.bindparam("after"),
        among_bound(notice.c.kind, "kinds"),
        agent.c.email != "",
        agent.c.revoked_at.is_(None),
        sa.or_(agent.c.available.is_(False), absent),
    ).order_by(notice.c.number)


def queue_agent_mail(
    connection: Connection, notice: AwayNotice, mail: AgentMail, *, now: datetime, quiet_since: datetime
) -> bool:
    """Put a mail into the ledger; False if the agent got one about this conversation since `quiet_since`."""
    table = table_of(OutboundRow)
    statement = sa.select(table.c.id).where(
        table.c.conversation_id == notice.conversation_id,
        table.c.kind == AGENT_MAIL,
        table.c.recipient == notice.email,
        table.c.created_at > quiet_since,
    )
    if connection.execute(statement.limit(1)).first() is not None:
        return False
    row = {
        "id": mail.id,
        "dedupe_key": f"away:{notice.agent_id}:{notice.conversation_id}:{notice.number}",
        "conversation_id": notice.conversation_id,
        "kind": AGENT_MAIL,
        "channel": mail.channel,
        "recipient": notice.email,
        "sender_name": mail.sender_name,
        "subject": mail.subject,
        "text": mail.text,
        "rfc_message_id": mail.rfc_message_id,
        "state": OutboundState.QUEUED,
        "created_at": now,
        "due_at": now,
        "attempts": 0,
    }
    return bool(insert_new(connection, OutboundRow, rows=[row]))


def _sees(connection: Connection, row: sa.RowMapping) -> bool:
    skill = table_of(AgentSkillRow).c
    statement = sa.select(skill.value).where(skill.agent_id == row["agent_id"], skill.kind == SkillKind.TEAM)
    teams = set(connection.execute(statement).scalars())
    return not teams or row["team"] in teams or row["role"] in SEES_ALL_ROLES
