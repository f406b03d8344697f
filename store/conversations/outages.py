"""Detect a burst: many customers write the same text at once, because of an outage or a mass mailing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.db.bulk import among, among_bound, insert_new, table_of
from store.events.append import EventKind, NewEvent
from store.tables.emergencies import OutageRow
from store.tables.messages import MessageRow

# Customers who write the same within this time have one cause.
BURST: Final = timedelta(hours=1)
_ALIKE: Final = 10
_SEEN_EVERY: Final = timedelta(minutes=1)


def notice_outages(
    connection: Connection,
    *,
    echoes: Mapping[str, UUID],
    gists: Mapping[str, UUID],
    said: Mapping[UUID, str],
    customers: int,
    now: datetime,
) -> list[NewEvent]:
    """Return one event for each text that enough customers have written within `BURST`, and for each such gist.

    A gist needs ten times as many customers, each with numbers of their own: people also write alike without any
    outage. A gist whose equal texts were reported adds nothing. One event per burst.
    echoes, gists: echo or gist -> a message with it.  said: the echo of each message.
    The database counts, so all workers see the same numbers; what is known of both is one question.
    """
    if not echoes and not gists:
        return []
    texts = {said[message_id] for message_id in gists.values()}
    known = _last_said(connection, {*echoes, *gists, *texts})
    columns = table_of(MessageRow).c
    events = _notice(connection, columns.echo, echoes, known=known, customers=customers, now=now)
    reported = {text for text in texts if text in known and known[text] >= now - BURST}
    fresh = {gist: message_id for gist, message_id in gists.items() if said[message_id] not in reported}
    return events + _notice(connection, columns.gist, fresh, known=known, customers=_ALIKE * customers, now=now)


def _notice(
    connection: Connection,
    column: sa.ColumnElement[str],
    echoes: Mapping[str, UUID],
    *,
    known: dict[str, datetime],
    customers: int,
    now: datetime,
) -> list[NewEvent]:
    """Record bursts of the values of a column. known: when each burst was seen last; gets those of now."""
    table, since = table_of(OutageRow), now - BURST
    fresh = {echo: known[echo] for echo in echoes if echo in known and known[echo] >= since}
    if fresh:
        # Once a minute is enough: if each batch of an outage wrote here, each would wait for the one before it.
        stale = [echo for echo in sorted(fresh) if fresh[echo] < now - _SEEN_EVERY]
        statement = sa.update(table).where(among(table.c.echo, stale), table.c.last_at < now)
        connection.execute(statement.values(last_at=now))
    events = []
    # Sorted, so that two batches with the same bursts do not deadlock.
    counts = _counts(connection, column, echoes.keys() - fresh.keys(), customers=customers, since=since)
    # Recorded by us or, a moment earlier, by another worker.
    known.update(dict.fromkeys(counts, now))
    for echo, count in sorted(counts.items()):
        row = {"first_at": now, "last_at": now, "customers": count, "message_id": echoes[echo]}
        if _is_first(connection, echo, row, since=since):
            payload = {"message_id": str(echoes[echo]), "customers": count, "minutes": BURST.seconds // 60}
            events.append(NewEvent(EventKind.OUTAGE_SUSPECTED, None, payload, at=now))
    return events


def _last_said(connection: Connection, echoes: Collection[str]) -> dict[str, datetime]:
    if not echoes:
        return {}
    return {row.echo: row.last_at for row in connection.execute(_known(), {"echoes": echoes})}


@cache
def _known() -> sa.Select[Any]:
    columns = table_of(OutageRow).c
    return sa.select(columns.echo, columns.last_at).where(among_bound(columns.echo, "echoes"))


def _counts(
    connection: Connection,
    column: sa.ColumnElement[str],
    echoes: Collection[str],
    *,
    customers: int,
    since: datetime,
) -> dict[str, int]:
    if not echoes:
        return {}
    values = {"echoes": echoes, "since": since, "customers": customers}
    return {row.said: int(row.customers) for row in connection.execute(_counted(column), values)}


@cache
def _counted(column: sa.ColumnElement[str]) -> sa.Select[str, int]:
    columns = table_of(MessageRow).c
    who = sa.func.count(columns.contact_id.distinct())
    return (
        sa.select(column.label("said"), who.label("customers"))
        # Empty texts are not in the index.
        .where(column != "", among_bound(column, "echoes"), columns.received_at >= sa.bindparam("since"))
        .group_by(column)
        .having(who >= sa.bindparam("customers"))
    )


def _is_first(connection: Connection, echo: str, row: Mapping[str, object], *, since: datetime) -> bool:
    """Record the burst; return whether this is the first record of it."""
    if insert_new(connection, OutageRow, rows=[{"echo": echo, **row}]):
        return True
    table = table_of(OutageRow)
    statement = sa.update(table).where(table.c.echo == echo, table.c.last_at < since)
    return connection.execute(statement.values(**row)).rowcount == 1
