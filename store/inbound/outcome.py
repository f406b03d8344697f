"""Write the outcome of a batch at once: conversations, messages, files, thread keys, replies, events."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from router.reason import Reason, ReasonKey
from store.conversations.alarms import Escalation, call_again, call_for, escalate
from store.conversations.assignees import Released
from store.conversations.danger_questions import ask_about_danger
from store.conversations.outages import notice_outages
from store.conversations.search_index.indexed_words import index_read
from store.db.bulk import among, among_bound, insert_marked, insert_new, insert_rows, table_of
from store.db.ids import new_id
from store.desk.assignment import another_agent_is_available
from store.desk.names_index import index_files
from store.events.append import NewEvent, append_events
from store.inbound.contact_points import note_contact_points
from store.inbound.fetched_files import wait_for_files
from store.inbound.first_words import FirstWords, add_labels, settle_first_words
from store.outbound.automatic_answers import ask_machine
from store.outbound.delivery_receipts import ReturnedMail, note_returned
from store.outbound.limits import LastWord, note_words
from store.outbound.replies import answered_elsewhere
from store.tables.desk import GateTallyRow
from store.tables.messages import AttachmentRow, ConversationRow, MessageRow, ThreadKeyRow, digest
from store.tables.operations import OutboundRow


@dataclass(frozen=True, slots=True)
class ConversationTouch:
    """A conversation that gets a message from its customer.

    wakes: an agent must answer, so a resolved case reopens and its clock runs.  False for old mail and for automatic
    messages.
    """

    conversation_id: UUID
    received_at: datetime
    wakes: bool


@dataclass(slots=True)
class Outcome:
    """Rows to write, collected while a batch is decided; the keys are the columns of their tables.

    indexed: each message's words for the search index.
    fetched_files: attachments that came as a reference.  contact_points: what channels say about customers.
    answers: conversations that our side answered by a mail program, and when; before them all that the customer wrote.
    words: STOP and START messages of customers.
    held, released: how many messages wait because their channel is closed, and how many the second check released.
    heard: how many messages there are in which a customer may be in danger.
    emergencies, questions: rows to insert.  echoes, gists: echo or gist -> a message with that text.
    said_again: danger in conversations that are emergencies: see `call_again`.
    first_words: what conversations become that had no matter.  labels: one to add to each conversation.
    returned: messages of ours that came back.  asked: questions that the machine may answer.
    """

    conversations: list[Mapping[str, Any]] = field(default_factory=list)
    messages: list[Mapping[str, Any]] = field(default_factory=list)
    indexed: list[tuple[UUID, str]] = field(default_factory=list)
    attachments: list[Mapping[str, Any]] = field(default_factory=list)
    fetched_files: list[Mapping[str, Any]] = field(default_factory=list)
    contact_points: list[Mapping[str, Any]] = field(default_factory=list)
    thread_keys: list[tuple[str, UUID, bool]] = field(default_factory=list)
    touches: list[ConversationTouch] = field(default_factory=list)
    answers: list[tuple[UUID, datetime]] = field(default_factory=list)
    escalations: dict[UUID, Escalation] = field(default_factory=dict)
    replies: list[Mapping[str, Any]] = field(default_factory=list)
    events: list[NewEvent] = field(default_factory=list)
    words: list[LastWord] = field(default_factory=list)
    held: int = 0
    released: int = 0
    heard: int = 0
    emergencies: list[Mapping[str, Any]] = field(default_factory=list)
    said_again: list[Mapping[str, Any]] = field(default_factory=list)
    questions: list[Mapping[str, Any]] = field(default_factory=list)
    echoes: dict[str, UUID] = field(default_factory=dict)
    gists: dict[str, UUID] = field(default_factory=dict)
    returned: list[ReturnedMail] = field(default_factory=list)
    asked: list[Mapping[str, Any]] = field(default_factory=list)
    first_words: dict[UUID, FirstWords] = field(default_factory=dict)
    labels: dict[UUID, str] = field(default_factory=dict)

    def add(self, other: Outcome) -> None:
        """Add the rows of another outcome, which come after its own."""
        for name in _LISTS:
            if rows := getattr(other, name):
                getattr(self, name).extend(rows)
        for name in _MAPPINGS:
            if said := getattr(other, name):
                getattr(self, name).update(said)
        self.held, self.released = self.held + other.held, self.released + other.released
        self.heard += other.heard


_MAPPINGS: Final = tuple(each.name for each in fields(Outcome) if each.default_factory is dict)
_LISTS: Final = tuple(each.name for each in fields(Outcome) if each.default_factory is list)


def write_outcome(
    connection: Connection, *, outcome: Outcome, handed_out: Collection[str], outage_customers: int, now: datetime
) -> None:
    """Write all of it, inside the caller's transaction.

    handed_out: the teams with automatic assignment.
    outage_customers: how many customers with the same text make an outage; 0 disables it.
    now: the database's clock.
    """
    _write_messages(connection, outcome, now=now)
    # Before the touches, which would start the clock with the bounce and not with the customer's message.
    note_returned(connection, outcome.returned)
    _touch(connection, outcome.touches, handed_out=handed_out, now=now)
    settle_first_words(connection, outcome.first_words)
    add_labels(connection, outcome.labels)
    calm = escalate(connection, outcome.escalations, now=now)
    # After all that the customer wrote before them; a new emergency waits for an answer.
    for conversation_id, at in sorted(outcome.answers):
        answered_elsewhere(connection, conversation_id, at=at)
    _write_tally(connection, outcome, now=now)
    insert_new(connection, OutboundRow, rows=outcome.replies)
    ask_machine(connection, outcome.asked)
    if outcome.words:
        note_words(connection, outcome.words)
    _call_people(connection, outcome, calm=calm)
    if outage_customers:
        said = {row["id"]: row["echo"] for row in outcome.messages}
        outcome.events += notice_outages(
            connection, echoes=outcome.echoes, gists=outcome.gists, said=said, customers=outage_customers, now=now
        )
    append_events(connection, outcome.events)


def _write_messages(connection: Connection, outcome: Outcome, *, now: datetime) -> None:
    """Insert the new conversations and all messages, with what belongs to each message."""
    insert_rows(connection, ConversationRow, rows=outcome.conversations)
    insert_rows(connection, MessageRow, rows=outcome.messages)
    index_read(connection, outcome.indexed)
    insert_rows(connection, AttachmentRow, rows=outcome.attachments)
    index_files(connection, {row["id"]: row["name"] for row in outcome.attachments})
    wait_for_files(connection, outcome.fetched_files, now=now)
    note_contact_points(connection, outcome.contact_points)
    _insert_thread_keys(connection, outcome.thread_keys)


def _write_tally(connection: Connection, outcome: Outcome, *, now: datetime) -> None:
    """Count this batch for the supervisor: how many messages waited, were released, or may mean danger."""
    if outcome.held or outcome.released or outcome.heard:
        tally = {"id": new_id(), "at": now, "held": outcome.held, "released": outcome.released}
        insert_rows(connection, GateTallyRow, rows=[tally | {"messages": outcome.heard}])


def _call_people(connection: Connection, outcome: Outcome, *, calm: Mapping[UUID, Mapping[str, Any]]) -> None:
    """Call people for emergencies, and ask agents about what may be one. calm: as `escalate` returned it."""
    emergencies = [{**row, "calm": calm.get(row["conversation_id"], row["calm"])} for row in outcome.emergencies]
    call_for(connection, emergencies)
    call_again(connection, outcome.said_again)
    ask_about_danger(connection, outcome.questions)


def _insert_thread_keys(connection: Connection, keys: Sequence[tuple[str, UUID, bool]]) -> None:
    # Of a message that is both quoted and stored here, the entry with `own` comes last and wins.
    known = {(digest(message_id), conversation_id): own for message_id, conversation_id, own in sorted(keys, key=_own)}
    # The same order in every worker, so that two of them do not deadlock.
    rows = [
        {"digest": key, "conversation_id": conversation_id, "own": known[key, conversation_id]}
        for key, conversation_id in sorted(known)
    ]
    insert_new(connection, ThreadKeyRow, rows=[row for row in rows if not row["own"]])
    # A message may be quoted in its conversation before it arrives, in an earlier batch.
    insert_marked(connection, ThreadKeyRow, rows=[row for row in rows if row["own"]], mark="own")


def _own(key: tuple[str, UUID, bool]) -> bool:
    return key[2]


def _touch(
    connection: Connection, touches: Sequence[ConversationTouch], *, handed_out: Collection[str], now: datetime
) -> None:
    if handed_out:
        _release_from_absent(connection, touches, handed_out=handed_out, now=now)
    for wakes in (True, False):
        ordered = sorted((touch for touch in touches if touch.wakes is wakes), key=lambda touch: touch.conversation_id)
        rows = [
            {"b_id": touch.conversation_id, "b_received_at": touch.received_at} | ({"b_now": now} if wakes else {})
            for touch in ordered
        ]
        if rows:
            connection.execute(_touching(wakes=wakes), rows)


@cache
def _touching(*, wakes: bool) -> sa.Update:
    table = table_of(ConversationRow)
    values = _waking(table.c) if wakes else _latest(table.c)
    return sa.update(table).where(table.c.id == sa.bindparam("b_id")).values(**values)


def _waking(columns: sa.sql.base.ReadOnlyColumnCollection[str, sa.Column[Any]]) -> dict[str, Any]:
    now: sa.BindParameter[datetime] = sa.bindparam("b_now")
    # A hold of the hours lasts until the channel opens, even if the customer writes again; an agent's snooze ends.
    still_held = sa.and_(columns.status == Status.SNOOZED, columns.held_until > now, columns.snoozed_by.is_(None))
    return _latest(columns) | {
        "status": sa.case((still_held, columns.status), else_=Status.OPEN),
        # The oldest unanswered message counts: a second one does not move the due time. What an agent resolved without
        # an answer counts no more.
        "waiting_since": sa.case(
            (columns.status == Status.RESOLVED, _RECEIVED_AT),
            else_=sa.func.coalesce(columns.waiting_since, _RECEIVED_AT),
        ),
        # Old mail has no clock; a new message of the customer starts it.
        "clock_started_at": sa.func.coalesce(columns.clock_started_at, _RECEIVED_AT),
        # `workers.chores.sla` computes the due times later, to keep routing fast.
        "watch_at": now,
    }


def _release_from_absent(
    connection: Connection, touches: Sequence[ConversationTouch], *, handed_out: Collection[str], now: datetime
) -> None:
    """Return conversations to their queues whose agent is away: their customer writes, and another is available."""
    table = table_of(ConversationRow)
    touched = sorted({touch.conversation_id for touch in touches if touch.wakes})
    if not touched:
        return
    rows = connection.execute(_left_behind(), {"ids": touched, "teams": handed_out, "now": now}).all()
    if not rows:
        return
    connection.execute(sa.update(table).where(among(table.c.id, [row.id for row in rows])).values(assignee=None))
    away = [(row, Reason(ReasonKey.AGENT_IS_AWAY, {"agent": row.assignee})) for row in rows]
    append_events(connection, [Released(row.id, row.team, row.assignee, why).event(at=now) for row, why in away])


@cache
def _left_behind() -> sa.Select[Any]:
    """Return the query for those conversations whose agent is away while another is available."""
    table = table_of(ConversationRow)
    now = sa.bindparam("now", type_=table.c.held_until.type)
    left = another_agent_is_available(table.c.team, table.c.assignee, now=now)
    theirs = (table.c.assignee.is_not(None), among_bound(table.c.team, "teams"), left)
    found = sa.select(table.c.id, table.c.team, table.c.assignee).where(among_bound(table.c.id, "ids"), *theirs)
    return found.order_by(table.c.id).with_for_update()


_RECEIVED_AT: Final[sa.BindParameter[datetime]] = sa.bindparam("b_received_at")


def _latest(columns: sa.sql.base.ReadOnlyColumnCollection[str, sa.Column[Any]]) -> dict[str, Any]:
    latest = sa.case((columns.last_message_at > _RECEIVED_AT, columns.last_message_at), else_=_RECEIVED_AT)
    return {"last_message_at": latest, "version": columns.version + 1}
