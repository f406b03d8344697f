"""Customers' ratings of closed cases: one question and one rating per closing, and few questions per customer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from router.origin.sender_proof import ProofKind
from store.conversations.corrections import none_of_ours
from store.db.bulk import among, insert_new, insert_rows, table_of
from store.db.engine import read_clock
from store.db.plain_rows import KnownRows, PlainStatement, types_of
from store.db.plain_rows import Question as AskedRows
from store.events.append import EventKind, NewEvent, append_events
from store.events.feed import newest_number
from store.tables.case_records import IS_GIVEN, RatingRow
from store.tables.desk import DeskStateRow
from store.tables.messages import ContactRow, ConversationRow, Direction, MessageRow, ThreadKeyRow, digest
from store.tables.operations import AUTO_REPLY, EventRow, OutboundRow

# The label of what agents mark as spam; its sender is not asked for a rating.
SPAM_LABEL: Final = "spam"
ASKED_AGAIN_AFTER: Final = timedelta(days=30)
# The columns of the conversation that a question needs.
_OF_CASE: Final = ("contact_id", "reference", "channel", "subject", "language")
_CLOSED: Final = EventKind.CONVERSATION_STATUS_CHANGED.value
_POSITION: Final = "ratings.asked"
# SQLite's only writer is locked while a batch is written.
_BATCH: Final = 50
# Ratings of the cases that agents look at.
_REMEMBERED: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingRecord:
    """A customer's rating of a closing, and the current assignee."""

    closing: UUID
    conversation_id: UUID
    reference: str
    team: str
    assignee: str | None
    score: int
    word: str
    rated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """A closed case, with the values a question needs. recipient: empty if there is no address to ask at."""

    event_id: UUID
    conversation_id: UUID
    contact_id: UUID
    reference: str
    channel: str
    subject: str
    language: str
    recipient: str = ""
    in_reply_to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The question. id: of the outbound row."""

    id: UUID
    subject: str
    text: str
    rfc_message_id: str


def is_anything_new(connection: Connection) -> bool:
    """Return whether events were published since the last look, or there was no look yet."""
    table = table_of(DeskStateRow)
    known = connection.execute(sa.select(table.c.value).where(table.c.name == _POSITION)).scalar_one_or_none()
    return known is None or int(known) < newest_number(connection)


def take_closings(connection: Connection) -> tuple[list[Closing], bool]:
    """Return the closings since the last look that allow a question, and whether there are more.

    Other workers wait until the transaction ends, so each closing is handled once. The first look returns nothing:
    there is no question about cases that were closed before ratings were enabled.
    """
    after = _position(connection)
    # Read first: events that are published between the two queries are left for the next look.
    newest = newest_number(connection)
    event = table_of(EventRow)
    statement = sa.select(event.c.number, event.c.id, event.c.conversation_id, event.c.payload)
    recent = statement.where(event.c.number > after, event.c.number <= newest, event.c.kind == _CLOSED)
    found = connection.execute(recent.order_by(event.c.number).limit(_BATCH)).all()
    is_more = len(found) == _BATCH
    _remember(connection, found[-1].number if is_more else max(after, newest))
    # Who said nothing more is not asked how it was.
    closed = [each for each in found if each.payload.get("to") == Status.RESOLVED and not each.payload.get("why")]
    return _closings(connection, [(each.id, each.conversation_id) for each in closed]), is_more


def ask(connection: Connection, closing: Closing, *, question: Question) -> bool:
    """Queue the question; False if it was asked already, or the customer was asked about another case lately."""
    table, now = table_of(RatingRow), read_clock(connection)
    statement = sa.select(table.c.closing).where(
        table.c.contact_id == closing.contact_id, table.c.asked_at > now - ASKED_AGAIN_AFTER
    )
    if connection.execute(statement.limit(1)).first() is not None:
        return False
    row = {"closing": closing.event_id, "conversation_id": closing.conversation_id, "contact_id": closing.contact_id}
    if not insert_new(connection, RatingRow, rows=[row | {"asked_at": now}]):
        return False
    insert_rows(connection, OutboundRow, rows=[_outbound(closing, question, now=now)])
    key = {"digest": digest(question.rfc_message_id), "conversation_id": closing.conversation_id, "own": True}
    insert_new(connection, ThreadKeyRow, rows=[key])
    payload = {"outbound_id": str(question.id)}
    append_events(connection, [NewEvent(EventKind.RATING_ASKED, closing.conversation_id, payload, at=now)])
    return True


def last_closing(connection: Connection, conversation_id: UUID) -> UUID | None:
    """Return the event of the case's last closing, if the case is closed."""
    event, table = table_of(EventRow), table_of(ConversationRow)
    is_closed = sa.select(table.c.id).where(table.c.id == conversation_id, table.c.status == Status.RESOLVED)
    if connection.execute(is_closed).first() is None:
        return None
    changes = sa.select(event.c.id, event.c.payload).where(
        event.c.conversation_id == conversation_id, event.c.kind == _CLOSED
    )
    # An event without a number is the newest.
    newest = sa.func.coalesce(event.c.number, sa.literal(2**62)).desc()
    found = connection.execute(changes.order_by(newest, event.c.id.desc()).limit(20)).all()
    return next((each.id for each in found if each.payload.get("to") == Status.RESOLVED), None)


