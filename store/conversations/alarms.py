"""Emergencies: why an agent was alerted, and what the agent found. The evidence is kept in either case."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.errors import NotFound
from store.db.bulk import columns_of, insert_new, table_of
from store.db.engine import Rows, read_clock
from store.events.append import EventKind, NewEvent, append_events
from store.tables.desk import EmergencyRow
from store.tables.messages import ConversationRow

_A_DAY: Final = timedelta(days=1)
# The priority of a released emergency: it gets no preference over other conversations.
_CALM: Final = "normal"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyRecord:
    """See `store.tables.desk.EmergencyRow`."""

    conversation_id: UUID
    inbound_id: UUID
    at: datetime
    evidence: dict[str, Any]
    confirmed: bool | None
    by: str
    confirmed_at: datetime | None


@dataclass(frozen=True, slots=True)
class EmergencyTally:
    """How many emergencies were raised, confirmed and released. The rest have no verdict yet."""

    paged: int = 0
    confirmed: int = 0
    released: int = 0


def call_for(connection: Connection, rows: Rows) -> None:
    """Record emergencies; a new danger in a conversation that has a verdict needs a new verdict."""
    table = table_of(EmergencyRow)
    if insert_new(connection, EmergencyRow, rows=rows) == len(rows):
        return
    for row in rows:
        again = {"inbound_id": row["inbound_id"], "at": row["at"], "evidence": row["evidence"]}
        judged = (table.c.conversation_id == row["conversation_id"], table.c.confirmed.is_not(None))
        connection.execute(sa.update(table).where(*judged).values(**again, confirmed=None, by="", confirmed_at=None))


def find_emergency(connection: Connection, conversation_id: UUID) -> EmergencyRecord:
    """Return the emergency of a conversation.

    Raises NotFound when the conversation never was an emergency.
    """
    table = table_of(EmergencyRow)
    columns = columns_of(EmergencyRow, EmergencyRecord)
    row = connection.execute(sa.select(*columns).where(table.c.conversation_id == conversation_id)).mappings().first()
    if row is None:
        raise NotFound("this conversation never was an emergency")
    return EmergencyRecord(**row)


def judge_emergency(connection: Connection, conversation_id: UUID, *, confirmed: bool, by: str) -> EmergencyRecord:
    """Record an agent's verdict; recording the same verdict twice changes nothing.

    Releasing removes the emergency mark and sets the priority to normal; the team and the promises stay until an
    agent changes them. Confirming a released conversation makes it an emergency again.
    Raises NotFound when the conversation never was an emergency.
    """
    known = find_emergency(connection, conversation_id)
    if known.confirmed is confirmed:
        return known
    table, case, now = table_of(EmergencyRow), table_of(ConversationRow), read_clock(connection)
    found = {"confirmed": confirmed, "by": by, "confirmed_at": now}
    connection.execute(sa.update(table).where(table.c.conversation_id == conversation_id).values(**found))
    changed: dict[str, Any] = {"emergency": confirmed, "version": case.c.version + 1}
    if not confirmed:
        changed["priority"] = _CALM
    connection.execute(sa.update(case).where(case.c.id == conversation_id).values(**changed))
    kind = EventKind.EMERGENCY_CONFIRMED if confirmed else EventKind.EMERGENCY_RELEASED
    append_events(connection, [NewEvent(kind, conversation_id, {"by": by}, at=now)])
    return find_emergency(connection, conversation_id)


def tally(connection: Connection) -> EmergencyTally:
    """Return the verdicts on the emergencies of the last 24 hours."""
    columns = table_of(EmergencyRow).c
    counted = (sa.func.count(), *(_times(columns.confirmed.is_(found)) for found in (True, False)))
    row = connection.execute(sa.select(*counted).where(columns.at >= read_clock(connection) - _A_DAY)).one()
    return EmergencyTally(*(int(number or 0) for number in row))


def _times(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.sum(sa.case((condition, 1), else_=0))
