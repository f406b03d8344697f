"""Accept a batch: originals, inbound rows and the cursor in one commit, so that afterwards nothing can be lost."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.errors import NotFound
from store.db.bulk import among, insert_new, insert_rows, table_of
from store.db.engine import read_clock
from store.db.ids import new_id
from store.events.append import EventKind, NewEvent, append_events
from store.tables.messages import InboundRow, InboundState, OriginalRow


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundMessage:
    """One message as a gate delivers it; the fields are those of `connectors.base.Arrival`.

    weight: how many characters the envelope has; the length of the sealed one is no measure, because it is compressed.
    completes: it tells more about the message of its source key, so other bytes under the key are no conflict.
    urgent: a first look found that it may be an emergency.
    """

    source_key: str
    envelope: str
    original: bytes
    size: int
    content_hash: bytes
    received_at: datetime
    weight: int = 0
    unreadable: str = ""
    completes: bool = False
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class AcceptedMessage:
    """What became of one delivery. known: it was here already.  conflict: its key was, with other bytes."""

    inbound_id: UUID
    known: bool = False
    conflict: bool = False


@dataclass(frozen=True, slots=True)
class Accepted:
    """The result of a batch: ids of the new rows to route, and how many were known or in conflict.

    messages: by source key as delivered.  reports: by their keys, whether each is about a message of ours.
    urgent: whether one of the new rows is.
    """

    ids: tuple[UUID, ...]
    known: int
    conflicts: int
    messages: Mapping[str, AcceptedMessage] = field(default_factory=dict)
    reports: Mapping[str, bool] = field(default_factory=dict)
    urgent: bool = False


# A batch of this many messages or more is a poll's or an import's: no sender waits for what became of each.
_MOST_ANSWERED: Final = 100


def accept(connection: Connection, *, channel: str, deliveries: Sequence[InboundMessage], backfill: bool) -> Accepted:
    """Insert the new messages of a batch in the caller's transaction.

    A known source key with the same bytes is a redelivery and changes nothing; with other bytes it becomes a second row
    under `key#hash`, marked as a conflict.
    """
    now = read_clock(connection)
    rows = [_row(delivery, channel=channel, backfill=backfill, now=now) for delivery in _once(deliveries)]
    fresh = _insert_new(connection, rows)
    rivals = _conflicts(connection, [row for row in rows if row["id"] not in fresh], deliveries=deliveries)
    conflicts = _insert_new(connection, rivals)
    inserted = [row for row in rows + rivals if row["id"] in fresh | conflicts]
    _insert_originals(connection, deliveries, rows=inserted)
    _report(connection, inserted, now=now)
    routable = [row for row in inserted if not row["reason"]]
    known = len(deliveries) - len(fresh) - len(conflicts)
    answered = _each(connection, rows + rivals, fresh=fresh | conflicts) if len(rows) <= _MOST_ANSWERED else {}
    return Accepted(
        tuple(row["id"] for row in routable),
        known=known,
        conflicts=len(conflicts),
        messages=answered,
        urgent=any(row["urgent"] for row in routable),
    )


def _each(
    connection: Connection, rows: Sequence[dict[str, Any]], *, fresh: Collection[UUID]
) -> dict[str, AcceptedMessage]:
    """Return what became of each delivery; a rival's row, which comes later, decides over the one that it rivals."""
    ids = {row["source_key"]: row["id"] for row in rows if row["id"] in fresh}
    if others := [row["source_key"] for row in rows if row["source_key"] not in ids]:
        table = table_of(InboundRow)
        statement = sa.select(table.c.source_key, table.c.id)
        statement = statement.where(table.c.channel == rows[0]["channel"], among(table.c.source_key, others))
        ids |= {row.source_key: row.id for row in connection.execute(statement)}
    return {
        row["delivered_key"]: AcceptedMessage(
            ids[row["source_key"]], known=row["id"] not in fresh, conflict=row["conflict"]
        )
        for row in rows
    }


