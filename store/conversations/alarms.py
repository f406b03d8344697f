"""Emergencies: who was called for what, and what a person found. The evidence stays, whatever was found."""

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
# What a false alarm becomes: whoever found it false sees to it like to any other.
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
    """How many conversations people were called for, how many were true, how many were not. The rest nobody judged."""

    paged: int = 0
    confirmed: int = 0
    released: int = 0


def call_for(connection: Connection, rows: Rows) -> None:
    """Write down for what people are called; danger that is said again after somebody judged it is judged anew."""
    table = table_of(EmergencyRow)
    if insert_new(connection, EmergencyRow, rows=rows) == len(rows):
        return
    for row in rows:
        anew = {"inbound_id": row["inbound_id"], "at": row["at"], "evidence": row["evidence"]}
        judged = (table.c.conversation_id == row["conversation_id"], table.c.confirmed.is_not(None))
        connection.execute(sa.update(table).where(*judged).values(**anew, confirmed=None, by="", confirmed_at=None))


def find_emergency(connection: Connection, conversation_id: UUID) -> EmergencyRecord:
    """Return what is known of a conversation's emergency.

    Raises NotFound when nobody was ever called for it.
    """
    table = table_of(EmergencyRow)
    columns = columns_of(EmergencyRow, EmergencyRecord)
    row = connection.execute(sa.select(*columns).where(table.c.conversation_id == conversation_id)).mappings().first()
    if row is None:
        raise NotFound("nobody was called for this conversation")
    return EmergencyRecord(**row)


def judge_emergency(connection: Connection, conversation_id: UUID, *, confirmed: bool, by: str) -> EmergencyRecord:
    """Write down what a person found; said twice, it is said once.

    A released conversation is no emergency any more and of normal priority; its team and its promises stay until
    somebody changes them. Confirming one that was released makes it an emergency again.
    Raises NotFound when nobody was ever called for it.
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
    """Return what became of the emergencies of the last 24 hours."""
    columns = table_of(EmergencyRow).c
    counted = (sa.func.count(), *(_times(columns.confirmed.is_(found)) for found in (True, False)))
    row = connection.execute(sa.select(*counted).where(columns.at >= read_clock(connection) - _A_DAY)).one()
    return EmergencyTally(*(int(number or 0) for number in row))


def _times(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.sum(sa.case((condition, 1), else_=0))
