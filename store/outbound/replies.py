"""Write agents' replies: the message, its row in the ledger and the conversation's new state, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from router.errors import Conflict
from router.origin.verdicts import OriginKind
from router.routing.sla import clock_rests
from store.conversations.read import refuse_merged, where_now
from store.conversations.search_index.indexed_words import index_messages
from store.conversations.sla import change_status, note_reply
from store.db.bulk import among, insert_new, insert_rows, table_of
from store.db.ids import first_id_at, new_id
from store.events.append import EventKind, NewEvent, append_events
from store.outbound.answer_addresses import answer_address
from store.outbound.ledger import OutboundClaim
from store.outbound.limits import last_heard
from store.outbound.unasked_case import open_unasked
from store.tables.composer import AnswerFileRow
from store.tables.messages import ConversationRow, Direction, MessageRow, ThreadKeyRow, digest
from store.tables.operations import REPLY, OutboundRow, OutboundState

# The `kind` of what an agent passes on to another person; it answers nothing.
FORWARD: Final = "forward"
# Machines that answer our own messages bring nothing that a reply could miss.
SAYS_NOTHING: Final = (OriginKind.AUTO_REPLIED, OriginKind.OURSELVES, OriginKind.BOUNCE)
_MOST_ANCESTORS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Answerable:
    """A locked conversation, with what a reply to it needs.

    recipient: the last sender on its channel; empty if there is no address to reply to.
    in_reply_to: the Message-ID of that message.  ancestors: all Message-IDs of the conversation, oldest first.
    """

    id: UUID
    reference: str
    contact_id: UUID
    channel: str
    subject: str
    status: str
    version: int
    recipient: str
    in_reply_to: str | None
    ancestors: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReply:
    """A reply to send.

    due_at: when; in the future for a scheduled reply.  masked: the text as the inbox keeps it.
    kind: `REPLY`, or `FORWARD` with its `recipient`.  files: the ids of the draft's files.
    blind_copies, sender_name, below, rich, undo_until, then_status: see `OutboundRow`.
    """

    id: UUID
    dedupe_key: str
    author: str
    sender: str
    subject: str
    text: str
    masked: str
    rfc_message_id: str
    due_at: datetime
    copies: Sequence[str] = field(default=())
    template: str | None = None
    variables: dict[str, str] | None = None
    kind: str = REPLY
    recipient: str = ""
    blind_copies: Sequence[str] = field(default=())
    sender_name: str = ""
    below: str = ""
    rich: bool = False
    files: Sequence[UUID] = field(default=())
    undo_until: datetime | None = None
    then_status: str | None = None


def lock_answerable(connection: Connection, conversation_id: UUID) -> Answerable:
    """Lock a conversation until the transaction ends, and return what a reply to it needs.

    Raises Conflict when it was merged into another.
    """
    table = table_of(ConversationRow)
    refuse_merged(connection, conversation_id)
    names = ("id", "reference", "contact_id", "channel", "subject", "status", "version", "merged_into")
    statement = sa.select(*(table.c[name] for name in names)).where(table.c.id == conversation_id).with_for_update()
    conversation = dict(connection.execute(statement).mappings().one())
    # Another agent may have merged it before we got the lock.
    if (merged_into := conversation.pop("merged_into")) is not None:
        raise Conflict(f"it was merged into the conversation {merged_into}")
    answered = answer_address(
        connection, conversation_id, contact_id=conversation["contact_id"], channel=conversation["channel"]
    )
    return Answerable(
        **conversation,
        recipient=answered.address,
        in_reply_to=answered.in_reply_to,
        ancestors=_ancestors(connection, conversation_id),
    )


def add_reply(connection: Connection, case: Answerable, *, reply: NewReply, now: datetime) -> UUID:
    """Store the reply as a message and queue it; return the message's id.

    An immediate reply counts as the answer now; a scheduled one when it is sent.
    """
    outbound = _outbound(case, reply, now=now)
    message = _message(case, author=reply.author, sender=reply.sender, text=reply.masked, now=now)
    message |= {"outbound_id": reply.id, "subject": reply.subject, "rfc_message_id": reply.rfc_message_id}
    insert_rows(connection, OutboundRow, rows=[outbound])
    insert_rows(connection, MessageRow, rows=[message])
    index_messages(connection, [message])
    key = {"digest": digest(reply.rfc_message_id), "conversation_id": case.id, "own": True}
    insert_new(connection, ThreadKeyRow, rows=[key])
    payload = {"message_id": str(message["id"]), "outbound_id": str(reply.id), "author": reply.author}
    append_events(connection, [NewEvent(EventKind.MESSAGE_QUEUED, case.id, payload, at=now)])
    _touch(connection, case.id, now=now)
    attach(connection, reply.files, outbound_id=reply.id)
    if reply.kind == REPLY and reply.due_at <= now:
        answered(connection, case.id, at=now)
        if reply.then_status:
            change_status(connection, conversation_id=case.id, status=Status(reply.then_status), at=now)
    return UUID(str(message["id"]))


def attach(connection: Connection, files: Sequence[UUID], *, outbound_id: UUID | None) -> None:
    """Make files a part of an answer; of the draft again with None."""
    table = table_of(AnswerFileRow)
    if files:
        connection.execute(sa.update(table).where(among(table.c.id, files)).values(outbound_id=outbound_id))


def add_note(connection: Connection, case: Answerable, *, author: str, masked: str, now: datetime) -> UUID:
    """Store a note, which only agents see; return the message's id."""
    message = _message(case, author=author, sender="", text=masked, now=now) | {"direction": Direction.NOTE}
    insert_rows(connection, MessageRow, rows=[message])
    index_messages(connection, [message])
    payload = {"message_id": str(message["id"]), "author": author}
    append_events(connection, [NewEvent(EventKind.MESSAGE_NOTED, case.id, payload, at=now)])
    _touch(connection, case.id, now=now)
    return UUID(str(message["id"]))


