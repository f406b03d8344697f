"""Questions that the machine may answer: asked by routing, decided by a chore, sent once through the ledger.

A question is settled by one update of its waiting row, in the transaction that writes the answer: of two workers one
finds nothing to update, and a worker that dies leaves the row waiting.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from router.origin.verdicts import OriginKind
from router.reason import Reason, ReasonKey
from router.remarks.remark_kind import WANTS_PERSON
from store.db.bulk import among, insert_new, table_of
from store.db.engine import Rows
from store.db.ids import new_id
from store.events.append import EventKind
from store.outbound.ledger import OutboundClaim
from store.outbound.replies import Answerable, lock_answerable
from store.tables.messages import AttachmentRow, ConversationRow, Direction, MessageRow, ThreadKeyRow, digest
from store.tables.operations import AUTO_REPLY, EventRow, OutboundRow, OutboundState
from store.tables.self_service import AnswerVerdict, AutoAnswerRow, AutoAnswerState

_LEFT = (AutoAnswerState.ANSWERED, AutoAnswerState.OFFERED)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedMessage:
    """A message of a question, as the inbox keeps it. trace: of its routing."""

    question_id: UUID
    conversation_id: UUID
    message_id: UUID
    channel: str
    asked_at: datetime
    due_at: datetime
    subject: str
    text: str
    trace: Mapping[str, Any]
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerCase:
    """What a decision depends on besides the words. newest: the customer's newest message.

    by_person: an agent has the case, or wrote in it since it was last closed.  given: automatic answers since then.
    """

    by_person: bool
    given: int
    wants_person: bool
    in_danger: bool
    is_over: bool
    newest: UUID | None
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AutomaticText:
    """What is sent. rfc_message_id: ours, fixed before the first attempt.  sender_name: see `OutboundRow`."""

    id: UUID
    sender_name: str
    subject: str
    text: str
    rfc_message_id: str


def ask_machine(connection: Connection, rows: Rows) -> None:
    """Insert the questions of a routed batch."""
    insert_new(connection, AutoAnswerRow, rows=rows)


def due_questions(connection: Connection, *, now: datetime, limit: int) -> list[list[AskedMessage]]:
    """Return the waiting messages of the cases that are due, oldest first: a case whose customer still writes waits."""
    table = table_of(AutoAnswerRow)
    waiting = sa.select(table.c.conversation_id, sa.func.max(table.c.due_at).label("due"))
    cases = waiting.where(table.c.state == AutoAnswerState.WAITING).group_by(table.c.conversation_id).subquery()
    statement = sa.select(cases.c.conversation_id).where(cases.c.due <= now).order_by(cases.c.due).limit(limit)
    ids = list(connection.execute(statement).scalars())
    found: dict[UUID, list[AskedMessage]] = {}
    for each in _messages(connection, ids):
        found.setdefault(each.conversation_id, []).append(each)
    return list(found.values())


def _messages(connection: Connection, ids: Collection[UUID]) -> list[AskedMessage]:
    table, message, file = table_of(AutoAnswerRow), table_of(MessageRow), table_of(AttachmentRow)
    files = sa.select(sa.func.count()).where(file.c.message_id == message.c.id).scalar_subquery()
    own = ("conversation_id", "message_id", "channel", "asked_at", "due_at")
    statement = (
        sa.select(
            table.c.id.label("question_id"),
            *(table.c[name] for name in own),
            *(message.c[name] for name in ("subject", "text", "trace")),
            files.label("files"),
        )
        .join(message, message.c.id == table.c.message_id)
        .where(among(table.c.conversation_id, ids), table.c.state == AutoAnswerState.WAITING)
        .order_by(table.c.asked_at, table.c.id)
    )
    return [AskedMessage(**row) for row in connection.execute(statement).mappings()]


def answer_case(connection: Connection, conversation_id: UUID) -> AnswerCase:
    """Return the state of a case as a decision sees it."""
    table, message, given = table_of(ConversationRow), table_of(MessageRow), table_of(AutoAnswerRow)
    names = ("status", "merged_into", "emergency", "possible_danger", "language", "opened_at", "labels")
    row = connection.execute(sa.select(*(table.c[name] for name in names)).where(table.c.id == conversation_id)).one()
    since = _opened_again(connection, conversation_id) or row.opened_at
    of_case = given.c.conversation_id == conversation_id
    counted = sa.select(sa.func.count()).where(of_case, among(given.c.state, _LEFT), given.c.decided_at >= since)
    asked = sa.select(given.c.id).where(of_case, given.c.verdict == AnswerVerdict.PERSON, given.c.verdict_at >= since)
    theirs = (message.c.conversation_id == conversation_id, message.c.direction == Direction.INCOMING)
    newest = sa.select(message.c.id).where(*theirs).order_by(message.c.received_at.desc(), message.c.id.desc()).limit(1)
    return AnswerCase(
        by_person=_has_person(connection, conversation_id, since=since),
        given=connection.execute(counted).scalar_one(),
        wants_person=WANTS_PERSON in row.labels or connection.execute(asked.limit(1)).first() is not None,
        in_danger=bool(row.emergency or row.possible_danger),
        is_over=row.merged_into is not None or row.status == Status.RESOLVED,
        newest=connection.execute(newest).scalar_one_or_none(),
        language=row.language or "",
    )


def _events(connection: Connection, conversation_id: UUID, kind: EventKind) -> Sequence[Any]:
    table = table_of(EventRow)
    which = (table.c.conversation_id == conversation_id, table.c.kind == kind)
    return connection.execute(sa.select(table.c.payload, table.c.at).where(*which).order_by(table.c.at)).all()


def _opened_again(connection: Connection, conversation_id: UUID) -> datetime | None:
    """Return when the case was closed last: what an agent did before does not count."""
    closed = [
        row.at
        for row in _events(connection, conversation_id, EventKind.CONVERSATION_STATUS_CHANGED)
        if row.payload.get("to") == Status.RESOLVED
    ]
    return max(closed, default=None)


def _has_person(connection: Connection, conversation_id: UUID, *, since: datetime) -> bool:
    message = table_of(MessageRow)
    by_agent = message.c.direction.in_((Direction.OUTGOING, Direction.NOTE))
    statement = sa.select(message.c.id).where(
        message.c.conversation_id == conversation_id,
        by_agent,
        message.c.origin != OriginKind.AUTO_REPLIED,
        message.c.received_at >= since,
    )
    if connection.execute(statement.limit(1)).first() is not None:
        return True
    assigned = _events(connection, conversation_id, EventKind.CONVERSATION_ASSIGNED)
    # What the machine assigned has no `by`: no agent has looked at it yet.
    return any(row.payload.get("by") and row.payload.get("assignee") and row.at >= since for row in assigned)


def settle_question(
    connection: Connection, messages: Sequence[AskedMessage], *, state: AutoAnswerState, values: Mapping[str, Any]
) -> bool:
    """Settle the last message of a question, and mark the earlier ones superseded; return False if it was settled."""
    table = table_of(AutoAnswerRow)
    waiting = table.c.state == AutoAnswerState.WAITING
    last = sa.update(table).where(table.c.id == messages[-1].question_id, waiting)
    if not connection.execute(last.values(state=state, **values)).rowcount:
        return False
    earlier = [each.question_id for each in messages[:-1]]
    if earlier:
        older = sa.update(table).where(among(table.c.id, earlier), waiting)
        connection.execute(older.values(state=AutoAnswerState.SUPERSEDED, decided_at=values["decided_at"]))
    return True


def lock_case(connection: Connection, conversation_id: UUID) -> Answerable:
    """Lock the case until the transaction ends. Raises Conflict when it was merged into another."""
    return lock_answerable(connection, conversation_id)


def queue_answer(connection: Connection, case: Answerable, *, text: AutomaticText, key: str, now: datetime) -> None:
    """Queue an automatic text. key: by which the ledger sends it once."""
    row = {
        "id": text.id,
        "dedupe_key": key,
        "conversation_id": case.id,
        # The limits and the breaker for automatic messages apply.
        "kind": AUTO_REPLY,
        "channel": case.channel,
        "recipient": case.recipient,
        "sender_name": text.sender_name,
        "subject": text.subject,
        "text": text.text,
        "rfc_message_id": text.rfc_message_id,
        "in_reply_to": case.in_reply_to,
        "state": OutboundState.QUEUED,
        "created_at": now,
        "due_at": now,
        "attempts": 0,
    }
    insert_new(connection, OutboundRow, rows=[row])
    key_row = {"digest": digest(text.rfc_message_id), "conversation_id": case.id, "own": True}
    insert_new(connection, ThreadKeyRow, rows=[key_row])


def why_withdrawn(connection: Connection, row: OutboundClaim) -> Reason | None:
    """Return why an automatic answer must not leave any more: a person took the case over; None if nothing did."""
    table = table_of(AutoAnswerRow)
    found = connection.execute(sa.select(table.c.conversation_id).where(table.c.outbound_id == row.id)).first()
    if found is None:
        return None
    case = answer_case(connection, found.conversation_id)
    return Reason(ReasonKey.TAKEN_OVER) if case.by_person or case.in_danger or case.wants_person else None


def withdraw(connection: Connection, outbound_id: UUID) -> None:
    """Note that an answer was not sent because a person took the case over."""
    table = table_of(AutoAnswerRow)
    statement = sa.update(table).where(table.c.outbound_id == outbound_id)
    connection.execute(statement.values(state=AutoAnswerState.TAKEN_OVER))


def case_is_pending(connection: Connection, conversation_id: UUID) -> bool:
    """Return whether the case waits for its customer."""
    table = table_of(ConversationRow)
    status = connection.execute(sa.select(table.c.status).where(table.c.id == conversation_id)).scalar_one()
    return bool(status == Status.PENDING)


def tally_answers(connection: Connection, *, since: datetime) -> dict[tuple[str, str, str], int]:
    """Return how many questions were decided since a moment, by channel, state and verdict."""
    table = table_of(AutoAnswerRow)
    columns = (table.c.channel, table.c.state, table.c.verdict)
    statement = sa.select(*columns, sa.func.count()).where(table.c.decided_at >= since).group_by(*columns)
    rows = connection.execute(statement)
    return {(row[0], row[1], row[2]): row[3] for row in rows}


def question_row(placement: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of a new question. placement: its ids, channel and times."""
    return {"id": new_id(), "state": AutoAnswerState.WAITING, **placement}
