"""The rows that due times are computed from: conversations to update, their pauses, and notices already sent.

A change that affects a due time sets `conversation.watch_at`; `workers.chores.sla` then computes all due times from
the stored facts again and never adjusts an old value.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from pydantic_core import to_jsonable_python
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from router.routing.sla import clock_rests
from store.conversations.danger_questions import IS_POSSIBLE_DANGER
from store.db.bulk import among, columns_of, insert_new, table_of
from store.db.engine import insert_ignore, upsert
from store.db.ids import new_id
from store.events.append import EventKind, NewEvent, append_events
from store.tables.desk import DeskStateRow, NoticeKind, PauseRow, SlaNoticeRow
from store.tables.messages import ConversationRow

# How many conversations one statement makes due when the calendar changed.
_BATCH: Final = 5_000
_DIGEST_NAME: Final = "promises"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlaState:
    """The values of a conversation that its due times depend on."""

    id: UUID
    status: str
    team: str
    assignee: str | None
    priority: str
    labels: Sequence[str]
    sla: str | None
    clock_started_at: datetime | None
    waiting_since: datetime | None
    replied_at: datetime | None
    held_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlaUpdate:
    """The new values of a conversation. changed: more than due times changed, so the version is raised."""

    id: UUID
    status: str
    team: str
    assignee: str | None
    priority: str
    labels: Sequence[str]
    first_reply_due_at: datetime | None
    next_reply_due_at: datetime | None
    resolve_due_at: datetime | None
    watch_at: datetime | None
    held_until: datetime | None
    changed: bool


@dataclass(frozen=True, slots=True)
class PauseRecord:
    """A pause of a conversation's clock; `until` is None while it lasts."""

    conversation_id: UUID
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class SlaReminder:
    """A warning or a breach that is reported once."""

    conversation_id: UUID
    promise: str
    kind: NoticeKind
    due_at: datetime


def is_anything_due(connection: Connection, *, now: datetime) -> bool:
    """Return whether any conversation needs an update."""
    watch_at = table_of(ConversationRow).c.watch_at
    return connection.execute(sa.select(sa.literal(1)).where(watch_at <= now).limit(1)).first() is not None


def take_due(connection: Connection, *, now: datetime, limit: int) -> list[SlaState]:
    """Lock and return the conversations that need an update, longest due first; skip those that others have locked."""
    # Possible danger comes back first when the service starts, however much was held with it.
    first = _take_due(connection, IS_POSSIBLE_DANGER, now=now, limit=limit)
    rest = table_of(ConversationRow).c.possible_danger.is_(False)
    return first + _take_due(connection, rest, now=now, limit=limit - len(first))


def _take_due(connection: Connection, which: sa.ColumnElement[bool], *, now: datetime, limit: int) -> list[SlaState]:
    table = table_of(ConversationRow)
    statement = sa.select(*columns_of(ConversationRow, SlaState)).where(table.c.watch_at <= now, which)
    statement = statement.order_by(table.c.watch_at).limit(limit).with_for_update(skip_locked=True)
    return [SlaState(**row) for row in connection.execute(statement).mappings()]


def pauses_of(connection: Connection, ids: Collection[UUID]) -> dict[UUID, list[PauseRecord]]:
    """Return the pauses of those conversations that have any."""
    columns = table_of(PauseRow).c
    found: dict[UUID, list[PauseRecord]] = {}
    statement = sa.select(columns.conversation_id, columns.since, columns.until)
    for row in connection.execute(statement.where(among(columns.conversation_id, ids)).order_by(columns.since)):
        found.setdefault(row.conversation_id, []).append(PauseRecord(*row))
    return found


def begin_pauses(connection: Connection, *, since: Mapping[UUID, datetime]) -> None:
    """Pause the clocks of conversations; a clock that is paused already stays paused."""
    rows = [{"id": new_id(), "conversation_id": id_, "since": at} for id_, at in sorted(since.items())]
    insert_new(connection, PauseRow, rows=rows)