def note_answer(connection: Connection, row: OutboundClaim, *, late: bool = False) -> None:
    """Count a planned reply as the answer once it is sent; and one that arrived after it seemed lost (`late`).

    A conversation that was resolved meanwhile stays resolved: its agent let the reply leave.
    """
    if row.kind != REPLY or not (late or row.is_planned):
        return
    table, outbound = table_of(ConversationRow), table_of(OutboundRow)
    which = table.c.id == _now(connection, row.conversation_id)
    before = connection.execute(sa.select(table.c.status, table.c.version).where(which).with_for_update()).one()
    _count_planned(connection, row, status=before.status)
    after = connection.execute(sa.select(table.c.version).where(which)).scalar_one()
    versions = {"version_before": before.version, "version_after": after}
    connection.execute(sa.update(outbound).where(outbound.c.id == row.id).values(**versions))


def _count_planned(connection: Connection, row: OutboundClaim, *, status: str) -> None:
    table, conversation_id = table_of(ConversationRow), _now(connection, row.conversation_id)
    if status == Status.RESOLVED:
        later = _first_after(connection, conversation_id, row.known_until)
        waiting = sa.case((table.c.waiting_since < later, later), else_=table.c.waiting_since) if later else None
        first = {"replied_at": sa.func.coalesce(table.c.replied_at, row.now), "waiting_since": waiting}
        connection.execute(sa.update(table).where(table.c.id == conversation_id).values(**first))
    elif row.then_status == "":
        note_reply(connection, conversation_id=conversation_id, at=row.now)
    elif answered(connection, conversation_id, at=row.now, known_until=row.known_until) and row.then_status:
        change_status(
            connection, conversation_id=conversation_id, status=Status(row.then_status), at=row.now, by=row.author
        )


def put_back(connection: Connection, row: OutboundClaim, *, waits: bool = True) -> None:
    """Reopen a conversation whose reply was not sent: the customer still waits for an answer.

    waits: False if another answer was given meanwhile, so no clock starts.
    """
    if row.kind != REPLY:
        open_unasked(connection, [row])
        return
    table, conversation_id = table_of(ConversationRow), _now(connection, row.conversation_id)
    which = table.c.id == conversation_id
    if waits:
        # The answer recorded for this reply does not count.
        counted = table.c.replied_at.in_([at for at in (row.created_at, row.claimed_at) if at])
        unanswered = sa.case((counted, None), else_=table.c.replied_at)
        heard_at = last_heard(connection, contact_id=row.contact_id, channel=row.channel)
        waiting = sa.func.coalesce(table.c.waiting_since, heard_at)
        values = {"replied_at": unanswered, "waiting_since": waiting, "watch_at": row.now}
        connection.execute(sa.update(table).where(which).values(**values))
    if clock_rests(connection.execute(sa.select(table.c.status).where(which).with_for_update()).scalar_one()):
        change_status(connection, conversation_id=conversation_id, status=Status.OPEN, at=row.now)


