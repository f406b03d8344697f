"""Requests to be called back: what agents still have to do, and who did it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.conversations.lists import seen_by_teams
from store.db.bulk import table_of
from store.db.engine import read_clock
from store.tables.gates import PhoneCallRow
from store.tables.messages import ConversationRow, InboundRow, MessageRow


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBack:
    """A request. id: of its call.  since: when they called.  reference, status: of the case where it stands."""

    id: UUID
    caller: str
    channel: str
    since: datetime
    danger: bool
    reference: str
    subject: str
    status: str


def list_call_backs(connection: Connection, *, only_teams: Collection[str] | None, limit: int) -> list[CallBack]:
    """Return the open requests, emergencies first, then the oldest. only_teams: that the reader sees; None for all."""
    call, case = table_of(PhoneCallRow).c, table_of(ConversationRow).c
    columns = (
        call.id,
        call.caller,
        call.channel,
        call.started_at.label("since"),
        call.danger,
        case.reference,
        case.subject,
        case.status,
    )
    wanted = _callback_requests(sa.select(*columns), only_teams)
    rows = connection.execute(wanted.order_by(call.danger.desc(), call.started_at).limit(limit)).mappings()
    return [CallBack(**row) for row in rows]


def settle_call_back(connection: Connection, call_id: UUID, *, by: str, only_teams: Collection[str] | None) -> bool:
    """Record that an agent dealt with a request; return whether it was open, and theirs to see."""
    call = table_of(PhoneCallRow)
    mine = _callback_requests(sa.select(call.c.id), only_teams).where(call.c.id == call_id)
    if connection.execute(mine).first() is None:
        return False
    statement = sa.update(call).where(call.c.id == call_id, call.c.called_back_at.is_(None))
    done = connection.execute(statement.values(called_back_at=read_clock(connection), called_back_by=by))
    return bool(done.rowcount)


def settle_call_backs_of(connection: Connection, *, channel: str, caller: str, by: str) -> int:
    """Record that an agent called a number back; return how many requests that settles."""
    call = table_of(PhoneCallRow)
    theirs = (call.c.channel == channel, call.c.caller == caller, call.c.wants_callback)
    statement = sa.update(call).where(*theirs, call.c.called_back_at.is_(None))
    done = connection.execute(statement.values(called_back_at=read_clock(connection), called_back_by=by))
    return int(done.rowcount)


def _callback_requests(chosen: sa.Select[Any], only_teams: Collection[str] | None) -> sa.Select[Any]:
    call, inbound = table_of(PhoneCallRow), table_of(InboundRow)
    message, case = table_of(MessageRow), table_of(ConversationRow)
    its_row = sa.and_(inbound.c.channel == call.c.channel, inbound.c.source_key == call.c.sid)
    return (
        chosen.select_from(call)
        .join(inbound, its_row)
        .join(message, message.c.inbound_id == inbound.c.id)
        .join(case, case.c.id == message.c.conversation_id)
        .where(call.c.wants_callback, call.c.called_back_at.is_(None), *seen_by_teams(only_teams))
    )
