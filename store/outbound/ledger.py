"""The ledger of outgoing messages: each is claimed and committed before it is sent, and settled by that attempt.

A row whose process died in `sending` is not queued again automatically: the provider may have the message.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.db.bulk import among, columns_of, table_of
from store.db.engine import read_clock
from store.tables.messages import ConversationRow, MessageRow
from store.tables.operations import OutboundRow, OutboundState
from store.tables.self_service import AutoAnswerRow

# An attempt settles only these, however late it ends; what an agent or a callback has settled stays unchanged.
_UNSETTLED: Final = (OutboundState.SENDING, OutboundState.UNKNOWN, OutboundState.NEEDS_PERSON)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundClaim:
    """One row of the ledger, with what a sender needs.

    token: of the last attempt; None before the first.  now: the database's clock when the row was read.
    contact_id, reference: of the conversation; the token in the subject is made from them.  language: the
        conversation's.
    """

    id: UUID
    conversation_id: UUID
    kind: str
    channel: str
    recipient: str
    copies: list[str] | None
    subject: str
    text: str
    rfc_message_id: str
    in_reply_to: str | None
    ancestors: list[str] | None
    author: str
    state: str
    delivery: str
    provider_id: str | None
    template: str | None
    variables: dict[str, str] | None
    created_at: datetime
    dated_at: datetime | None
    claimed_at: datetime | None
    approved_at: datetime | None
    blind_copies: list[str] | None
    sender_name: str
    below: str
    rich: bool
    undo_until: datetime | None
    then_status: str | None
    unknown_at: datetime | None
    attempts: int
    looks: int
    repeats: int
    token: UUID | None
    contact_id: UUID
    reference: str
    language: str
    now: datetime

    @property
    def is_planned(self) -> bool:
        """Whether it was written to leave later."""
        return self.dated_at is not None and self.dated_at > self.created_at

    @property
    def known_until(self) -> datetime:
        """The moment up to which the person who let it leave knew the conversation."""
        return self.approved_at or self.created_at


@dataclass(frozen=True, slots=True)
class DueOutbound:
    """The work to do: rows to send, rows whose process died, rows to look for at the provider."""

    queued: bool
    dead: bool
    unknown: bool


def due(connection: Connection, *, channels: Collection[str]) -> DueOutbound:
    """Return the work to do for these channels, without locks."""
    now, columns = read_clock(connection), table_of(OutboundRow).c
    ours = among(columns.channel, channels)
    asked = (
        (columns.state == OutboundState.QUEUED, columns.due_at <= now),
        (columns.state == OutboundState.SENDING, columns.lease_until < now),
        (columns.state == OutboundState.UNKNOWN, columns.due_at <= now),
    )
    exists = (sa.select(columns.id).where(ours, *conditions).exists() for conditions in asked)
    found = connection.execute(sa.select(*exists)).one()
    return DueOutbound(queued=bool(found[0]), dead=bool(found[1]), unknown=bool(found[2]))


def next_queued(connection: Connection, *, channel: str) -> OutboundClaim | None:
    """Lock and return the channel's row that has been due longest, without claiming it.

    Messages of a conversation leave in order: while an earlier one is being sent or waits for another attempt, later
    ones wait.
    """
    row = connection.execute(_queued(), {"b_now": read_clock(connection), "b_channel": channel}).mappings().first()
    return OutboundClaim(**row) if row else None


@cache
def _queued() -> sa.Select[Any]:
    """Return the statement of `next_queued`, built once: it runs for each message."""
    table, earlier = table_of(OutboundRow), table_of(OutboundRow).alias("earlier")
    now = sa.bindparam("b_now", type_=table.c.due_at.type)
    # Worded like the condition of the partial index, which has only these few rows.
    underway = sa.text("(earlier.state = 'sending' OR (earlier.state = 'queued' AND earlier.attempts > 0))")
    blocked = sa.select(earlier.c.id).where(
        earlier.c.conversation_id == table.c.conversation_id, earlier.c.id < table.c.id, underway
    )
    ready = _select(now).where(table.c.state == OutboundState.QUEUED, table.c.due_at <= now, sa.not_(blocked.exists()))
    ready = ready.where(table.c.channel == sa.bindparam("b_channel")).order_by(table.c.due_at, table.c.id).limit(1)
    return ready.with_for_update(of=table, skip_locked=True)


def others_queued(connection: Connection, row: OutboundClaim, *, since: datetime, limit: int) -> list[OutboundClaim]:
    """Lock and return more rows of the row's kind and channel that are due, the oldest first.

    since: only rows that were made later.  Without answers that the machine gave to a question: each has a case of its
    own to look at.
    """
    asked = {"b_now": row.now, "b_channel": row.channel, "b_kind": row.kind, "b_since": since, "b_limit": limit}
    return [OutboundClaim(**found) for found in connection.execute(_others(), asked).mappings()]


@cache
def _others() -> sa.Select[Any]:
    table, answer = table_of(OutboundRow), table_of(AutoAnswerRow)
    now = sa.bindparam("b_now", type_=table.c.due_at.type)
    given = sa.select(answer.c.id).where(answer.c.outbound_id == table.c.id)
    alike = (table.c.channel == sa.bindparam("b_channel"), table.c.kind == sa.bindparam("b_kind"))
    ready = _select(now).where(*alike, table.c.state == OutboundState.QUEUED, table.c.due_at <= now)
    since = sa.bindparam("b_since", type_=table.c.created_at.type)
    ready = ready.where(table.c.created_at > since, sa.not_(given.exists())).order_by(table.c.due_at, table.c.id)
    limit = sa.bindparam("b_limit", type_=sa.Integer())
    return ready.limit(limit).with_for_update(of=table, skip_locked=True)


def find(connection: Connection, outbound_id: UUID) -> OutboundClaim | None:
    """Return one row, locked."""
    row = _select(read_clock(connection)).where(table_of(OutboundRow).c.id == outbound_id)
    return _first(connection, row.with_for_update(of=table_of(OutboundRow)))


def begin(connection: Connection, row: OutboundClaim, *, lease: timedelta) -> OutboundClaim:
    """Claim a row that `next_queued` locked: its state is now `sending`, and its date is fixed."""
    token = uuid4()
    begun = replace(row, token=token, attempts=row.attempts + 1, claimed_at=row.now, dated_at=row.dated_at or row.now)
    values = {
        "state": OutboundState.SENDING,
        "attempts": begun.attempts,
        "lease_token": token,
        "lease_until": row.now + lease,
        "claimed_at": begun.claimed_at,
        "dated_at": begun.dated_at,
    }
    _update(connection, row.id, values=values)
    return begun


def renew(connection: Connection, *, tokens: Collection[UUID], lease: timedelta) -> None:
    """Extend the leases of the attempts that are still running in this process."""
    table = table_of(OutboundRow)
    statement = sa.update(table).where(table.c.state == OutboundState.SENDING, among(table.c.lease_token, tokens))
    connection.execute(statement.values(lease_until=read_clock(connection) + lease))


def settle_sent(connection: Connection, row: OutboundClaim, *, provider_id: str = "", why: str = "") -> bool:
    """Record that the provider has the message; return False if the row was settled otherwise before."""
    values = {"state": OutboundState.SENT, "sent_at": read_clock(connection), "error": why, **as_shown()}
    return _settle(connection, row, values=values | _named(row.id, provider_id, channel=row.channel))


def settle_failed(connection: Connection, row: OutboundClaim, *, why: str) -> bool:
    """Record that the provider refused the message permanently."""
    return _settle(connection, row, values={"state": OutboundState.FAILED, "error": why})


def settle_unknown(connection: Connection, row: OutboundClaim, *, why: str, look_after: timedelta) -> bool:
    """Record that the outcome is unknown. look_after: when to look for it, or to repeat it where that does no harm."""
    now = read_clock(connection)
    since = {"unknown_at": now, "looks": 0, "due_at": now + look_after}
    values = {"state": OutboundState.UNKNOWN, "error": why, **since}
    return _settle(connection, row, values=values, states=(OutboundState.SENDING,))


def settle_not_sent(connection: Connection, row: OutboundClaim, *, why: str, wait: timedelta, counts: bool) -> bool:
    """Queue it for another attempt after `wait`. counts: False if the failure was not caused by this message."""
    attempts = row.attempts if counts else row.attempts - 1
    due_at = read_clock(connection) + wait
    values = {"state": OutboundState.QUEUED, "due_at": due_at, "attempts": attempts, "error": why}
    return _settle(connection, row, values=values)


def rest_recipient(connection: Connection, row: OutboundClaim, *, why: str, wait: timedelta) -> bool:
    """Queue it for another attempt after `wait`, and leave the recipient's other messages until then as well.

    The provider refuses the recipient for now, not the message: only its first attempt counts, so that later messages
    of the conversation wait behind it.
    """
    table, due_at = table_of(OutboundRow), read_clock(connection) + wait
    statement = sa.update(table).where(table.c.channel == row.channel, table.c.recipient == row.recipient)
    statement = statement.where(table.c.state == OutboundState.QUEUED, table.c.due_at < due_at)
    connection.execute(statement.values(due_at=due_at))
    values = {"state": OutboundState.QUEUED, "due_at": due_at, "attempts": 1, "error": why}
    return _settle(connection, row, values=values)


def hand_over(connection: Connection, row: OutboundClaim, *, why: str) -> bool:
    """Leave the decision to an agent, for a row that is queued, sending or unknown."""
    states = (OutboundState.QUEUED, OutboundState.SENDING, OutboundState.UNKNOWN)
    return _settle(connection, row, values={"state": OutboundState.NEEDS_PERSON, "error": why}, states=states)


def drop(connection: Connection, row: OutboundClaim, *, why: str) -> bool:
    """Cancel a queued automatic message that is out of date."""
    values = {"state": OutboundState.CANCELLED, "error": why}
    return _settle(connection, row, values=values, states=(OutboundState.QUEUED,))


def drop_all(connection: Connection, rows: Sequence[OutboundClaim], *, why: str) -> None:
    """Cancel automatic messages that are queued, and which this transaction has locked."""
    table = table_of(OutboundRow)
    statement = sa.update(table).where(
        among(table.c.id, [row.id for row in rows]), table.c.state == OutboundState.QUEUED
    )
    connection.execute(statement.values(state=OutboundState.CANCELLED, error=why))


def repeat(connection: Connection, row: OutboundClaim) -> bool:
    """Queue mail with an unknown outcome again, under the same Message-ID."""
    values = {"state": OutboundState.QUEUED, "due_at": read_clock(connection), "repeats": row.repeats + 1}
    return _settle(connection, row, values=values, states=(OutboundState.UNKNOWN,))


def expired(connection: Connection, *, channels: Collection[str], limit: int) -> list[OutboundClaim]:
    """Lock and return rows in `sending` whose lease has expired."""
    now, table = read_clock(connection), table_of(OutboundRow)
    dead = _select(now).where(table.c.state == OutboundState.SENDING, table.c.lease_until < now)
    return _all(connection, dead.where(among(table.c.channel, channels)), limit=limit)


def unknown(connection: Connection, *, channels: Collection[str], again_after: timedelta) -> OutboundClaim | None:
    """Return an unknown row that is due for a look, and hide it from other workers for `again_after`."""
    now, table = read_clock(connection), table_of(OutboundRow)
    ready = _select(now).where(table.c.state == OutboundState.UNKNOWN, table.c.due_at <= now)
    found = _all(connection, ready.where(among(table.c.channel, channels)), limit=1)
    for row in found:
        _update(connection, row.id, values={"due_at": now + again_after})
    return found[0] if found else None


def provider_ids(connection: Connection, *, channel: str, recipient: str, since: datetime) -> frozenset[str]:
    """Return the provider's ids of messages known to be sent to a recipient since `since`: a search excludes them."""
    columns = table_of(OutboundRow).c
    ours = (columns.channel == channel, columns.recipient == recipient, columns.provider_id.is_not(None))
    # A row is not sent before it exists, and rows to look for are not much older than their attempt.
    statement = sa.select(columns.provider_id).where(*ours, columns.sent_at >= since)
    return frozenset(connection.execute(statement).scalars())


