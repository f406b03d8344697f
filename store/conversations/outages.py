"""Words that many customers say at once: an outage, or a text that was sent to all of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.db.bulk import among, insert_new, table_of
from store.events.append import EventKind, NewEvent
from store.tables.desk import OutageRow
from store.tables.messages import MessageRow

# Within which customers who say the same have one cause.
BURST: Final = timedelta(hours=1)
_SEEN_EVERY: Final = timedelta(minutes=1)


def notice_bursts(
    connection: Connection, *, echoes: Mapping[str, UUID], customers: int, now: datetime
) -> list[NewEvent]:
    """Return an event for each of these words that by now so many customers have said within `BURST`: one a burst.

    echoes: words -> a message that says them.  The database counts, so that any number of workers see the same.
    """
    table, since = table_of(OutageRow), now - BURST
    known = _last_said(connection, echoes)
    fresh = {echo: at for echo, at in known.items() if at >= since}
    if fresh:
        # Once a minute is enough: every page of an outage that wrote here would wait for the one before it.
        stale = [echo for echo in sorted(fresh) if fresh[echo] < now - _SEEN_EVERY]
        going_on = sa.update(table).where(among(table.c.echo, stale), table.c.last_at < now)
        connection.execute(going_on.values(last_at=now))
    events = []
    # In one order, so that two pages with the same two bursts do not wait for each other.
    counts = _counts(connection, echoes.keys() - fresh.keys(), customers=customers, since=since)
    for echo, count in sorted(counts.items()):
        row = {"first_at": now, "last_at": now, "customers": count, "message_id": echoes[echo]}
        if _is_first(connection, echo, row, since=since):
            payload = {"message_id": str(echoes[echo]), "customers": count, "minutes": BURST.seconds // 60}
            events.append(NewEvent(EventKind.OUTAGE_SUSPECTED, None, payload, at=now))
    return events


def _last_said(connection: Connection, echoes: Collection[str]) -> dict[str, datetime]:
    columns = table_of(OutageRow).c
    rows = connection.execute(sa.select(columns.echo, columns.last_at).where(among(columns.echo, list(echoes))))
    return {row.echo: row.last_at for row in rows}


def _counts(connection: Connection, echoes: Collection[str], *, customers: int, since: datetime) -> dict[str, int]:
    if not echoes:
        return {}
    columns = table_of(MessageRow).c
    who = sa.func.count(columns.contact_id.distinct())
    statement = (
        sa.select(columns.echo, who.label("customers"))
        # The empty words are in no index.
        .where(columns.echo != "", among(columns.echo, list(echoes)), columns.received_at >= since)
        .group_by(columns.echo)
        .having(who >= customers)
    )
    return {row.echo: int(row.customers) for row in connection.execute(statement)}


def _is_first(connection: Connection, echo: str, row: Mapping[str, object], *, since: datetime) -> bool:
    """Write the burst down; tell whether nobody else did."""
    if insert_new(connection, OutageRow, rows=[{"echo": echo, **row}]):
        return True
    table = table_of(OutageRow)
    over = sa.update(table).where(table.c.echo == echo, table.c.last_at < since)
    return connection.execute(over.values(**row)).rowcount == 1
