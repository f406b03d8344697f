"""What is held back: automatic replies, by the brake on them, and mail, by the limits of a listener."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.reason import ReasonKey
from store.db.bulk import table_of
from store.db.engine import insert_into, read_clock
from store.db.ids import first_id_at
from store.tables.desk import REPLIES_REST, DeskStateRow, RefusalRow
from store.tables.operations import AUTO_REPLY, OutboundRow, OutboundState

_A_DAY: Final = timedelta(hours=24)
_KEPT: Final = timedelta(days=7)
# Why the brake drops a reply; one that is only late, or not wanted, is no sign of a flood.
_BRAKES: Final = (ReasonKey.REPLIES_REST, ReasonKey.CHANNEL_SENT_TOO_MANY, ReasonKey.CUSTOMER_HAS_REPLIES)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrakeStatus:
    """The automatic replies of one channel. held: in the last 24 hours.  rests_until: None while they are sent."""

    channel: str
    held: int = 0
    rests_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedMail:
    """What a listener refused, or put off, in the last 24 hours. bound: the limit that was reached."""

    channel: str
    bound: str
    refused: int


def read_brakes(connection: Connection) -> tuple[BrakeStatus, ...]:
    """Return the channels whose automatic replies rest, or were held in the last 24 hours."""
    table, now = table_of(OutboundRow), read_clock(connection)
    braked = sa.or_(*(table.c.error.startswith(f'{{"key": "{key}"', autoescape=True) for key in _BRAKES))
    statement = (
        sa.select(table.c.channel, sa.func.count().label("number"))
        # The ids are in the order of time.
        .where(table.c.id >= first_id_at(now - _A_DAY), table.c.kind == AUTO_REPLY)
        .where(table.c.state == OutboundState.CANCELLED, braked)
        .group_by(table.c.channel)
    )
    counts: dict[str, int] = {row.channel: row.number for row in connection.execute(statement)}
    rests = {channel: until for channel, until in _resting(connection) if until > now}
    return tuple(
        BrakeStatus(channel=channel, held=counts.get(channel, 0), rests_until=rests.get(channel))
        for channel in sorted(counts.keys() | rests.keys())
    )


def _resting(connection: Connection) -> Iterator[tuple[str, datetime]]:
    """Yield until when automatic replies were last stopped, by channel; also what is over."""
    columns = table_of(DeskStateRow).c
    statement = sa.select(columns.name, columns.value).where(columns.name.startswith(REPLIES_REST))
    for name, value in connection.execute(statement):
        yield name.removeprefix(REPLIES_REST), datetime.fromisoformat(value)


def note_refusals(connection: Connection, *, channel: str, refused: Mapping[str, int]) -> None:
    """Add to the counts of this hour. refused: by the limit that was reached."""
    table, now = table_of(RefusalRow), read_clock(connection)
    hour = now.replace(minute=0, second=0, microsecond=0)
    for bound, number in sorted(refused.items()):
        fresh = insert_into(connection, RefusalRow).values(channel=channel, bound=bound, hour=hour, refused=number)
        more = {"refused": table.c.refused + fresh.excluded.refused}
        connection.execute(fresh.on_conflict_do_update(index_elements=["channel", "bound", "hour"], set_=more))
    connection.execute(sa.delete(table).where(table.c.hour < now - _KEPT))


def read_refusals(connection: Connection) -> tuple[RefusedMail, ...]:
    """Return what listeners refused in the last 24 hours, by channel and limit."""
    columns = table_of(RefusalRow).c
    since = read_clock(connection) - _A_DAY
    counted = sa.select(columns.channel, columns.bound, sa.func.sum(columns.refused).label("refused"))
    grouped = counted.where(columns.hour > since).group_by(columns.channel, columns.bound)
    rows = connection.execute(grouped.order_by(columns.channel, columns.bound)).mappings()
    return tuple(RefusedMail(**row) for row in rows)