def end_pauses(connection: Connection, *, until: Mapping[UUID, datetime]) -> None:
    """Let the clocks of conversations run again."""
    table = table_of(PauseRow)
    statement = sa.update(table).where(table.c.conversation_id == sa.bindparam("b_id"), table.c.until.is_(None))
    rows = [{"b_id": id_, "b_until": at} for id_, at in sorted(until.items())]
    if rows:
        connection.execute(statement.values(until=sa.bindparam("b_until")), rows)


def paused_since(connection: Connection, conversation_id: UUID) -> datetime | None:
    """Return since when the clock of a conversation is paused; None while it runs."""
    columns = table_of(PauseRow).c
    statement = sa.select(columns.since).where(columns.conversation_id == conversation_id, columns.until.is_(None))
    found: datetime | None = connection.execute(statement).scalar()
    return found


def restore_pause(connection: Connection, conversation_id: UUID, *, since: datetime | None, at: datetime) -> None:
    """Make the pauses what they were before a change whose undoing set the status at the moment `at`.

    since: what `paused_since` returned before the change.  A pause that began in between is another one, and stays.
    """
    table = table_of(PauseRow)
    theirs = table.c.conversation_id == conversation_id
    if since is None:
        # The pause that the change began, and its undoing ended.
        connection.execute(sa.delete(table).where(theirs, table.c.until == at))
        return
    if (rests := paused_since(connection, conversation_id)) is not None and rests < at:
        return
    connection.execute(sa.delete(table).where(theirs, table.c.until.is_(None), table.c.since >= at))
    connection.execute(sa.update(table).where(theirs, table.c.since == since).values(until=None))


def insert_notices(connection: Connection, *, notices: Sequence[SlaReminder], now: datetime) -> list[SlaReminder]:
    """Insert notices; return those that are new."""
    rows = [asdict(notice) | {"id": new_id(), "at": now} for notice in notices]
    if not rows:
        return []
    statement = insert_ignore(connection, SlaNoticeRow).returning(table_of(SlaNoticeRow).c.id)
    fresh = set(connection.execute(statement, rows).scalars())
    return [notice for notice, row in zip(notices, rows, strict=True) if row["id"] in fresh]


def take_notices(connection: Connection, conversation_id: UUID, *, since: datetime) -> list[dict[str, Any]]:
    """Delete the notices of a promise that turns out never to have been due, and return them as JSON."""
    table = table_of(SlaNoticeRow)
    which = (table.c.conversation_id == conversation_id, table.c.at >= since)
    names = (table.c.id, table.c.promise, table.c.kind, table.c.due_at, table.c.at)
    rows = connection.execute(sa.select(*names).where(*which)).mappings().all()
    connection.execute(sa.delete(table).where(*which))
    return [dict(to_jsonable_python(dict(row))) for row in rows]


def put_back_notices(connection: Connection, conversation_id: UUID, *, notices: Sequence[Mapping[str, Any]]) -> None:
    """Insert what `take_notices` returned, so that none of it is reported again."""
    rows = [
        {
            **each,
            "id": UUID(each["id"]),
            "conversation_id": conversation_id,
            "due_at": datetime.fromisoformat(each["due_at"]),
            "at": datetime.fromisoformat(each["at"]),
        }
        for each in notices
    ]
    insert_new(connection, SlaNoticeRow, rows=rows)


def write_updates(connection: Connection, updates: Sequence[SlaUpdate]) -> None:
    """Write the new values of the conversations."""
    table = table_of(ConversationRow)
    names = [field.name for field in fields(SlaUpdate) if field.name not in {"id", "changed"}]
    values: dict[str, Any] = {name: sa.bindparam(f"b_{name}", type_=table.c[name].type) for name in names}
    statement = sa.update(table).where(table.c.id == sa.bindparam("b_id"))
    rows = [
        {f"b_{name}": getattr(each, name) for name in ("id", *names)} | {"b_step": int(each.changed)}
        for each in sorted(updates, key=lambda each: each.id)
    ]
    if rows:
        connection.execute(statement.values(**values, version=table.c.version + sa.bindparam("b_step")), rows)


