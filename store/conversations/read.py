"""Read a conversation, and its summary for lists.

`store.conversations.lists` has the list, `store.conversations.messages` the messages.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.errors import Conflict, NotFound
from router.origin.sender_proof import ProofKind
from router.text.case_tokens import typed_reference
from store.conversations.corrections import none_of_ours
from store.db.bulk import among, among_bound, table_of
from store.db.plain_rows import KnownRows, PlainStatement, Question, types_of
from store.tables.messages import ContactRow, ConversationRow, IdentityRow, MessageRow

NO_CONVERSATION: Final = "there is no conversation with that id or reference"
# What a list shows of the last message; a longer text would load whole mails.
_GLIMPSE_LENGTH: Final = 200
_BY_DOUBT: Final[Mapping[int, str]] = {1: ProofKind.PROVEN, 2: ProofKind.UNPROVEN, 3: ProofKind.FAILED}
_WORSE: Final = sa.case(
    {proof: doubt for doubt, proof in _BY_DOUBT.items()}, value=table_of(MessageRow).c.sender_proof, else_=0
)


@dataclass(frozen=True, slots=True)
class Position:
    """The end of a page: the sort key of its last row. part: the index of the list's part, see `lists`."""

    at: datetime
    id: UUID
    part: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationRecord:
    """One conversation with its contact. due_at: the earliest of its promises.

    none_of_ours: an agent said that it belongs to no category.
    """

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
    due_at: datetime | None = None
    held_until: datetime | None = None
    snoozed_by: str | None = None
    merged_into: UUID | None = None
    possible_danger: bool = False
    none_of_ours: bool = False

    def __hash__(self) -> int:
        """Return the same number for equal records. All fields would take longer than the page has for a row."""
        return hash((self.id, self.version))


@dataclass(frozen=True, slots=True, kw_only=True)
class LastMessage:
    """A list's summary of a conversation's messages. text: the beginning of the last one.

    sender_proof: the least that is proven about the sender of any incoming message (`router.origin.sender_proof`);
    empty if nothing is known.
    """

    messages: int
    direction: str
    text: str
    sender_proof: str = ""


# The columns of the conversation itself; the others come from other tables.
_OTHERS: Final = ("contact_name", "none_of_ours")
OWN_COLUMNS: Final = tuple(field.name for field in fields(ConversationRecord) if field.name not in _OTHERS)
_SELECTED: Final = (*OWN_COLUMNS, *_OTHERS)


def _one_conversation(name: str) -> PlainStatement:
    """Return the statement for a conversation. name: the column that has the bound `key`."""
    table, contact = table_of(ConversationRow), table_of(ContactRow)
    statement = sa.select(*(table.c[column] for column in OWN_COLUMNS), *of_others(table.c, contact.c))
    statement = statement.join(contact, contact.c.id == table.c.contact_id)
    return PlainStatement(statement.where(table.c[name] == sa.bindparam("key")))


def of_others(
    conversation: sa.ColumnCollection[str, Any], contact: sa.ColumnCollection[str, Any]
) -> tuple[sa.ColumnElement[Any], sa.ColumnElement[bool]]:
    """Return the columns of a record that come from other tables, in their order."""
    return contact.name, none_of_ours(conversation.category, conversation.id)


def _conversation(row: Sequence[Any]) -> ConversationRecord:
    own: dict[str, Any] = dict(zip(_SELECTED, row, strict=True))
    own["labels"] = tuple(own["labels"])
    return ConversationRecord(**own)


# How many rows of each kind are remembered: what the agents of a desk look at again and again, about a kilobyte each.
_KNOWN: Final = 2_000
# Makes records of the rows of a statement that selects `OWN_COLUMNS`, and then `of_others`.
CONVERSATIONS: Final = KnownRows(
    [table_of(ConversationRow).c[name].type for name in OWN_COLUMNS] + [table_of(ContactRow).c.name.type, sa.Boolean()],
    _conversation,
    most=_KNOWN,
)


def _glimpse(row: Sequence[Any]) -> tuple[UUID, LastMessage]:
    row_id, direction, text, messages, doubt = row
    proof = _BY_DOUBT.get(doubt, "")
    return row_id, LastMessage(messages=messages, direction=direction, text=text, sender_proof=proof)


def _glimpses() -> sa.Select[Any]:
    message, newest = table_of(MessageRow), table_of(MessageRow).alias("newest")
    columns = message.c
    of_each = (
        sa.select(columns.conversation_id, sa.func.count().label("messages"), sa.func.max(_WORSE).label("doubt"))
        .where(among_bound(columns.conversation_id, "ids"))
        .group_by(columns.conversation_id)
        .subquery()
    )
    # Reads one text of each conversation, by the index; window functions would sort all of them.
    last = sa.select(newest.c.id).where(newest.c.conversation_id == of_each.c.conversation_id)
    last = last.order_by(newest.c.received_at.desc(), newest.c.id.desc()).limit(1)
    text = sa.func.substr(columns.text, 1, _GLIMPSE_LENGTH)
    shown = (columns.conversation_id, columns.direction, text, of_each.c.messages, of_each.c.doubt)
    return sa.select(*shown).join_from(of_each, message, columns.id == last.scalar_subquery())