def _once(deliveries: Sequence[InboundMessage]) -> list[InboundMessage]:
    # A provider may list one message twice in one batch; the second copy would violate the unique index.
    return list({(delivery.source_key, delivery.content_hash): delivery for delivery in deliveries}.values())


def _row(delivery: InboundMessage, *, channel: str, backfill: bool, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "channel": channel,
        "source_key": delivery.source_key,
        "delivered_key": delivery.source_key,
        "content_hash": delivery.content_hash,
        "state": InboundState.QUARANTINED if delivery.unreadable else InboundState.RECEIVED,
        "envelope": delivery.envelope,
        "size": delivery.size,
        "weight": delivery.weight,
        "urgent": delivery.urgent,
        "backfill": backfill,
        "conflict": False,
        "received_at": delivery.received_at,
        "accepted_at": now,
        "due_at": now,
        "attempts": 0,
        "reason": delivery.unreadable,
    }


def _insert_new(connection: Connection, rows: Sequence[dict[str, Any]]) -> set[UUID]:
    """Insert the rows whose key is new, and return their ids."""
    ids = {row["id"] for row in rows}
    stored = [{name: value for name, value in row.items() if name != "delivered_key"} for row in rows]
    if insert_new(connection, InboundRow, rows=stored) == len(rows):
        return ids
    table = table_of(InboundRow)
    return set(connection.execute(sa.select(table.c.id).where(among(table.c.id, ids))).scalars())


def _conflicts(
    connection: Connection, uninserted: Sequence[dict[str, Any]], *, deliveries: Sequence[InboundMessage]
) -> list[dict[str, Any]]:
    """Return the rows whose key exists with other bytes, each with a new key."""
    if not uninserted:
        return []
    table = table_of(InboundRow)
    statement = sa.select(table.c.source_key, table.c.content_hash).where(
        table.c.channel == uninserted[0]["channel"],
        among(table.c.source_key, [row["source_key"] for row in uninserted]),
    )
    hashes = {row.source_key: row.content_hash for row in connection.execute(statement)}
    completing = {delivery.source_key for delivery in deliveries if delivery.completes}
    return [
        {
            **row,
            "id": new_id(),
            "source_key": f"{row['source_key']}#{row['content_hash'].hex()[:16]}",
            "conflict": row["source_key"] not in completing,
        }
        for row in uninserted
        if hashes.get(row["source_key"]) != row["content_hash"]
    ]


def _insert_originals(
    connection: Connection, deliveries: Sequence[InboundMessage], *, rows: Sequence[dict[str, Any]]
) -> None:
    originals = {delivery.content_hash: delivery.original for delivery in deliveries}
    contents = [{"inbound_id": row["id"], "content": originals[row["content_hash"]]} for row in rows]
    insert_rows(connection, OriginalRow, rows=contents)


def _report(connection: Connection, rows: Sequence[dict[str, Any]], *, now: datetime) -> None:
    # Routed messages get their event at routing; these two may never be routed, and an agent must see them.
    append_events(
        connection,
        [
            NewEvent(kind, payload={"inbound_id": str(row["id"]), "channel": row["channel"]}, at=now)
            for row in rows
            for kind, holds in (
                (EventKind.INBOUND_CONFLICT, row["conflict"]),
                (EventKind.INBOUND_QUARANTINED, bool(row["reason"])),
            )
            if holds
        ],
    )


def find_inbound(connection: Connection, *, channel: str, source_key: str) -> UUID:
    """Return the id of the inbound row of a channel's message.

    Raises NotFound when there is none.
    """
    table = table_of(InboundRow)
    statement = sa.select(table.c.id).where(table.c.channel == channel, table.c.source_key == source_key)
    found: UUID | None = connection.execute(statement).scalar_one_or_none()
    if found is None:
        raise NotFound("no message of the channel has that key")
    return found


def known_keys(connection: Connection, *, channel: str, keys: Collection[str]) -> set[str]:
    """Return those of `keys` that name an accepted message of the channel."""
    columns = table_of(InboundRow).c
    statement = sa.select(columns.source_key).where(columns.channel == channel, among(columns.source_key, keys))
    return set(connection.execute(statement).scalars())
