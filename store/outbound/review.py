"""The ledger for agents: list outgoing messages, and decide about those with an unknown outcome."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.errors import Conflict, NotFound, PermanentError
from store.db.bulk import among, columns_of, table_of
from store.db.engine import read_clock
from store.events.append import EventKind, NewEvent, append_events
from store.outbound.ledger import OutboundClaim, as_shown, find
from store.outbound.replies import FORWARD, answered, put_back
from store.tables.composer import AnswerFileRow
from store.tables.messages import ConversationRow
from store.tables.operations import REPLY, OutboundRow, OutboundState

# The states that need an agent.
TROUBLED: Final = (OutboundState.UNKNOWN, OutboundState.NEEDS_PERSON, OutboundState.FAILED)
_NO_MESSAGE: Final = "there is no outgoing message with that id"
_RETURNABLE: Final = (OutboundState.QUEUED, OutboundState.FAILED, OutboundState.NEEDS_PERSON)
_CANCELLABLE: Final = (OutboundState.QUEUED, *TROUBLED)


class MaskedTextError(PermanentError):
    """The text had a secret, which is not kept after sending. draft: what is kept, to be written again."""

    def __init__(self, draft: str) -> None:
        super().__init__(
            "the text had a secret, which was masked when it was sent: it would leave with stars; write it again"
        )
        self.draft = draft


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundRecord:
    """One outgoing message. See `store.tables.operations.OutboundRow`."""

    id: UUID
    conversation_id: UUID
    kind: str
    channel: str
    recipient: str
    subject: str
    author: str
    state: str
    error: str
    attempts: int
    created_at: datetime
    due_at: datetime
    claimed_at: datetime | None
    sent_at: datetime | None
    delivery: str
    delivery_at: datetime | None
    undo_until: datetime | None


def list_outbound(
    connection: Connection,
    *,
    states: Sequence[str] = TROUBLED,
    channel: str | None = None,
    before: UUID | None = None,
    only_teams: Collection[str] | None = None,
    limit: int,
) -> list[OutboundRecord]:
    """Return up to `limit` outgoing messages in these states, newest first.

    before: the last id of the page before.  only_teams: the teams that the reader may see; None means all.
    """
    columns = table_of(OutboundRow).c
    statement = _select().where(among(columns.state, states))
    if channel is not None:
        statement = statement.where(columns.channel == channel)
    if before is not None:
        statement = statement.where(columns.id < before)
    if only_teams is not None:
        conversation = table_of(ConversationRow).c
        seen = sa.exists().where(conversation.id == columns.conversation_id, among(conversation.team, only_teams))
        statement = statement.where(seen)
    rows = connection.execute(statement.order_by(columns.id.desc()).limit(limit)).mappings()
    return [OutboundRecord(**row) for row in rows]


def find_outbound(connection: Connection, outbound_id: UUID) -> OutboundRecord:
    """Return one outgoing message.

    Raises NotFound when there is none.
    """
    row = connection.execute(_select().where(table_of(OutboundRow).c.id == outbound_id)).mappings().first()
    if row is None:
        raise NotFound(_NO_MESSAGE)
    return OutboundRecord(**row)


def send_again(connection: Connection, outbound_id: UUID, *, by: str) -> None:
    """Queue a message again that certainly was not sent, or whose outcome is unknown.

    Raises NotFound, Conflict when another agent decided first (a double click sends once), and MaskedTextError.
    """
    _refuse_masked(connection, outbound_id)
    now = read_clock(connection)
    values: dict[str, Any] = {"state": OutboundState.QUEUED, "due_at": now, "attempts": 0, "repeats": 0, "looks": 0}
    # Reports about the attempt before do not count, nor what the agent has read meanwhile.
    values |= {"error": "", "delivery": "", "delivery_at": None, "approved_at": now}
    _act(connection, outbound_id, EventKind.OUTBOUND_SENT_AGAIN, by=by, values=values, states=TROUBLED)
    row = find(connection, outbound_id)
    if row and row.kind == REPLY:
        answered(connection, row.conversation_id, at=row.now)


def _refuse_masked(connection: Connection, outbound_id: UUID) -> None:
    table = table_of(OutboundRow)
    statement = sa.select(table.c.text).where(table.c.id == outbound_id, table.c.masked, among(table.c.state, TROUBLED))
    if (text := connection.execute(statement).scalar()) is not None:
        raise MaskedTextError(text)


def mark_sent(connection: Connection, outbound_id: UUID, *, by: str) -> None:
    """Record an agent's knowledge that the message arrived.

    Raises NotFound, and Conflict when it was decided already.
    """
    sent = {"state": OutboundState.SENT, "sent_at": read_clock(connection), "error": f"marked as sent by {by}"}
    values = sent | as_shown()
    _act(connection, outbound_id, EventKind.OUTBOUND_MARKED_SENT, by=by, values=values, states=TROUBLED)
    row = find(connection, outbound_id)
    if row and row.kind == REPLY:
        answered(connection, row.conversation_id, at=row.now, known_until=row.known_until)


def cancel(connection: Connection, outbound_id: UUID, *, by: str) -> None:
    """Cancel a message that has not left, and reopen its conversation.

    Raises NotFound, and Conflict when it is being sent or was sent.
    """
    values = {"state": OutboundState.CANCELLED, "error": f"cancelled by {by}"}
    _act(connection, outbound_id, EventKind.OUTBOUND_CANCELLED, by=by, values=values, states=_CANCELLABLE)
    row = find(connection, outbound_id)
    # One that only waited to be taken back has changed nothing yet.
    if row and not (row.undo_until and row.attempts == 0):
        put_back(connection, row)


def take_back(connection: Connection, outbound_id: UUID, *, by: str) -> OutboundClaim:
    """Cancel a reply that waits or was certainly not sent, and return it as it was written; its masked text stays.

    Raises NotFound, and Conflict when it is being sent or was sent.
    """
    row = find(connection, outbound_id)
    if row is None:
        raise NotFound(_NO_MESSAGE)
    if row.kind not in {REPLY, FORWARD} or row.state not in _RETURNABLE:
        raise Conflict(f"the message is already {row.state.replace('_', ' ')}")
    cancel(connection, outbound_id, by=by)
    table = table_of(OutboundRow)
    connection.execute(sa.update(table).where(table.c.id == outbound_id).values(**as_shown()))
    files = table_of(AnswerFileRow)
    connection.execute(sa.update(files).where(files.c.outbound_id == outbound_id).values(outbound_id=None))
    return row


def _act(
    connection: Connection,
    outbound_id: UUID,
    kind: EventKind,
    *,
    by: str,
    values: dict[str, Any],
    states: Sequence[str],
) -> None:
    table = table_of(OutboundRow)
    statement = sa.update(table).where(table.c.id == outbound_id, among(table.c.state, states))
    if not connection.execute(statement.values(**values)).rowcount:
        now = find_outbound(connection, outbound_id)
        raise Conflict(f"the message is already {now.state.replace('_', ' ')}")
    row = find_outbound(connection, outbound_id)
    payload = {"outbound_id": str(outbound_id), "channel": row.channel, "by": by}
    append_events(connection, [NewEvent(kind, row.conversation_id, payload, at=read_clock(connection))])


def _select() -> sa.Select[Any]:
    return sa.select(*columns_of(OutboundRow, OutboundRecord))
