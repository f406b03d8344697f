"""Messages that could not be routed: list, replay, or discard them with a reason. Nothing is ever deleted here."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.errors import Conflict, NotFound, PermanentError, SealKeyMissing
from store.conversations.messages import PackedOriginal
from store.db.bulk import among, columns_of, table_of
from store.db.encryption import sealer_of
from store.db.engine import read_clock
from store.db.sealed_rows import bare_envelope, try_to_open
from store.events.append import EventKind, NewEvent, append_events
from store.tables.messages import InboundRow, InboundState, OriginalRow


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinedRecord:
    """One quarantined message. envelope: JSON, unmasked: mask it before showing.  reason: why it is quarantined.

    shut: why the envelope cannot be opened; it then has only the channel, the source key and the time.
    """

    id: UUID
    channel: str
    source_key: str
    envelope: str
    size: int
    backfill: bool
    conflict: bool
    received_at: datetime
    accepted_at: datetime
    attempts: int
    reason: str
    discarded_at: datetime | None
    shut: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinedOriginals:
    """Messages with their originals. damaged: those that cannot be opened, and why.  left: ids that did not fit."""

    opened: list[tuple[QuarantinedRecord, PackedOriginal]] = field(default_factory=list)
    damaged: dict[UUID, str] = field(default_factory=dict)
    left: tuple[UUID, ...] = ()


def list_quarantined(
    connection: Connection,
    *,
    channel: str | None = None,
    only_channels: Collection[str] | None = None,
    discarded: bool = False,
    before: UUID | None = None,
    limit: int,
) -> list[QuarantinedRecord]:
    """Return up to `limit` quarantined messages, newest first.

    only_channels: those that the reader may see; None means all.
    discarded: list discarded messages instead of waiting ones.  before: the last id of the page before.
    """
    columns = table_of(InboundRow).c
    put_away = columns.discarded_at.is_not(None) if discarded else columns.discarded_at.is_(None)
    statement = _select().where(columns.state == InboundState.QUARANTINED, put_away)
    if channel is not None:
        statement = statement.where(columns.channel == channel)
    if only_channels is not None:
        statement = statement.where(among(columns.channel, only_channels))
    if before is not None:
        statement = statement.where(columns.id < before)
    # Ids are in order of time, and are unique, which times are not.
    rows = connection.execute(statement.order_by(columns.id.desc()).limit(limit)).mappings()
    return [_opened(connection, row) for row in rows]


def find_quarantined(
    connection: Connection, inbound_id: UUID, *, only_channels: Collection[str] | None = None
) -> QuarantinedRecord:
    """Return one quarantined message, also a discarded one.

    only_channels: those that the reader may see; None means all.
    Raises NotFound when there is none with that id in quarantine.
    """
    columns = table_of(InboundRow).c
    statement = _select().where(columns.id == inbound_id, columns.state == InboundState.QUARANTINED)
    row = connection.execute(statement).mappings().first()
    if row is None or (only_channels is not None and row["channel"] not in only_channels):
        raise NotFound("there is no quarantined message with that id")
    return _opened(connection, row)


def find_quarantined_original(connection: Connection, inbound_id: UUID) -> PackedOriginal:
    """Return the original of a quarantined message.

    Raises NotFound when there is none with that id in quarantine.
    """
    inbound, original = table_of(InboundRow), table_of(OriginalRow)
    statement = sa.select(original.c.content, inbound.c.size).join(inbound, inbound.c.id == original.c.inbound_id)
    statement = statement.where(inbound.c.id == inbound_id, inbound.c.state == InboundState.QUARANTINED)
    row = connection.execute(statement).first()
    if row is None:
        raise NotFound("there is no quarantined message with that id")
    return PackedOriginal(sealer_of(connection).open(bytes(row.content)), row.size)


def find_with_originals(connection: Connection, ids: Sequence[UUID], *, most_bytes: int) -> QuarantinedOriginals:
    """Return the first of `ids` with their originals, as many as fit into `most_bytes` but at least one.

    Messages that are not in quarantine or have no original are left out.
    """
    inbound, original = table_of(InboundRow), table_of(OriginalRow)
    kept = inbound.join(original, original.c.inbound_id == inbound.c.id)
    theirs = (among(inbound.c.id, ids), inbound.c.state == InboundState.QUARANTINED)
    weighed = connection.execute(sa.select(inbound.c.id, inbound.c.size).select_from(kept).where(*theirs))
    sizes = {row.id: row.size for row in weighed}
    known = [inbound_id for inbound_id in dict.fromkeys(ids) if inbound_id in sizes]
    sums = accumulate(sizes[inbound_id] for inbound_id in known)
    fitting = max(1, sum(1 for total in sums if total <= most_bytes))
    found = QuarantinedOriginals(left=tuple(known[fitting:]))
    statement = _select().add_columns(original.c.content).select_from(kept).where(among(inbound.c.id, known[:fitting]))
    rows = {row["id"]: row for row in connection.execute(statement).mappings()}
    for inbound_id in filter(rows.__contains__, known):
        try:
            found.opened.append(_with_original(connection, rows[inbound_id]))
        except (SealKeyMissing, PermanentError) as error:
            found.damaged[inbound_id] = str(error)
    return found


def quarantined_among(
    connection: Connection, ids: Collection[UUID], *, only_channels: Collection[str] | None
) -> list[UUID]:
    """Return those of `ids` that are in quarantine on a channel that the reader may see."""
    columns = table_of(InboundRow).c
    statement = sa.select(columns.id).where(among(columns.id, ids), columns.state == InboundState.QUARANTINED)
    if only_channels is not None:
        statement = statement.where(among(columns.channel, only_channels))
    return list(connection.execute(statement.order_by(columns.id)).scalars())


def count_quarantined(connection: Connection) -> int:
    """Return how many messages wait for a decision."""
    columns = table_of(InboundRow).c
    waiting = columns.state == InboundState.QUARANTINED, columns.discarded_at.is_(None)
    return connection.execute(sa.select(sa.func.count()).select_from(table_of(InboundRow)).where(*waiting)).scalar_one()


def replay(
    connection: Connection, ids: Collection[UUID], *, by: str, envelopes: Mapping[UUID, str] | None = None
) -> tuple[UUID, ...]:
    """Send quarantined messages through routing again; return those that were queued; others are queued already.

    by: the agent, for the event.  envelopes: JSON of newly parsed envelopes, for messages that were stubs.
    Repeating it does no harm; discarded messages are replayed as well.
    """
    table, now = table_of(InboundRow), read_clock(connection)
    going = _locked(connection, ids)
    values = {"state": InboundState.RECEIVED, "attempts": 0, "due_at": now, "reason": "", "discarded_at": None}
    released = {"lease_token": None, "lease_until": None}
    if going:
        connection.execute(sa.update(table).where(among(table.c.id, going)).values(**values, **released))
    for inbound_id in going:
        if envelopes and inbound_id in envelopes:
            better = {"envelope": sealer_of(connection).seal_text(envelopes[inbound_id])}
            connection.execute(sa.update(table).where(table.c.id == inbound_id).values(**better))
    _report(connection, EventKind.QUARANTINE_REPLAYED, going, payload={"by": by}, now=now)
    return tuple(going)


def discard(connection: Connection, inbound_id: UUID, *, reason: str, by: str) -> None:
    """Discard a quarantined message: it keeps its bytes and can still be replayed.

    Raises PermanentError without a reason, NotFound when it is not in quarantine, Conflict when already discarded.
    """
    why = reason.strip()
    if not why:
        raise PermanentError("expected a reason for discarding the message: it is kept with it")
    if find_quarantined(connection, inbound_id).discarded_at is not None:
        raise Conflict("the message is already discarded")
    table, now = table_of(InboundRow), read_clock(connection)
    waiting = (table.c.state == InboundState.QUARANTINED, table.c.discarded_at.is_(None))
    kept = table.c.reason + f" | discarded by {by}: {why}"
    statement = sa.update(table).where(table.c.id == inbound_id, *waiting).values(discarded_at=now, reason=kept)
    if connection.execute(statement).rowcount != 1:
        raise Conflict("the message was replayed or discarded just now by another agent")
    _report(connection, EventKind.QUARANTINE_DISCARDED, [inbound_id], payload={"by": by, "why": why}, now=now)


def _with_original(connection: Connection, row: sa.RowMapping) -> tuple[QuarantinedRecord, PackedOriginal]:
    own = {name: value for name, value in row.items() if name != "content"}
    original = PackedOriginal(sealer_of(connection).open(bytes(row["content"])), row["size"])
    return _opened(connection, own), original


def _opened(connection: Connection, row: sa.RowMapping | dict[str, Any]) -> QuarantinedRecord:
    envelope, shut = try_to_open(sealer_of(connection), row["envelope"])
    if envelope is None:
        known = {name: row[name] for name in ("channel", "source_key", "received_at")}
        envelope = bare_envelope(**known, defects=(shut,))
    return QuarantinedRecord(**{**row, "envelope": envelope, "shut": shut})


def _select() -> sa.Select[Any]:
    return sa.select(*columns_of(InboundRow, QuarantinedRecord, but={"shut"}))


def _locked(connection: Connection, ids: Collection[UUID]) -> list[UUID]:
    columns = table_of(InboundRow).c
    statement = sa.select(columns.id).where(among(columns.id, ids), columns.state == InboundState.QUARANTINED)
    return list(connection.execute(statement.order_by(columns.id).with_for_update()).scalars())


def _report(
    connection: Connection, kind: EventKind, ids: Sequence[UUID], *, payload: Mapping[str, object], now: datetime
) -> None:
    events = [NewEvent(kind, payload={"inbound_id": str(inbound_id), **payload}, at=now) for inbound_id in ids]
    append_events(connection, events)