def score_of(connection: Connection, closing: UUID) -> int | None:
    """Return the rating of a closing; None if there is none."""
    table = table_of(RatingRow)
    score: int | None = connection.execute(sa.select(table.c.score).where(table.c.closing == closing)).scalar()
    return score


def rate(connection: Connection, *, closing: UUID, conversation_id: UUID, score: int, masked: str) -> bool:
    """Record a customer's rating of a closing; False if it has one already."""
    table, now = table_of(RatingRow), read_clock(connection)
    conversation = table_of(ConversationRow)
    contact = sa.select(conversation.c.contact_id).where(conversation.c.id == conversation_id)
    row = {"closing": closing, "conversation_id": conversation_id}
    insert_new(connection, RatingRow, rows=[row | {"contact_id": connection.execute(contact).scalar_one()}])
    unsaid = sa.update(table).where(table.c.closing == closing, table.c.score.is_(None))
    if not connection.execute(unsaid.values(score=score, word=masked, rated_at=now)).rowcount:
        return False
    payload = {"score": score, "word": bool(masked)}
    append_events(connection, [NewEvent(EventKind.RATING_GIVEN, conversation_id, payload, at=now)])
    return True


def list_ratings(
    connection: Connection,
    *,
    before: tuple[datetime, UUID] | None = None,
    teams: Collection[str] | None = None,
    limit: int,
) -> list[RatingRecord]:
    """Return the ratings, newest first. before: the last row's moment and closing.  teams: None means all."""
    table, conversation = table_of(RatingRow), table_of(ConversationRow)
    own = ("closing", "conversation_id", "score", "word", "rated_at")
    joined = table.join(conversation, conversation.c.id == table.c.conversation_id)
    theirs = (conversation.c.reference, conversation.c.team, conversation.c.assignee)
    statement = sa.select(*(table.c[name] for name in own), *theirs).select_from(joined).where(IS_GIVEN)
    if before is not None:
        statement = statement.where(sa.tuple_(table.c.rated_at, table.c.closing) < before)
    if teams is not None:
        statement = statement.where(among(conversation.c.team, teams))
    rows = connection.execute(statement.order_by(table.c.rated_at.desc(), table.c.closing.desc()).limit(limit))
    return [RatingRecord(**row) for row in rows.mappings()]


def ratings_of(connection: Connection, conversation_id: UUID) -> list[tuple[int, str, datetime]]:
    """Return the ratings of a case, the newest first: score, words, and when."""
    statement, values = scores_of(conversation_id)
    return _KNOWN_SCORES(connection, statement.rows(connection, values))


def scores_of(conversation_id: UUID) -> AskedRows:
    """Return what `ratings_of` asks of the database."""
    return _SCORES, {"conversation": conversation_id}


def _scores() -> sa.Select[Any]:
    columns = table_of(RatingRow).c
    own = sa.select(columns.score, columns.word, columns.rated_at)
    theirs = own.where(columns.conversation_id == sa.bindparam("conversation"), IS_GIVEN)
    return theirs.order_by(columns.rated_at.desc())


