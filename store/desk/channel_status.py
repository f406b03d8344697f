"""The state of the desk in numbers: per channel the messages and their states, and whether the books balance."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.db.bulk import among, columns_of, table_of
from store.db.engine import read_clock
from store.desk.false_alarms import EmergencyTally, tally
from store.desk.held_back import BrakeStatus, RefusedMail, read_brakes, read_refusals
from store.tables.desk import GateTallyRow, NoticeKind, SlaNoticeRow
from store.tables.emergencies import OutageRow
from store.tables.messages import ConversationRow, InboundRow, InboundState, MessageRow
from store.tables.operations import CursorRow, EventRow, LeaseRow, OutboundRow, OutboundState

_NONE_CALLED: Final = EmergencyTally()
# The four states that add up to the accepted messages; any other value in the column is a fault.
_STATES: Final = tuple(InboundState)
_A_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelStatus:
    """One channel.

    accepted: rows of any state.  oldest_due_at: when the longest waiting message became due.
    waiting: messages on the server above the cursor; held: all messages there; None if the server did not report it.
    polled_at: the last successful poll.  owner: the process that polls it, empty if there is none.
    """

    channel: str
    accepted: int = 0
    received: int = 0
    routed: int = 0
    duplicate: int = 0
    quarantined: int = 0
    oldest_due_at: datetime | None = None
    waiting: int | None = None
    held: int | None = None
    epoch: str = ""
    position: str = ""
    moved_at: datetime | None = None
    polled_at: datetime | None = None
    error: str = ""
    error_at: datetime | None = None
    notice: str = ""
    owner: str = ""

    @property
    def unbalanced(self) -> int:
        """Return how many accepted messages are in none of the four states; any other number than 0 is a fault."""
        return self.accepted - self.received - self.routed - self.duplicate - self.quarantined


@dataclass(frozen=True, slots=True)
class GateStatus:
    """Messages that arrived while their channel was closed: held, or released by the second check for danger."""

    held: int = 0
    released: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageStatus:
    """Many customers wrote the same text within an hour. customers: when detected.  message_id: one with that text."""

    message_id: UUID
    customers: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskStatus:
    """All channels, and the shared numbers. now: the database's clock.

    strays: routed rows without a message and incoming messages without a routed row; more than 0 is a fault.
    outbound: outgoing messages by state.  unpublished: events without a number yet.
    gate: messages held by the hours in the last 24 hours, and those released by the second check.
    breaches: missed promises of the last 24 hours.  emergencies, outages: of the last 24 hours too.
    brakes, refusals: automatic replies and mail that were held back in the last 24 hours.
    """

    now: datetime
    channels: tuple[ChannelStatus, ...]
    outbound: Mapping[str, int]
    unpublished: int
    strays: int
    gate: GateStatus = GateStatus()
    breaches: int = 0
    emergencies: EmergencyTally = _NONE_CALLED
    outages: tuple[OutageStatus, ...] = ()
    brakes: tuple[BrakeStatus, ...] = ()
    refusals: tuple[RefusedMail, ...] = ()

    @property
    def balanced(self) -> bool:
        """Return whether accepted = received + routed + duplicate + quarantined, and each routed row has a message."""
        return not self.strays and not any(channel.unbalanced for channel in self.channels)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelFault:
    """A channel whose last poll failed. since: when an error was reported.  polled_at: the last successful poll."""

    channel: str
    since: datetime
    polled_at: datetime | None


def channel_faults(connection: Connection) -> list[ChannelFault]:
    """Return the channels whose last poll failed, by name."""
    columns = table_of(CursorRow).c
    statement = sa.select(columns.channel, columns.error_at.label("since"), columns.polled_at).where(
        columns.error != "", columns.error_at.is_not(None)
    )
    return [ChannelFault(**row) for row in connection.execute(statement.order_by(columns.channel)).mappings()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsent:
    """The messages of a channel that were tried and wait for another try. why: of one of them.  since: the oldest."""

    channel: str
    number: int
    why: str
    since: datetime


def unsent_messages(connection: Connection, *, only_teams: Collection[str] | None) -> dict[str, Unsent]:
    """Return by channel the messages that could not be sent so far. only_teams: whose; None means all."""
    table, conversation = table_of(OutboundRow), table_of(ConversationRow)
    shown = (sa.func.count().label("number"), sa.func.max(table.c.error).label("why"))
    statement = sa.select(table.c.channel, *shown, sa.func.min(table.c.created_at).label("since"))
    statement = statement.where(table.c.state == sa.literal_column("'queued'"), table.c.error != "")
    if only_teams is not None:
        statement = statement.join(conversation, conversation.c.id == table.c.conversation_id)
        statement = statement.where(among(conversation.c.team, only_teams))
    rows = connection.execute(statement.group_by(table.c.channel)).mappings()
    return {row["channel"]: Unsent(**row) for row in rows}


def read_status(
    connection: Connection, *, channels: Sequence[str], only_teams: Collection[str] | None = None
) -> DeskStatus:
    """Return the desk's current state.

    channels: the configured names, listed first; channels that are only in the database follow.
    only_teams: whose outgoing messages are counted; None means all.
    """
    counts, cursors, oldest, owners = (
        _counts(connection),
        _cursors(connection),
        _oldest(connection),
        _owners(connection),
    )
    names = dict.fromkeys((*channels, *sorted(counts), *sorted(cursors)))
    rows = tuple(
        ChannelStatus(
            channel=name,
            oldest_due_at=oldest.get(name),
            owner=owners.get(f"channel:{name}", ""),
            **_totals(counts.get(name, {})),
            **cursors.get(name, {}),
        )
        for name in names
    )
    return DeskStatus(
        now=read_clock(connection),
        channels=rows,
        outbound=_outbound(connection, only_teams=only_teams),
        unpublished=_unpublished(connection),
        strays=abs(sum(row.routed for row in rows) - _incoming(connection)),
        gate=_gate(connection),
        breaches=_breaches(connection),
        emergencies=tally(connection),
        outages=_outages(connection),
        brakes=read_brakes(connection),
        refusals=read_refusals(connection),
    )


def _counts(connection: Connection) -> dict[str, dict[str, int]]:
    columns = table_of(InboundRow).c
    counts: dict[str, dict[str, int]] = {}
    statement = sa.select(columns.channel, columns.state, sa.func.count()).group_by(columns.channel, columns.state)
    for channel, state, number in connection.execute(statement):
        counts.setdefault(channel, {})[state] = number
    return counts


def _totals(states: Mapping[str, int]) -> dict[str, Any]:
    return {"accepted": sum(states.values())} | {state.value: states.get(state, 0) for state in _STATES}


def _cursors(connection: Connection) -> dict[str, dict[str, Any]]:
    table = table_of(CursorRow)
    shown = {field.name for field in fields(ChannelStatus)}
    columns = [column for column in table.c if column.name in shown]
    rows = connection.execute(sa.select(*columns)).mappings()
    return {row["channel"]: {key: row[key] for key in row if key != "channel"} for row in rows}


def _oldest(connection: Connection) -> dict[str, datetime]:
    columns = table_of(InboundRow).c
    statement = sa.select(columns.channel, sa.func.min(columns.due_at)).where(columns.state == InboundState.RECEIVED)
    return _pairs(connection, statement.group_by(columns.channel))


def _owners(connection: Connection) -> dict[str, str]:
    columns = table_of(LeaseRow).c
    statement = sa.select(columns.name, columns.holder).where(columns.until > read_clock(connection))
    return _pairs(connection, statement)


def _outbound(connection: Connection, *, only_teams: Collection[str] | None) -> dict[str, int]:
    table, conversation = table_of(OutboundRow), table_of(ConversationRow)
    counted = sa.select(table.c.state, sa.func.count()).group_by(table.c.state)
    if only_teams is not None:
        counted = counted.join(conversation, conversation.c.id == table.c.conversation_id)
        counted = counted.where(among(conversation.c.team, only_teams))
    found = _pairs(connection, counted)
    return {state.value: found.get(state.value, 0) for state in OutboundState}


def _unpublished(connection: Connection) -> int:
    statement = sa.select(sa.func.count()).where(table_of(EventRow).c.number.is_(None))
    return int(connection.execute(statement).scalar_one())


def _incoming(connection: Connection) -> int:
    statement = sa.select(sa.func.count()).where(table_of(MessageRow).c.inbound_id.is_not(None))
    return int(connection.execute(statement).scalar_one())


def _gate(connection: Connection) -> GateStatus:
    columns = table_of(GateTallyRow).c
    statement = sa.select(sa.func.sum(columns.held), sa.func.sum(columns.released))
    held, released = connection.execute(statement.where(columns.at >= read_clock(connection) - _A_DAY)).one()
    return GateStatus(int(held or 0), int(released or 0))


def _breaches(connection: Connection) -> int:
    columns = table_of(SlaNoticeRow).c
    statement = sa.select(sa.func.count()).where(columns.kind == NoticeKind.BREACH)
    return int(connection.execute(statement.where(columns.at >= read_clock(connection) - _A_DAY)).scalar_one())


def _outages(connection: Connection) -> tuple[OutageStatus, ...]:
    table = table_of(OutageRow)
    columns = columns_of(OutageRow, OutageStatus)
    since = read_clock(connection) - _A_DAY
    rows = connection.execute(sa.select(*columns).where(table.c.first_at >= since).order_by(table.c.first_at))
    return tuple(OutageStatus(**row) for row in rows.mappings())


def _pairs(connection: Connection, statement: sa.Select[Any]) -> dict[str, Any]:
    # A result has a method `keys`, so `dict` would take it for a mapping.
    return {row[0]: row[1] for row in connection.execute(statement)}