def note_reply(connection: Connection, *, conversation_id: UUID, at: datetime) -> None:
    """Record an agent's answer: the first reply is given, and it is the customer's turn.

    A reply after its due time is a breach, if the breach is not recorded yet.
    """
    table = table_of(ConversationRow)
    statement = sa.select(table.c.first_reply_due_at, table.c.next_reply_due_at).where(table.c.id == conversation_id)
    row = connection.execute(statement.with_for_update()).one()
    promises = (("first_reply", row.first_reply_due_at), ("next_reply", row.next_reply_due_at))
    late = [SlaReminder(conversation_id, name, NoticeKind.BREACH, due_at) for name, due_at in promises if due_at]
    late = [notice for notice in late if notice.due_at < at]
    new = insert_notices(connection, notices=late, now=at)
    append_events(connection, [breach_event(notice, at=at) for notice in new])
    answered = {"replied_at": sa.func.coalesce(table.c.replied_at, at), "waiting_since": None}
    silent = {"first_reply_due_at": None, "next_reply_due_at": None, "watch_at": at}
    values = answered | silent | {"version": table.c.version + 1}
    connection.execute(sa.update(table).where(table.c.id == conversation_id).values(**values))


def change_status(
    connection: Connection, *, conversation_id: UUID, status: Status, at: datetime, by: str = "", why: str = ""
) -> None:
    """Set a conversation's status, and pause or resume its clock.

    Who waited when it was resolved waits again when it is reopened: only an answer ends a wait.
    by: the agent; empty for the desk itself.  why: what the desk did it for.
    """
    table = table_of(ConversationRow)
    which = table.c.id == conversation_id
    before = connection.execute(sa.select(table.c.status).where(which).with_for_update()).scalar_one()
    if before == status:
        return
    if clock_rests(status):
        begin_pauses(connection, since={conversation_id: at})
    else:
        end_pauses(connection, until={conversation_id: at})
    values: dict[str, Any] = {"status": status, "watch_at": at, "held_until": None, "snoozed_by": None}
    values["version"] = table.c.version + 1
    connection.execute(sa.update(table).where(which).values(**values))
    payload = {"from": before, "to": status.value} | ({"by": by} if by else {}) | ({"why": str(why)} if why else {})
    append_events(connection, [NewEvent(EventKind.CONVERSATION_STATUS_CHANGED, conversation_id, payload, at=at)])


def breach_event(notice: SlaReminder, *, at: datetime) -> NewEvent:
    """Return the event of a warning or a breach."""
    kind = EventKind.SLA_BREACHED if notice.kind is NoticeKind.BREACH else EventKind.SLA_WARNING
    payload = {"promise": notice.promise, "due_at": notice.due_at.isoformat()}
    return NewEvent(kind, notice.conversation_id, payload, at=at)


def digest_of_due_times(connection: Connection) -> str | None:
    """Return the digest of the promises and calendars that all stored due times were computed with."""
    columns = table_of(DeskStateRow).c
    return connection.execute(sa.select(columns.value).where(columns.name == _DIGEST_NAME)).scalar_one_or_none()


def look_at_all(connection: Connection, *, after: UUID | None, now: datetime) -> UUID | None:
    """Make the next batch of conversations with a promise due for an update; return its last id, None at the end."""
    table = table_of(ConversationRow)
    statement = sa.select(table.c.id).where(table.c.status != Status.RESOLVED, table.c.sla.is_not(None))
    if after is not None:
        statement = statement.where(table.c.id > after)
    ids = list(connection.execute(statement.order_by(table.c.id).limit(_BATCH)).scalars())
    if ids:
        between = (table.c.id >= ids[0], table.c.id <= ids[-1])
        unresolved = (table.c.status != Status.RESOLVED, table.c.sla.is_not(None))
        connection.execute(sa.update(table).where(*between, *unresolved).values(watch_at=now))
    return ids[-1] if ids else None


def write_digest(connection: Connection, *, digest: str, now: datetime) -> None:
    """Record the digest that all stored due times were computed with."""
    row = {"name": _DIGEST_NAME, "value": digest, "at": now}
    upsert(connection, DeskStateRow, row=row, keys=("name",), changed=("value", "at"))