def _handles() -> sa.Select[Any]:
    columns = table_of(IdentityRow).c
    statement = sa.select(columns.contact_id, columns.handle).where(among_bound(columns.contact_id, "ids"))
    return statement.order_by(columns.created_at, columns.id)


# Built once: SQLAlchemy takes four times as long to build such a statement as to run it.
_BY_ID, _BY_REFERENCE = _one_conversation("id"), _one_conversation("reference")
_GLIMPSES, _HANDLES = PlainStatement(_glimpses()), PlainStatement(_handles())
_KNOWN_GLIMPSES: Final = KnownRows(types_of(_glimpses()), _glimpse, most=_KNOWN)
_KNOWN_HANDLES: Final = KnownRows(types_of(_handles()), tuple, most=_KNOWN)


def find_conversation(connection: Connection, key: UUID | str) -> ConversationRecord:
    """Return the conversation with this id or reference.

    key: a reference may be typed as people do, or be the token of a subject; see `typed_reference`.
    Raises NotFound when there is none.
    """
    statement, values = one_conversation(key)
    found = CONVERSATIONS(connection, statement.rows(connection, values))
    if not found:
        raise NotFound(NO_CONVERSATION)
    return found[0]


def one_conversation(key: UUID | str) -> Question:
    """Return the question of `find_conversation`."""
    return (_BY_ID, {"key": key}) if isinstance(key, UUID) else (_BY_REFERENCE, {"key": typed_reference(key)})


def glimpses(connection: Connection, conversation_ids: Sequence[UUID]) -> dict[UUID, LastMessage]:
    """Return the summary of each conversation that has messages, with one query."""
    statement, values = newest_glimpses(conversation_ids)
    return dict(_KNOWN_GLIMPSES(connection, statement.rows(connection, values)))


def newest_glimpses(conversation_ids: Sequence[UUID]) -> Question:
    """Return the question of `glimpses`."""
    return _GLIMPSES, {"ids": conversation_ids}


def handles(connection: Connection, contact_ids: Collection[UUID]) -> dict[UUID, list[str]]:
    """Return the handles of each contact, oldest first, with one query."""
    found: dict[UUID, list[str]] = {contact_id: [] for contact_id in contact_ids}
    statement, values = known_handles(contact_ids)
    for contact_id, handle in _KNOWN_HANDLES(connection, statement.rows(connection, values)):
        found[contact_id].append(handle)
    return found


def known_handles(contact_ids: Collection[UUID]) -> Question:
    """Return the question of `handles`."""
    return _HANDLES, {"ids": contact_ids}


def behind(
    at: sa.ColumnElement[datetime], row_id: sa.ColumnElement[UUID], *, position: Position
) -> sa.ColumnElement[bool]:
    """Return the condition that a row comes after `position` in a list, newest first."""
    # One row comparison, which an index answers; the usual `a < x or (a = x and b < y)` would scan.
    last = sa.tuple_(sa.literal(position.at, at.type), sa.literal(position.id, row_id.type))
    return sa.tuple_(at, row_id) < last


def where_now(connection: Connection, conversation_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Return, for each merged conversation, the one that has its messages now."""
    columns = table_of(ConversationRow).c
    steps: dict[UUID, UUID] = {}
    seen: set[UUID] = set()
    looked = set(conversation_ids)
    while looked:
        statement = sa.select(columns.id, columns.merged_into).where(
            among(columns.id, looked), columns.merged_into.is_not(None)
        )
        steps |= {row.id: row.merged_into for row in connection.execute(statement)}
        seen |= looked
        looked = set(steps.values()) - seen
    return {source: _end(steps, source) for source in conversation_ids if source in steps}


def _end(steps: Mapping[UUID, UUID], start: UUID) -> UUID:
    """Follow the merges to the last one; a cycle, which an older version could create, ends before it repeats."""
    passed, at = {start}, start
    while at in steps and steps[at] not in passed:
        at = steps[at]
        passed.add(at)
    return at


def refuse_merged(connection: Connection, conversation_id: UUID) -> None:
    """Raise Conflict when a conversation was merged into another: changes to it are refused."""
    moved = where_now(connection, [conversation_id]).get(conversation_id)
    if moved is not None:
        raise Conflict(f"it was merged into the conversation {moved}")
