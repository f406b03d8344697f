"""The inbox as agents read it: the list of conversations and one of them. `store.correspondence` has the messages.

The list is paged by keyset: a page begins after the last row of the one before, so rows that arrive in between are
neither shown twice nor push another out. A conversation that gets a new message moves to the top, as a mail would.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.envelope import PartyKind
from router.errors import NotFound
from store.bulk import among, table_of
from store.models import Contact, Conversation, Identity, Message, Status

# What a list shows of the last message; more would haul whole mails through the connection.
_GLIMPSE_LENGTH: Final = 200
# A reference as people type it: these letters are not in its alphabet, but look like those that are.
_MISREAD: Final = str.maketrans({"I": "1", "L": "1", "O": "0", " ": None, "-": None})


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which conversations; what is empty does not filter, and several values mean any of them.

    due_before: something is promised before this moment and the conversation is not resolved.
    contact: a contact's id, or a handle of theirs.
    """

    statuses: Collection[Status] = ()
    teams: Collection[str] = ()
    categories: Collection[str] = ()
    channels: Collection[str] = ()
    due_before: datetime | None = None
    contact: UUID | str | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page ended: the sort key of its last row."""

    at: datetime
    id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationRow:
    """One conversation with its contact. contact_handles: oldest identity first."""

    id: UUID
    reference: str
    contact_id: UUID
    contact_name: str
    channel: str
    subject: str
    status: str
    category: str | None
    emergency: bool
    team: str
    assignee: str | None
    priority: str
    labels: tuple[str, ...]
    language: str
    route: str
    sla: str | None
    opened_at: datetime
    last_message_at: datetime
    first_reply_due_at: datetime | None
    next_reply_due_at: datetime | None
    resolve_due_at: datetime | None
    version: int
    linked_to: UUID | None

    @property
    def due_at(self) -> datetime | None:
        """The earliest promise that is still open."""
        promises = (self.first_reply_due_at, self.next_reply_due_at, self.resolve_due_at)
        if self.status == Status.RESOLVED:
            return None
        return min((promise for promise in promises if promise), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Glimpse:
    """What a list says about a conversation's messages. text: the beginning of the last one."""

    messages: int
    direction: str
    text: str


_OWN_COLUMNS: Final = tuple(
    name for name in ConversationRow.__dataclass_fields__ if name not in {"contact_name", "labels"}
)


def list_conversations(
    connection: Connection, wanted: Filter, *, after: Position | None = None, limit: int
) -> list[ConversationRow]:
    """Return up to `limit` conversations after `after`, newest activity first."""
    # One arm a status, each cut to a page: an index has the rows of one status in order, but not those of several.
    arms = [_arm(wanted, status=status, after=after, limit=limit) for status in wanted.statuses or tuple(Status)]
    page = sa.union_all(*(sa.select(arm.subquery()) for arm in arms)).subquery()
    statement = sa.select(*(page.c[name] for name in (*_OWN_COLUMNS, "labels")), table_of(Contact).c.name)
    statement = statement.join(table_of(Contact), table_of(Contact).c.id == page.c.contact_id)
    statement = statement.order_by(page.c.last_message_at.desc(), page.c.id.desc()).limit(limit)
    return [_row(row) for row in connection.execute(statement).mappings()]


def find_conversation(connection: Connection, key: UUID | str) -> ConversationRow:
    """Return the conversation with this id or reference.

    Raises NotFound when there is none.
    """
    table, contact = table_of(Conversation), table_of(Contact)
    named = table.c.id == key if isinstance(key, UUID) else table.c.reference == _as_printed(key)
    statement = sa.select(*(table.c[name] for name in (*_OWN_COLUMNS, "labels")), contact.c.name)
    row = connection.execute(statement.join(contact, contact.c.id == table.c.contact_id).where(named)).mappings()
    found = row.first()
    if found is None:
        raise NotFound("there is no conversation with that id or reference")
    return _row(found)


