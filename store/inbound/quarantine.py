"""What could not be routed: seen by people, sent again or put away with a reason. Nothing is ever deleted here."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.errors import Conflict, NotFound, PermanentError
from store.conversations.messages import PackedOriginal
from store.db.bulk import among, table_of
from store.db.encryption import sealer_of
from store.db.engine import read_clock
from store.db.sealed_rows import bare_envelope, try_to_open
from store.events.append import NewEvent, append_events
from store.tables.messages import InboundRow, InboundState, OriginalRow


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinedRecord:
    """One message that waits for a person. envelope: JSON, unmasked: mask before showing.  reason: why it is here.

    shut: why what is sealed cannot be opened; the envelope then says only by which channel, and when, it came.
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


_COLUMNS: Final = tuple(name for name in QuarantinedRecord.__dataclass_fields__ if name != "shut")


def list_quarantined(
    connection: Connection,
    *,
    channel: str | None = None,
    discarded: bool = False,
    before: UUID | None = None,
    limit: int,
) -> list[QuarantinedRecord]:
    """Return up to `limit` quarantined messages, newest first.

    discarded: those that were put away instead of those that wait.  before: the last id of the page before.
    """
    columns = table_of(InboundRow).c
    put_away = columns.discarded_at.is_not(None) if discarded else columns.discarded_at.is_(None)
    statement = _select().where(columns.state == InboundState.QUARANTINED, put_away)
    if channel is not None:
        statement = statement.where(columns.channel == channel)
    if before is not None:
        statement = statement.where(columns.id < before)
    # Ids are in order of time, and unlike a time they never tie.
    rows = connection.execute(statement.order_by(columns.id.desc()).limit(limit)).mappings()
    return [_opened(connection, row) for row in rows]


def find_quarantined(connection: Connection, inbound_id: UUID) -> QuarantinedRecord:
    """Return one quarantined message, also a discarded one.

    Raises NotFound when there is none with that id in quarantine.
    """
    columns = table_of(InboundRow).c
    statement = _select().where(columns.id == inbound_id, columns.state == InboundState.QUARANTINED)
    row = connection.execute(statement).mappings().first()
    if row is None:
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


def count_quarantined(connection: Connection) -> int:
    """Return how many messages wait for a person."""
    columns = table_of(InboundRow).c
    waiting = columns.state == InboundState.QUARANTINED, columns.discarded_at.is_(None)
    return connection.execute(sa.select(sa.func.count()).select_from(table_of(InboundRow)).where(*waiting)).scalar_one()


def replay(
    connection: Connection, ids: Collection[UUID], *, by: str, envelopes: Mapping[UUID, str] | None = None
) -> tuple[UUID, ...]:
    """Send quarantined messages through the whole path again; return those that go, the others are there already.

    by: who asked, for the event.  envelopes: JSON of newly read envelopes, for messages that were stubs.
    A second replay finds nothing to do, so it does no harm; a discarded message comes back as well.
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
    _report(connection, "quarantine.replayed", going, payload={"by": by}, now=now)
    return tuple(going)


def discard(connection: Connection, inbound_id: UUID, *, reason: str, by: str) -> None:
    """Put a quarantined message away: it keeps its bytes and can still be replayed, but waits for nobody.

    Raises PermanentError without a reason, NotFound when it is not in quarantine, Conflict when it was put away before.
    """
    why = reason.strip()
    if not why:
        raise PermanentError("say why the message is discarded: a reason is kept with it")
    if find_quarantined(connection, inbound_id).discarded_at is not None:
        raise Conflict("the message was discarded already")
    table, now = table_of(InboundRow), read_clock(connection)
    waiting = (table.c.state == InboundState.QUARANTINED, table.c.discarded_at.is_(None))
    kept = table.c.reason + f" | discarded by {by}: {why}"
    statement = sa.update(table).where(table.c.id == inbound_id, *waiting).values(discarded_at=now, reason=kept)
    if connection.execute(statement).rowcount != 1:
        raise Conflict("somebody else replayed or discarded the message just now")
    _report(connection, "quarantine.discarded", [inbound_id], payload={"by": by, "why": why}, now=now)


def _opened(connection: Connection, row: sa.RowMapping) -> QuarantinedRecord:
    envelope, shut = try_to_open(sealer_of(connection), row["envelope"])
    if envelope is None:
        known = {name: row[name] for name in ("channel", "source_key", "received_at")}
        envelope = bare_envelope(**known, defects=(shut,))
    return QuarantinedRecord(**{**row, "envelope": envelope, "shut": shut})


def _select() -> sa.Select[Any]:
    columns = table_of(InboundRow).c
    return sa.select(*(columns[name] for name in _COLUMNS))


def _locked(connection: Connection, ids: Collection[UUID]) -> list[UUID]:
    columns = table_of(InboundRow).c
    statement = sa.select(columns.id).where(among(columns.id, ids), columns.state == InboundState.QUARANTINED)
    return list(connection.execute(statement.order_by(columns.id).with_for_update()).scalars())


def _report(
    connection: Connection, kind: str, ids: Sequence[UUID], *, payload: Mapping[str, object], now: datetime
) -> None:
    events = [NewEvent(kind, payload={"inbound_id": str(inbound_id), **payload}, at=now) for inbound_id in ids]
    append_events(connection, events)