_SCORES: Final = PlainStatement(_scores())
_KNOWN_SCORES: Final[KnownRows[tuple[int, str, datetime]]] = KnownRows(types_of(_scores()), tuple, most=_REMEMBERED)


def _position(connection: Connection) -> int:
    """Return the number of the last event handled and lock its row; at the first look, the newest number."""
    table = table_of(DeskStateRow)
    start = {"name": _POSITION, "value": str(newest_number(connection)), "at": read_clock(connection)}
    insert_new(connection, DeskStateRow, rows=[start])
    statement = sa.select(table.c.value).where(table.c.name == _POSITION).with_for_update()
    return int(connection.execute(statement).scalar_one())


def _remember(connection: Connection, number: int) -> None:
    table = table_of(DeskStateRow)
    values = {"value": str(number), "at": read_clock(connection)}
    connection.execute(sa.update(table).where(table.c.name == _POSITION).values(**values))


def _closings(connection: Connection, closed: Sequence[tuple[UUID, UUID]]) -> list[Closing]:
    """Return the closings that allow a question. closed: events with their conversations, in order."""
    ids = {conversation_id for _, conversation_id in closed}
    over = connection.execute(_over(ids)).mappings()
    cases = {row["id"]: row for row in over if SPAM_LABEL not in row["labels"]}
    last = {row.conversation_id: row for row in connection.execute(_last_words(cases))}
    return [
        Closing(
            event_id=event_id,
            conversation_id=conversation_id,
            **{name: cases[conversation_id][name] for name in _OF_CASE},
            recipient=last[conversation_id].sender_handle if conversation_id in last else "",
            in_reply_to=last[conversation_id].rfc_message_id if conversation_id in last else None,
        )
        for event_id, conversation_id in closed
        if conversation_id in cases
    ]


def _over(ids: Collection[UUID]) -> sa.Select[Any]:
    """Return the query for the conversations that are still closed.

    Excluded are those that were reopened, merged into another, or closed because the contact was erased or because they
    are not for us.
    """
    table, person = table_of(ConversationRow), table_of(ContactRow)
    is_erased = sa.exists().where(person.c.id == table.c.contact_id, person.c.erased_at.is_not(None))
    is_over = (table.c.status == Status.RESOLVED, table.c.merged_into.is_(None), ~is_erased)
    columns = (table.c[name] for name in ("id", "labels", *_OF_CASE))
    return sa.select(*columns).where(
        among(table.c.id, ids), *is_over, sa.not_(none_of_ours(table.c.category, table.c.id))
    )


def _last_words(ids: Collection[UUID]) -> sa.Select[Any]:
    """Return the query for each conversation's last message that a person wrote on its channel."""
    message, table = table_of(MessageRow), table_of(ConversationRow)
    place = sa.func.row_number().over(
        partition_by=message.c.conversation_id, order_by=(message.c.received_at.desc(), message.c.id.desc())
    )
    said = (
        sa.select(message.c.conversation_id, message.c.sender_handle, message.c.rfc_message_id, place.label("place"))
        .join(table, table.c.id == message.c.conversation_id)
        .where(among(message.c.conversation_id, ids), message.c.direction == Direction.INCOMING)
        .where(message.c.channel == table.c.channel, message.c.origin == "person")
        # A question about a forged message would reach the person whose address it shows.
        .where(message.c.sender_proof != ProofKind.FAILED)
        # Nor does a machine write to a colleague who forwarded it, or to an address that the mail only asks for.
        .where(sa.or_(message.c.answer_to == "", message.c.answer_to == message.c.sender_handle))
        .subquery()
    )
    return sa.select(said).where(said.c.place == 1)


def _outbound(closing: Closing, question: Question, *, now: datetime) -> dict[str, Any]:
    return {
        "id": question.id,
        "dedupe_key": f"rating:{closing.event_id}",
        "conversation_id": closing.conversation_id,
        # The limits and the breaker for automatic messages apply.
        "kind": AUTO_REPLY,
        "channel": closing.channel,
        "recipient": closing.recipient,
        "subject": question.subject,
        "text": question.text,
        "rfc_message_id": question.rfc_message_id,
        "in_reply_to": closing.in_reply_to,
        "created_at": now,
        "due_at": now,
        "attempts": 0,
    }