def looked_in_vain(connection: Connection, row: OutboundClaim, *, look_after: timedelta, counts: bool) -> bool:
    """Look again after `look_after`. counts: whether the provider answered and did not have it."""
    values = {"due_at": read_clock(connection) + look_after, "looks": row.looks + int(counts)}
    return _settle(connection, row, values=values, states=(OutboundState.UNKNOWN,))


def note_result(
    connection: Connection, row: OutboundClaim, *, values: Mapping[str, Any], provider_id: str = ""
) -> None:
    """Write what became of a locked row after its attempt, or without its answer."""
    _update(connection, row.id, values={**values, **_named(row.id, provider_id, channel=row.channel)})


def _settle(
    connection: Connection, row: OutboundClaim, *, values: Mapping[str, Any], states: tuple[str, ...] = _UNSETTLED
) -> bool:
    """Change the row if it still belongs to this attempt, and is in one of `states`."""
    table = table_of(OutboundRow)
    # A row that was never tried has no token: the comparison with NULL is written by SQLAlchemy as IS NULL.
    statement = sa.update(table).where(
        table.c.id == row.id, table.c.lease_token == row.token, among(table.c.state, states)
    )
    return bool(connection.execute(statement.values(**values)).rowcount)


def as_shown() -> dict[str, sa.ColumnElement[Any]]:
    """Return the values of a text that was sent: as the inbox shows it, because the secrets are not needed any more."""
    table, message = table_of(OutboundRow), table_of(MessageRow)
    shown = sa.select(message.c.text).where(message.c.outbound_id == table.c.id).scalar_subquery()
    text = sa.func.coalesce(shown, table.c.text)
    return {"text": text, "masked": sa.or_(table.c.masked, text != table.c.text)}


