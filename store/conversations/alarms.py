"""Emergencies: why an agent was alerted, and what the agent found. The evidence is kept in either case."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from router.errors import NotFound
from router.origin.verdicts import OriginKind
from router.routing.false_alarm import CaseState, calm_before
from router.routing.sla import Due
from store.conversations.sla import change_status
from store.db.bulk import among, columns_of, insert_new, table_of
from store.db.engine import Rows
from store.db.plain_rows import KnownRows, PlainStatement, Question, types_of
from store.events.append import EventKind
from store.tables.emergencies import EmergencyRow
from store.tables.messages import ConversationRow, Direction, MessageRow
from store.tables.operations import REPLY, EventRow, OutboundRow
from store.tables.outbound_state import LEFT

# Emergencies that agents look at again and again.
_REMEMBERED: Final = 500
_SAID_AGAIN: Final = ("conversation_id", "inbound_id", "at", "evidence", "reopens")


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyRecord:
    """See `store.tables.emergencies.EmergencyRow`."""

    conversation_id: UUID
    inbound_id: UUID
    at: datetime
    evidence: dict[str, Any]
    confirmed: bool | None
    by: str
    confirmed_at: datetime | None
    paged: dict[str, Any] | None
    calm: dict[str, Any] | None
    changed: dict[str, Any] | None
    paged_by: str
    steps: int
    stepped_at: datetime | None
    stepped_to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnansweredAlarm:
    """An alarm that no one has confirmed or released, or answered, with where its conversation is."""

    conversation_id: UUID
    team: str
    assignee: str | None
    steps: int
    paged: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmAnswer:
    """The first answer that the customer got since people were called.

    by: its author; empty where the channel names none, as of a text from a shared telephone.
    """

    by: str
    channel: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmStep:
    """The next step of an alarm. to: the agent or team; empty if no one was there.  paged: None leaves it alone."""

    conversation_id: UUID
    step: int
    to: str
    team: str
    assignee: str | None
    paged: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a person found of an emergency. confirmed: None takes the last judgement back; then `by` is empty.

    changed: see `store.tables.emergencies.EmergencyRow`.
    """

    confirmed: bool | None
    by: str
    confirmed_at: datetime | None
    changed: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """What a conversation becomes when danger is said in it later. labels: are added."""

    team: str
    priority: str
    route: str
    sla: str | None
    labels: tuple[str, ...]
    first_reply_due_at: datetime | None
    resolve_due_at: datetime | None
    clock_started_at: datetime


def call_for(connection: Connection, rows: Rows) -> None:
    """Record emergencies; a new danger in a conversation that has a verdict needs a new verdict."""
    table = table_of(EmergencyRow)
    if insert_new(connection, EmergencyRow, rows=rows) == len(rows):
        return
    for row in rows:
        again = {name: value for name, value in row.items() if name != "conversation_id"}
        again |= {"changed": None, "steps": 0, "stepped_at": None, "stepped_to": ""}
        judged = (table.c.conversation_id == row["conversation_id"], table.c.confirmed.is_not(None))
        connection.execute(sa.update(table).where(*judged).values(**again, confirmed=None, by="", confirmed_at=None))


def call_again(connection: Connection, rows: Rows) -> None:
    """Start alarms again whose customers say danger again: after an answer that was no verdict, or in a closed case.

    rows: of emergencies, with `reopens`: the case was resolved. Of several of one case each counts, in this order.
    What the emergency made of the case stays known. One without an answer goes on as it did, and one that was confirmed
    in a case that has been open since has its agent. An emergency for which no one was called, as of an archive, gets
    its first alarm.
    """
    if not rows:
        return
    first = [{name: value for name, value in row.items() if name != "reopens"} | {"calm": None} for row in rows]
    if insert_new(connection, EmergencyRow, rows=first) < len(rows):
        # An alarm that was just started has no answer, and what starts it again writes the same.
        said = [{f"b_{name}": row[name] for name in _SAID_AGAIN} for row in rows]
        connection.execute(_starting_again(), said)


@cache
def _starting_again() -> sa.Update:
    table = table_of(EmergencyRow)
    values: dict[str, Any] = {name: _bound(name) for name in ("inbound_id", "at", "evidence")}
    values |= {"steps": 0, "stepped_at": None, "stepped_to": "", "paged_by": ""}
    values |= {"confirmed": None, "by": "", "confirmed_at": None, "changed": None}
    was_answered = answers_since(table.c.conversation_id, since=table.c.at).exists()
    was_closed = sa.or_(sa.bindparam("b_reopens", type_=sa.Boolean()), _was_resolved_since())
    is_over = sa.or_(
        sa.and_(was_closed, table.c.confirmed.is_not(False)),
        sa.and_(sa.not_(was_closed), table.c.confirmed.is_(None), was_answered),
    )
    return sa.update(table).where(table.c.conversation_id == _bound("conversation_id"), is_over).values(**values)


