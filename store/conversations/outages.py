"""Words that were said before: by the same customer not long ago, and by many customers at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.origin.sender_proof import ProofKind
from store.db.bulk import among, insert_new, table_of
from store.events.append import NewEvent
from store.inbound.history import KnownConversation
from store.tables.desk import OutageRow
from store.tables.messages import ConversationRow, Direction, MessageRow, Status

# Of one contact; whoever writes more in a day is answered by people who have read it.
_MOST: Final = 8
# What is compared of a text at most; two that differ only after that are the same.
_LONGEST: Final = 4_000
# Within which customers who say the same have one cause.
BURST: Final = timedelta(hours=1)
_SEEN_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownWords:
    """A message of a contact, and the conversation that it is in. text: masked."""

    message_id: UUID
    channel: str
    text: str
    echo: str
    at: datetime
    conversation: KnownConversation


def recently_said(connection: Connection, *, contacts: Collection[UUID], since: datetime) -> list[KnownWords]:
    """Return the latest messages of each contact since `since`, on whatever channel, oldest first; no forged ones."""
    if not contacts:
        return []
    message, conversation = table_of(MessageRow), table_of(ConversationRow)
    place = sa.func.row_number().over(
        partition_by=conversation.c.contact_id, order_by=(message.c.received_at.desc(), message.c.id.desc())
    )
    words = sa.case((message.c.text != "", message.c.text), else_=message.c.quoted)
    ranked = (
        sa.select(
            message.c.id.label("message_id"),
            message.c.channel.label("said_on"),
            message.c.received_at.label("said_at"),
            message.c.echo,
            sa.func.substr(words, 1, _LONGEST).label("words"),
            *(conversation.c[name] for name in _CONVERSATION),
            place.label("place"),
        )
        .join(conversation, conversation.c.id == message.c.conversation_id)
        .where(
            among(conversation.c.contact_id, contacts),
            conversation.c.last_message_at >= since,
            message.c.received_at >= since,
            message.c.direction == Direction.INCOMING,
            message.c.sender_proof != ProofKind.FAILED,
        )
        .subquery()
    )
    latest = sa.select(ranked).where(ranked.c.place <= _MOST).order_by(ranked.c.said_at, ranked.c.message_id)
    return [_known(row) for row in connection.execute(latest)]


_CONVERSATION: Final = (
    "id", "reference", "contact_id", "subject", "status", "last_message_at", "version", "emergency", "channel",
)  # fmt: skip


def _known(row: sa.Row[tuple[object, ...]]) -> KnownWords:
    return KnownWords(
        message_id=row.message_id,
        channel=row.said_on,
        text=row.words,
        echo=row.echo,
        at=row.said_at,
        conversation=KnownConversation(
            conversation_id=row.id,
            reference=row.reference,
            contact_id=row.contact_id,
            subject=row.subject,
            status=Status(row.status),
            last_message_at=row.last_message_at,
            version=row.version,
            emergency=row.emergency,
            channel=row.channel,
        ),
    )


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
            events.append(NewEvent("outage.suspected", None, payload, at=now))
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