def _named(outbound_id: UUID, provider_id: str, *, channel: str) -> dict[str, Any]:
    """Return the provider's id, unless another row has it: then it belongs to that row's message."""
    if not provider_id:
        return {}
    other = table_of(OutboundRow).alias("other")
    taken = sa.select(other.c.id).where(
        other.c.channel == channel, other.c.provider_id == provider_id, other.c.id != outbound_id
    )
    return {"provider_id": sa.case((taken.exists(), None), else_=provider_id)}


def _update(connection: Connection, outbound_id: UUID, *, values: Mapping[str, Any]) -> None:
    table = table_of(OutboundRow)
    connection.execute(sa.update(table).where(table.c.id == outbound_id).values(**values))


def _select(now: datetime | sa.BindParameter[datetime]) -> sa.Select[Any]:
    table, conversation = table_of(OutboundRow), table_of(ConversationRow)
    own = columns_of(OutboundRow, OutboundClaim, but=("token", "contact_id", "reference", "language", "now"))
    given = (now if isinstance(now, sa.BindParameter) else sa.literal(now, table.c.created_at.type)).label("now")
    joined = sa.join(table, conversation, conversation.c.id == table.c.conversation_id)
    case = (conversation.c.contact_id, conversation.c.reference, conversation.c.language)
    return sa.select(*own, table.c.lease_token.label("token"), *case, given).select_from(joined)


def _first(connection: Connection, statement: sa.Select[Any]) -> OutboundClaim | None:
    row = connection.execute(statement).mappings().first()
    return OutboundClaim(**row) if row else None


def _all(connection: Connection, statement: sa.Select[Any], *, limit: int) -> list[OutboundClaim]:
    table = table_of(OutboundRow)
    locked = statement.order_by(table.c.id).limit(limit).with_for_update(of=table, skip_locked=True)
    return [OutboundClaim(**row) for row in connection.execute(locked).mappings()]