def _bound(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(f"b_{name}", type_=table_of(EmergencyRow).c[name].type)


def _was_resolved_since() -> sa.ColumnElement[bool]:
    """Return whether the case was resolved since people were called, or since the verdict: it may be open again."""
    table, event = table_of(EmergencyRow).c, table_of(EventRow).c
    return sa.exists().where(
        event.conversation_id == table.conversation_id,
        event.kind == EventKind.CONVERSATION_STATUS_CHANGED.value,
        event.at >= sa.func.coalesce(table.confirmed_at, table.at),
        event.payload["to"].as_string() == Status.RESOLVED.value,
    )


def find_emergency(connection: Connection, conversation_id: UUID) -> EmergencyRecord:
    """Return the emergency of a conversation.

    Raises NotFound when the conversation never was an emergency.
    """
    statement, values = emergency_of(conversation_id)
    found = _KNOWN_EMERGENCIES(connection, statement.rows(connection, values))
    if not found:
        raise NotFound("this conversation never was an emergency")
    return found[0]


def emergency_of(conversation_id: UUID) -> Question:
    """Return the question of `find_emergency`."""
    return _EMERGENCY, {"conversation": conversation_id}


def answer_to(connection: Connection, known: EmergencyRecord) -> AlarmAnswer | None:
    """Return the answer by which an agent showed that a person has the emergency; None without one."""
    table = table_of(EmergencyRow)
    answers = answers_since(sa.literal(known.conversation_id, table.c.conversation_id.type), since=known.at)
    columns = answers.selected_columns
    first = connection.execute(answers.order_by(columns.received_at, columns.id).limit(1)).first()
    return (
        AlarmAnswer(by=first.sender_name or first.sender_handle, channel=first.channel, at=first.received_at)
        if first
        else None
    )


def answers_since(conversation_id: sa.ColumnElement[UUID], *, since: Any) -> sa.Select[Any]:  # noqa: ANN401  (or a column)
    """Return the agents' answers that left, or may have; what waits or failed has not reached the customer."""
    message, sent = table_of(MessageRow), table_of(OutboundRow)
    left = sa.exists().where(
        sent.c.id == message.c.outbound_id, sent.c.kind == REPLY, among(sent.c.state, [state.value for state in LEFT])
    )
    # What a colleague sent by a mail program has no row in the ledger, and its copy may come later than the danger.
    elsewhere = sa.and_(
        message.c.outbound_id.is_(None),
        message.c.origin != OriginKind.AUTO_REPLIED,
        sa.func.coalesce(message.c.sent_at, message.c.received_at) >= since,
    )
    said = (message.c.direction == Direction.OUTGOING, sa.or_(elsewhere, left))
    columns = (message.c[name] for name in ("id", "sender_name", "sender_handle", "channel", "received_at"))
    return sa.select(*columns).where(
        message.c.conversation_id == conversation_id, message.c.received_at >= since, *said
    )


def _emergency() -> sa.Select[Any]:
    theirs = table_of(EmergencyRow).c.conversation_id == sa.bindparam("conversation")
    return sa.select(*columns_of(EmergencyRow, EmergencyRecord)).where(theirs)


def _record(row: Sequence[Any]) -> EmergencyRecord:
    return EmergencyRecord(**dict(zip((field.name for field in fields(EmergencyRecord)), row, strict=True)))


_EMERGENCY: Final = PlainStatement(_emergency())
_KNOWN_EMERGENCIES: Final = KnownRows(types_of(_emergency()), _record, most=_REMEMBERED)


def judge_emergency(connection: Connection, conversation_id: UUID, judgement: Judgement) -> None:
    """Write down what a person found, with what it made of the conversation."""
    table = table_of(EmergencyRow)
    connection.execute(sa.update(table).where(table.c.conversation_id == conversation_id).values(**asdict(judgement)))


def forget_emergency(connection: Connection, conversation_id: UUID) -> None:
    """Take back that an agent made it an emergency."""
    table = table_of(EmergencyRow)
    connection.execute(sa.delete(table).where(table.c.conversation_id == conversation_id))


def read_case(connection: Connection, conversation_id: UUID) -> CaseState:
    """Lock a conversation until the transaction ends, and return what an emergency changes of it."""
    return _case_states(connection, [conversation_id])[conversation_id]


def write_case(
    connection: Connection, conversation_id: UUID, state: CaseState, *, emergency: bool, due: Due, now: datetime
) -> None:
    """Write what an emergency changes of a locked conversation, with the promises that follow.

    `workers.chores.sla` looks at it next: what was due in the meantime is reported then.
    """
    table = table_of(ConversationRow)
    values = asdict(state) | {"labels": list(state.labels), "emergency": emergency, "possible_danger": False}
    values |= {"first_reply_due_at": due.first_reply, "next_reply_due_at": due.next_reply}
    values |= {"resolve_due_at": due.resolve, "watch_at": now, "alarmed_at": None, "version": table.c.version + 1}
    connection.execute(sa.update(table).where(table.c.id == conversation_id).values(**values))


def escalate(
    connection: Connection, escalations: Mapping[UUID, Escalation], *, now: datetime
) -> dict[UUID, dict[str, Any]]:
    """Make emergencies of conversations that are none; return what each was before, as `CalmCase` in JSON."""
    if not escalations:
        return {}
    table = table_of(ConversationRow)
    states = _case_states(connection, escalations, calm_only=True)
    # An agent who had it was found for another matter, and what was said before is no answer to this one.
    again = {"assignee": None, "replied_at": None, "held_until": None, "alarmed_at": None, "watch_at": now}
    again |= {"home_team": None}
    names = [field.name for field in fields(Escalation)]
    said: dict[str, Any] = {name: sa.bindparam(f"b_{name}", type_=table.c[name].type) for name in names}
    values = said | again | {"waiting_since": said["clock_started_at"], "emergency": True, "status": Status.OPEN}
    rows = [
        {f"b_{name}": getattr(escalation, name) for name in names}
        | {"b_id": conversation_id, "b_labels": _joined(states[conversation_id].labels, escalation.labels)}
        for conversation_id, escalation in sorted(escalations.items())
        if conversation_id in states
    ]
    if rows:
        statement = sa.update(table).where(table.c.id == sa.bindparam("b_id"))
        values |= {"possible_danger": False, "snoozed_by": None}
        connection.execute(statement.values(**values), rows)
    return {conversation_id: calm_before(state) for conversation_id, state in states.items()}


def _joined(labels: Sequence[str], added: Sequence[str]) -> list[str]:
    return [*dict.fromkeys((*labels, *added))]


def _case_states(connection: Connection, ids: Collection[UUID], *, calm_only: bool = False) -> dict[UUID, CaseState]:
    """Lock conversations in the order of their ids. calm_only: those that are no emergency."""
    table = table_of(ConversationRow)
    statement = sa.select(table.c.id, *columns_of(ConversationRow, CaseState)).where(among(table.c.id, ids))
    if calm_only:
        statement = statement.where(table.c.emergency.is_(False))
    rows = connection.execute(statement.order_by(table.c.id).with_for_update()).mappings()
    return {row["id"]: _case_state(row) for row in rows}


def _case_state(row: sa.RowMapping) -> CaseState:
    values = {name: value for name, value in row.items() if name != "id"}
    return CaseState(**values | {"labels": tuple(values["labels"])})


def is_any_unanswered(connection: Connection, *, since: datetime) -> bool:
    """Return whether an alarm has been where it is since then or longer."""
    return connection.execute(_unanswered(since).limit(1)).first() is not None


def take_unanswered(connection: Connection, *, since: datetime, limit: int) -> list[UnansweredAlarm]:
    """Lock and return such alarms, the oldest first, with their conversations; what others hold is left."""
    locked = _unanswered(since).order_by(table_of(EmergencyRow).c.at).limit(limit).with_for_update(skip_locked=True)
    return [UnansweredAlarm(**row) for row in connection.execute(locked).mappings()]


def move_alarm(connection: Connection, step: AlarmStep, *, now: datetime) -> None:
    """Write where a locked alarm goes. Who is called finds the case open: set aside, it would wait in no queue."""
    table, case = table_of(EmergencyRow), table_of(ConversationRow)
    values: dict[str, Any] = {"steps": step.step, "stepped_at": now, "stepped_to": step.to}
    values |= {} if step.paged is None else {"paged": step.paged}
    connection.execute(sa.update(table).where(table.c.conversation_id == step.conversation_id).values(**values))
    if step.to:
        change_status(connection, conversation_id=step.conversation_id, status=Status.OPEN, at=now)
        there = {"team": step.team, "assignee": step.assignee, "alarmed_at": None, "version": case.c.version + 1}
        connection.execute(sa.update(case).where(case.c.id == step.conversation_id).values(**there))


def _unanswered(since: datetime) -> sa.Select[Any]:
    table, case = table_of(EmergencyRow), table_of(ConversationRow)
    columns = (table.c.conversation_id, case.c.team, case.c.assignee, table.c.steps, table.c.paged)
    waits = (case.c.emergency, case.c.status != Status.RESOLVED, case.c.merged_into.is_(None))
    return (
        sa.select(*columns)
        .join(case, case.c.id == table.c.conversation_id)
        .where(table.c.confirmed.is_(None), sa.func.coalesce(table.c.stepped_at, table.c.at) <= since, *waits)
        .where(sa.not_(answers_since(table.c.conversation_id, since=table.c.at).exists()))
    )