def answered(
    connection: Connection, conversation_id: UUID, *, at: datetime, known_until: datetime | None = None
) -> bool:
    """Record the first reply, and wait for the customer; return whether all was answered.

    known_until: what the customer wrote later was not answered, and its clock runs on; None if all was read.
    """
    conversation_id = _now(connection, conversation_id)
    later = _first_after(connection, conversation_id, known_until) if known_until else None
    if later is not None:
        table = table_of(ConversationRow)
        waiting = sa.case((table.c.waiting_since < later, later), else_=table.c.waiting_since)
        values = {"replied_at": sa.func.coalesce(table.c.replied_at, at), "waiting_since": waiting, "watch_at": at}
        statement = sa.update(table).where(table.c.id == conversation_id)
        connection.execute(statement.values(**values, version=table.c.version + 1))
        return False
    note_reply(connection, conversation_id=conversation_id, at=at)
    change_status(connection, conversation_id=conversation_id, status=Status.PENDING, at=at)
    return True


def _first_after(connection: Connection, conversation_id: UUID, known_until: datetime) -> datetime | None:
    """Return when the customer's first message after the moment was received; None if there is none."""
    columns = table_of(MessageRow).c
    newer = sa.or_(columns.id > first_id_at(known_until), columns.received_at > known_until)
    theirs = (columns.conversation_id == conversation_id, columns.direction == Direction.INCOMING)
    waits = columns.origin.not_in(SAYS_NOTHING)
    found: datetime | None = connection.execute(
        sa.select(sa.func.min(columns.received_at)).where(*theirs, newer, waits)
    ).scalar()
    return found


def answered_elsewhere(connection: Connection, conversation_id: UUID, *, at: datetime) -> None:
    """Record an answer that left by a mail program at `at`, unless the customer wrote again since."""
    columns, case = table_of(MessageRow).c, table_of(ConversationRow)
    statement = sa.select(columns.id).where(
        columns.conversation_id == conversation_id, columns.direction == Direction.INCOMING, columns.received_at > at
    )
    if connection.execute(statement.limit(1)).first() is not None:
        return
    note_reply(connection, conversation_id=conversation_id, at=at)
    status = connection.execute(sa.select(case.c.status).where(case.c.id == conversation_id)).scalar_one()
    if status == Status.OPEN:
        change_status(connection, conversation_id=conversation_id, status=Status.PENDING, at=at)


def _now(connection: Connection, conversation_id: UUID) -> UUID:
    # If the conversation was merged meanwhile, the reply counts for the other one.
    return where_now(connection, [conversation_id]).get(conversation_id, conversation_id)


def _touch(connection: Connection, conversation_id: UUID, *, now: datetime) -> None:
    table = table_of(ConversationRow)
    values = {"last_message_at": now, "version": table.c.version + 1}
    connection.execute(sa.update(table).where(table.c.id == conversation_id).values(**values))


def _ancestors(connection: Connection, conversation_id: UUID) -> tuple[str, ...]:
    """Return the thread's Message-IDs, oldest first; of a long thread only the first and the last ones."""
    columns = table_of(MessageRow).c
    statement = sa.select(columns.rfc_message_id).where(
        columns.conversation_id == conversation_id, columns.rfc_message_id.is_not(None)
    )
    found = connection.execute(statement.order_by(columns.received_at, columns.id)).scalars()
    ids = tuple(dict.fromkeys(found))
    return ids if len(ids) <= _MOST_ANCESTORS else (ids[0], *ids[1 - _MOST_ANCESTORS :])


def _outbound(case: Answerable, reply: NewReply, *, now: datetime) -> dict[str, Any]:
    return {
        "id": reply.id,
        "dedupe_key": reply.dedupe_key,
        "conversation_id": case.id,
        "kind": reply.kind,
        "channel": case.channel,
        "recipient": reply.recipient or case.recipient,
        "copies": list(reply.copies) or None,
        "subject": reply.subject,
        "text": reply.text,
        "rfc_message_id": reply.rfc_message_id,
        "in_reply_to": case.in_reply_to if reply.kind == REPLY else None,
        "ancestors": list(case.ancestors) or None if reply.kind == REPLY else None,
        "template": reply.template,
        "variables": reply.variables,
        "author": reply.author,
        "state": OutboundState.QUEUED,
        "created_at": now,
        "due_at": reply.due_at,
        # Fixed at approval; a scheduled one bears the date that it was meant for.
        "dated_at": max(now, reply.due_at),
        "attempts": 0,
        "blind_copies": list(reply.blind_copies) or None,
        "sender_name": reply.sender_name,
        "below": reply.below,
        "rich": reply.rich,
        "undo_until": reply.undo_until,
        "then_status": reply.then_status,
    }


def _message(case: Answerable, *, author: str, sender: str, text: str, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "conversation_id": case.id,
        "contact_id": case.contact_id,
        "direction": Direction.OUTGOING,
        "channel": case.channel,
        "sender_handle": sender,
        "sender_name": author,
        "text": text,
        "received_at": now,
        "origin": "agent",
    }
