"""Calls to a hotline with their cases, for tests of the list of calls to make. A plain module."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.engine import Connection

from store.db.bulk import insert_rows
from store.db.engine import read_clock
from store.db.ids import new_id
from store.tables.gates import PhoneCallRow
from tests.inbox_builder import Builder

MISSED: dict[str, Any] = {
    "phase": 2,
    "dial": "",
    "recordings": "[]",
    "transcript": "",
    "called_back_by": "",
    **dict.fromkeys(("danger", "wants_callback", "talked", "rejected", "backfill"), False),
}


def called(
    connection: Connection, caller: str, *, minutes: int, channel: str = "hotline", team: str = "payments", **over: Any
) -> UUID:
    """Write a call that began so many minutes ago, with its case; return the case's id."""
    now, call_id = read_clock(connection), new_id()
    build = Builder(connection, now=now)
    case = build.conversation(handle=f"{caller or 'withheld'}-{call_id.hex}", channel=channel, team=team)
    inbound = build.inbound(call_id.bytes, channel=channel, source_key=call_id.hex)
    build.message(case, channel=channel, inbound_id=inbound, text="Missed call 未接来电")
    row = {"id": call_id, "channel": channel, "sid": call_id.hex, "caller": caller}
    insert_rows(connection, PhoneCallRow, rows=[MISSED | row | {"started_at": now - timedelta(minutes=minutes)} | over])
    return case
