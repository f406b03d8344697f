"""Limits on sending: rate limits, a breaker for automatic replies, the freeze after a restore, and suppressions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.reason import Reason, ReasonKey
from store.db.bulk import among, insert_new, table_of
from store.db.engine import read_clock, upsert
from store.outbound.standing_replies import PASSIVE
from store.tables.desk import REPLIES_REST, DeskStateRow
from store.tables.messages import Direction, MessageRow
from store.tables.operations import AUTO_REPLY, OutboundRow, OutboundState, SuppressionRow

_FROZEN: Final = "sending is frozen"
# A message that may have been delivered counts; one that certainly was not does not.
_MAY_HAVE_LEFT: Final = (
    OutboundState.SENDING,
    OutboundState.SENT,
    OutboundState.UNKNOWN,
    OutboundState.NEEDS_PERSON,
)
# A restored database may lack the last marks of sent rows; older rows were in the backup.
_RESTORED: Final = timedelta(hours=24)


def last_heard(connection: Connection, *, contact_id: UUID, channel: str) -> datetime | None:
    """Return when the contact last wrote on the channel; None if never."""
    columns = table_of(MessageRow).c
    theirs = (columns.contact_id == contact_id, columns.channel == channel, columns.direction == Direction.INCOMING)
    heard: datetime | None = connection.execute(sa.select(sa.func.max(columns.received_at)).where(*theirs)).scalar()
    return heard


def sent_since(connection: Connection, *, recipient: str, channel: str, since: datetime) -> int:
    """Return how many messages may have been sent to the recipient on the channel since then, by the provider's count.

    Without those that left in the response to a message.
    """
    columns = table_of(OutboundRow).c
    counts = sa.func.coalesce(columns.provider_id, "").not_like(f"{PASSIVE}%")
    ours = (columns.recipient == recipient, columns.channel == channel, columns.claimed_at > since)
    return _count(connection, *ours, counts)


def automatic_of(connection: Connection, *, channel: str, since: datetime) -> int:
    """Return how many automatic replies may have been sent on the channel since then."""
    return int(connection.execute(_automatic("channel"), {"b_of": channel, "b_since": since}).scalar_one())


def automatic_to(connection: Connection, *, recipient: str, since: datetime) -> int:
    """Return how many automatic replies may have been sent to the recipient since then."""
    return int(connection.execute(_automatic("recipient"), {"b_of": recipient, "b_since": since}).scalar_one())


@cache
def _automatic(whose: str) -> sa.Select[Any]:
    """Return the count of automatic replies of a column's value, built once: it runs for each reply."""
    columns = table_of(OutboundRow).c
    since = sa.bindparam("b_since", type_=columns.dated_at.type)
    theirs = (columns.kind == AUTO_REPLY, columns[whose] == sa.bindparam("b_of"), columns.dated_at > since)
    return sa.select(sa.func.count()).where(*theirs, among(columns.state, _MAY_HAVE_LEFT))


def trip(connection: Connection, *, channel: str, until: datetime) -> None:
    """Stop the channel's automatic replies until then."""
    _remember(connection, name=REPLIES_REST + channel, value=until.isoformat())


def rests_until(connection: Connection, *, channel: str) -> datetime | None:
    """Return until when the channel's automatic replies are stopped, also if that is over; None if they never were."""
    value = _recall(connection, REPLIES_REST + channel)
    return datetime.fromisoformat(value) if value else None


def freeze(connection: Connection, *, why: str) -> None:
    """Stop all sending until `thaw`, while the ledger may lack sent messages: after a restore or a failover."""
    _remember(connection, name=_FROZEN, value=why)


def frozen(connection: Connection) -> str:
    """Return why sending is stopped; empty if it is not."""
    return _recall(connection, _FROZEN) or ""


def thaw(connection: Connection, *, channels: Collection[str] | None = None) -> int:
    """Allow sending again; return how many messages of the last 24 hours are first looked for at their providers.

    Their rows are queued, but the mark that they were sent may be lost.
    """
    now, table = read_clock(connection), table_of(OutboundRow)
    statement = sa.update(table).where(
        table.c.state == OutboundState.QUEUED, table.c.due_at <= now, table.c.created_at > now - _RESTORED
    )
    if channels is not None:
        statement = statement.where(among(table.c.channel, channels))
    looked_for = {
        "state": OutboundState.UNKNOWN,
        "claimed_at": sa.func.coalesce(table.c.claimed_at, table.c.created_at),
        "unknown_at": now,
        "looks": 0,
        "due_at": now,
        "error": "sending was frozen: it may have been sent before",
    }
    found = connection.execute(statement.values(**looked_for)).rowcount
    state = table_of(DeskStateRow)
    connection.execute(sa.delete(state).where(state.c.name == _FROZEN))
    return found


def _count(connection: Connection, *conditions: sa.ColumnElement[bool]) -> int:
    columns = table_of(OutboundRow).c
    statement = sa.select(sa.func.count()).where(*conditions, among(columns.state, _MAY_HAVE_LEFT))
    return connection.execute(statement).scalar_one()


def _recall(connection: Connection, name: str) -> str | None:
    return connection.execute(_state(), {"b_name": name}).scalar_one_or_none()


@cache
def _state() -> sa.Select[Any]:
    columns = table_of(DeskStateRow).c
    return sa.select(columns.value).where(columns.name == sa.bindparam("b_name"))


def _remember(connection: Connection, *, name: str, value: str) -> None:
    row = {"name": name, "value": value, "at": read_clock(connection)}
    upsert(connection, DeskStateRow, row=row, keys=("name",), changed=("value", "at"))


@dataclass(frozen=True, slots=True, kw_only=True)
class LastWord:
    """A customer's STOP or START."""

    channel: str
    handle: str
    stopped: bool
    said_at: datetime
    why: str


def note_words(connection: Connection, words: Sequence[LastWord]) -> None:
    """Record customers' STOP and START messages, in any order: the latest one counts."""
    latest: dict[tuple[str, str], LastWord] = {}
    for word in sorted(words, key=lambda each: each.said_at):
        latest[word.channel, word.handle] = word
    # The same order in every worker, so that two of them do not deadlock.
    last = [word for _, word in sorted(latest.items())]
    if insert_new(connection, SuppressionRow, rows=[asdict(word) for word in last]) == len(last):
        return
    table = table_of(SuppressionRow)
    for word in last:
        statement = sa.update(table).where(
            table.c.channel == word.channel, table.c.handle == word.handle, table.c.said_at <= word.said_at
        )
        connection.execute(statement.values(stopped=word.stopped, said_at=word.said_at, why=word.why))


def refusal(connection: Connection, *, channel: str, handle: str) -> Reason | None:
    """Return why the channel may not send to the customer; None if it may."""
    table = table_of(SuppressionRow)
    statement = sa.select(table.c.said_at, table.c.why).where(
        table.c.channel == channel, table.c.handle == handle, table.c.stopped
    )
    row = connection.execute(statement).first()
    if row is None:
        return None
    return Reason(ReasonKey.CUSTOMER_OPTED_OUT, {"said": row.why, "date": f"{row.said_at:%Y-%m-%d}"})