def glimpses(connection: Connection, conversation_ids: Sequence[UUID]) -> dict[UUID, Glimpse]:
    """Return what to say about the messages of each conversation that has any, in one query."""
    columns = table_of(Message).c
    newest_first = sa.desc(columns.received_at), sa.desc(columns.id)
    numbered = sa.select(
        columns.conversation_id,
        columns.direction,
        sa.func.substr(columns.text, 1, _GLIMPSE_LENGTH).label("text"),
        sa.func.count().over(partition_by=columns.conversation_id).label("messages"),
        sa.func.row_number().over(partition_by=columns.conversation_id, order_by=newest_first).label("place"),
    )
    numbered_rows = numbered.where(among(columns.conversation_id, conversation_ids)).subquery()
    statement = sa.select(numbered_rows).where(numbered_rows.c.place == 1)
    return {
        row.conversation_id: Glimpse(messages=row.messages, direction=row.direction, text=row.text)
        for row in connection.execute(statement)
    }


def handles(connection: Connection, contact_ids: Collection[UUID]) -> dict[UUID, list[str]]:
    """Return the handles of each contact, the oldest first, in one query."""
    columns = table_of(Identity).c
    statement = sa.select(columns.contact_id, columns.handle).where(among(columns.contact_id, contact_ids))
    found: dict[UUID, list[str]] = {contact_id: [] for contact_id in contact_ids}
    for row in connection.execute(statement.order_by(columns.created_at, columns.id)):
        found[row.contact_id].append(row.handle)
    return found


def behind(
    at: sa.ColumnElement[datetime], row_id: sa.ColumnElement[UUID], *, position: Position
) -> sa.ColumnElement[bool]:
    """Return the condition that a row comes after `position` in a list with the newest first."""
    # One comparison of pairs, which an index answers; the usual `a < x or (a = x and b < y)` would scan.
    last = sa.tuple_(sa.literal(position.at, at.type), sa.literal(position.id, row_id.type))
    return sa.tuple_(at, row_id) < last


def count_unresolved(connection: Connection) -> dict[Status, int]:
    """Return how many conversations wait in each status that is not the end."""
    columns, waiting = table_of(Conversation).c, [status for status in Status if status != Status.RESOLVED]
    statement = sa.select(columns.status, sa.func.count()).where(among(columns.status, waiting))
    counts = {Status(row[0]): row[1] for row in connection.execute(statement.group_by(columns.status))}
    return {status: counts.get(status, 0) for status in waiting}


def _arm(wanted: Filter, *, status: Status, after: Position | None, limit: int) -> sa.Select[tuple[object, ...]]:
    table = table_of(Conversation)
    conditions = [table.c.status == status, *_conditions(wanted, status=status)]
    if after is not None:
        conditions.append(behind(table.c.last_message_at, table.c.id, position=after))
    newest_first = table.c.last_message_at.desc(), table.c.id.desc()
    columns = (table.c[name] for name in (*_OWN_COLUMNS, "labels"))
    return sa.select(*columns).where(*conditions).order_by(*newest_first).limit(limit)


def _conditions(wanted: Filter, *, status: Status) -> list[sa.ColumnElement[bool]]:
    columns = table_of(Conversation).c
    pairs = ((columns.team, wanted.teams), (columns.category, wanted.categories), (columns.channel, wanted.channels))
    conditions = [column == next(iter(values)) for column, values in pairs if len(values) == 1]
    conditions += [among(column, values) for column, values in pairs if len(values) > 1]
    if wanted.contact is not None:
        conditions.append(_of_contact(wanted.contact))
    if wanted.due_before is not None:
        promises = (columns.first_reply_due_at, columns.next_reply_due_at, columns.resolve_due_at)
        due = sa.or_(*(promise < wanted.due_before for promise in promises))
        conditions.append(due if status != Status.RESOLVED else sa.false())
    return conditions


def _of_contact(contact: UUID | str) -> sa.ColumnElement[bool]:
    contact_id = table_of(Conversation).c.contact_id
    if isinstance(contact, UUID):
        return contact_id == contact
    columns = table_of(Identity).c
    # The index begins with the kind: without one it would be read from end to end.
    named = sa.select(columns.contact_id).where(
        among(columns.kind, list(PartyKind)), columns.handle == contact.strip().lower()
    )
    return contact_id.in_(named)


def _row(row: sa.RowMapping) -> ConversationRow:
    own = {name: row[name] for name in _OWN_COLUMNS}
    return ConversationRow(**own, contact_name=row["name"], labels=tuple(row["labels"]))


def _as_printed(reference: str) -> str:
    return reference.upper().translate(_MISREAD)
