"""List conversations: any combination of filters, four orders, pages by keyset.

A page begins after the last row of the page before, so rows that arrive in between are not shown twice and push no
row off. A conversation that gets a new message moves to the top, like mail in a mailbox.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cache, lru_cache
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from router.settings.model import PRIORITIES
from store.conversations.danger_questions import IS_POSSIBLE_DANGER
from store.conversations.handle_search import written_as
from store.conversations.read import CONVERSATIONS, OWN_COLUMNS, ConversationRecord, Position, of_others
from store.db.bulk import among, among_bound, table_of, unindexed
from store.db.plain_rows import KnownRows, PlainStatement, Question, types_of
from store.db.sql_functions import json_holds
from store.tables.messages import ContactRow, ConversationRow, IdentityRow
from store.tables.readers import ReadMarkerRow

# The same text as in the conditions of the partial indexes, so that the planners match them.
IS_EMERGENCY: Final[Any] = sa.literal_column("conversation.emergency", sa.types.NullType())
IS_UNRESOLVED: Final[Any] = sa.literal_column("conversation.status <> 'resolved'", sa.types.NullType())
IS_LABELLED: Final[Any] = sa.literal_column("conversation.labels <> '[]'", sa.types.NullType())
# The columns with filters of the same kind: any of several values.
_COLUMNS: Final = ("team", "assignee", "category", "channel", "priority", "language")
_LIMIT: Final = sa.bindparam("most", type_=sa.Integer())
# Every combination that is in use; a handle stands in the text of its statement.
_SHAPES: Final = 256
# Up to where agents have read which conversation.
_MARKERS: Final = 4_000
UNRESOLVED: Final = tuple(status for status in Status if status != Status.RESOLVED)


class Sort(StrEnum):
    """newest, oldest: by the last message.  due: by the earliest promise, none last.  priority: urgent first."""

    NEWEST = "newest"
    OLDEST = "oldest"
    DUE = "due"
    PRIORITY = "priority"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Selects conversations; an empty field does not filter, several values mean any of them.

    due_before: has a promise due before this moment and is not resolved.
    contact: a contact's id, or one of their handles.  unassigned: has no assignee.  unread_by: unread by this agent.
    only_teams: the teams that the reader may see; None means all.  ids: results of a search; None means all.
    emergency: is an emergency, and not resolved.
    possible_danger: an agent has to answer whether the customer is in danger, and it is not resolved.
    danger_first: in any order, emergencies come first, then possible danger, then the rest.
    """

    statuses: Collection[Status] = ()
    teams: Collection[str] = ()
    assignees: Collection[str] = ()
    unassigned: bool = False
    categories: Collection[str] = ()
    channels: Collection[str] = ()
    priorities: Collection[str] = ()
    labels: Collection[str] = ()
    languages: Collection[str] = ()
    due_before: datetime | None = None
    contact: UUID | str | None = None
    unread_by: UUID | None = None
    only_teams: Collection[str] | None = None
    ids: Collection[UUID] | None = None
    emergency: bool = False
    possible_danger: bool = False
    danger_first: bool = False


class _Lane(StrEnum):
    """emergency, possible: of danger, while they are not resolved.  rest: all others."""

    EMERGENCY = "emergency"
    POSSIBLE = "possible"
    REST = "rest"


_DANGER: Final = (_Lane.EMERGENCY, _Lane.POSSIBLE)


# Parts are made once, and compared as objects: their conditions cannot be.
@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A part of the list that one index has in order; the whole list is its parts one after the other."""

    at: str
    condition: sa.ColumnElement[bool] | None = None
    ascending: bool = False
    lane: _Lane | None = None

    def order(self) -> Sequence[sa.ColumnElement[Any]]:
        columns = table_of(ConversationRow).c
        pair = (columns[self.at], columns.id)
        return pair if self.ascending else [column.desc() for column in pair]

    def behind(self) -> sa.ColumnElement[bool]:
        # One row comparison, which an index answers; the usual `a < x or (a = x and b < y)` would scan.
        columns = table_of(ConversationRow).c
        at, row_id = columns[self.at], columns.id
        last = sa.tuple_(sa.bindparam("after_at", type_=at.type), sa.bindparam("after_id", type_=row_id.type))
        here = sa.tuple_(at, row_id)
        return here > last if self.ascending else here < last


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """All that the text of a page's statement depends on; the values of its filters are bound when it runs.

    one, many: the columns with one wanted value, or several.  others: further names with a bound value.
    contact: a handle, which is no bound value.
    """

    part: _Part
    statuses: tuple[Status, ...]
    one: frozenset[str]
    many: frozenset[str]
    others: frozenset[str]
    labels: int
    contact: str | None
    unassigned: bool
    emergency: bool
    possible_danger: bool


def list_conversations(
    connection: Connection,
    wanted: Filter,
    *,
    sort: Sort = Sort.NEWEST,
    after: Position | None = None,
    limit: int,
) -> list[tuple[ConversationRecord, Position]]:
    """Return up to `limit` conversations after `after`, each with its position in the list."""
    found: list[tuple[ConversationRecord, Position]] = []
    for number, part in enumerate(_parts(sort, danger_first=wanted.danger_first)):
        if after is not None and number < after.part:
            continue
        begin = after if after is not None and number == after.part else None
        question = _page(wanted, part=part, after=begin, limit=limit - len(found))
        if question is None:
            continue
        statement, values = question
        rows = CONVERSATIONS(connection, statement.rows(connection, values))
        found += [(row, Position(getattr(row, part.at), row.id, number)) for row in rows]
        if len(found) >= limit:
            break
    return found


def first_pages(wanted: Filter, *, sort: Sort = Sort.NEWEST, limit: int) -> list[Question]:
    """Return the questions of `list_conversations` that no answer decides: of danger, else of the first part.

    They are asked in vain where dangers fill the page.
    """
    parts = _parts(sort, danger_first=wanted.danger_first)
    first = [part for part in parts if part.lane in _DANGER] or parts[:1]
    asked = (_page(wanted, part=part, after=None, limit=limit) for part in first)
    return [question for question in asked if question]


def unread_among(connection: Connection, rows: Collection[ConversationRecord], *, agent_id: UUID) -> set[UUID]:
    """Return which of the conversations have messages that the agent has not read."""
    statement, values = read_markers([row.id for row in rows], agent_id=agent_id)
    read_to = dict(_KNOWN_MARKERS(connection, statement.rows(connection, values)))
    return {row.id for row in rows if row.id not in read_to or read_to[row.id] < row.last_message_at}


def read_markers(conversation_ids: Sequence[UUID], *, agent_id: UUID) -> Question:
    """Return the question of `unread_among`."""
    return _READ_TO, {"agent": agent_id, "ids": conversation_ids}


def _read_to() -> sa.Select[Any]:
    columns = table_of(ReadMarkerRow).c
    return sa.select(columns.conversation_id, columns.read_to).where(
        columns.agent_id == sa.bindparam("agent"), among_bound(columns.conversation_id, "ids")
    )


_READ_TO: Final = PlainStatement(_read_to())
_KNOWN_MARKERS: Final = KnownRows(types_of(_read_to()), tuple, most=_MARKERS)


def seen_by_teams(only_teams: Collection[str] | None) -> list[sa.ColumnElement[bool]]:
    """Return the condition for a reader who is limited to teams; none for a reader who sees all."""
    return [] if only_teams is None else [among(table_of(ConversationRow).c.team, only_teams)]


@cache
def _parts(sort: Sort, *, danger_first: bool) -> Sequence[_Part]:
    if not danger_first:
        return _ordered(sort)
    is_oldest = sort is Sort.OLDEST
    first = [_Part("last_message_at", ascending=is_oldest, lane=lane) for lane in _DANGER]
    return (*first, *(replace(part, lane=_Lane.REST) for part in _ordered(sort)))


@cache
def _ordered(sort: Sort) -> Sequence[_Part]:
    columns = table_of(ConversationRow).c
    if sort is Sort.DUE:
        return (
            _Part("due_at", columns.due_at.is_not(None), ascending=True),
            _Part("last_message_at", columns.due_at.is_(None)),
        )
    if sort is Sort.PRIORITY:
        # Old rows may have unknown priorities; they come last.
        known = [_Part("last_message_at", columns.priority == name) for name in reversed(PRIORITIES)]
        return (*known, _Part("last_message_at", sa.not_(among(columns.priority, PRIORITIES))))
    return (_Part("last_message_at", ascending=sort is Sort.OLDEST),)


def _page(wanted: Filter, *, part: _Part, after: Position | None, limit: int) -> Question | None:
    """Return the question of a part of the list; None for one that is empty."""
    statuses = tuple(status for status in _statuses(wanted) if _has_lane(status, part.lane))
    if not statuses:
        return None
    values = _values(wanted) | {"most": limit}
    if after is not None:
        values |= {"after_at": after.at, "after_id": after.id}
    columns = {name: values[name] for name in _COLUMNS if name in values}
    several = frozenset(name for name, value in columns.items() if isinstance(value, list))
    statement = _statement(
        _Shape(
            part=part,
            statuses=statuses,
            one=frozenset(columns) - several,
            many=several,
            others=frozenset(values) - frozenset(columns),
            labels=len(wanted.labels),
            contact=wanted.contact if isinstance(wanted.contact, str) else None,
            unassigned=wanted.unassigned,
            emergency=wanted.emergency,
            possible_danger=wanted.possible_danger,
        )
    )
    return statement, values


def _values(wanted: Filter) -> dict[str, Any]:
    """Return the values of the filters that are set, by the names under which the statement has them."""
    columns = {
        "team": wanted.teams,
        "assignee": wanted.assignees,
        "category": wanted.categories,
        "channel": wanted.channels,
        "priority": wanted.priorities,
        "language": wanted.languages,
    }
    others = {
        "only_teams": wanted.only_teams,
        "due_before": wanted.due_before,
        "unread_by": wanted.unread_by,
        "ids": wanted.ids,
        "contact": wanted.contact if isinstance(wanted.contact, UUID) else None,
        **{f"label_{number}": label for number, label in enumerate(wanted.labels)},
    }
    found = {name: next(iter(each)) if len(each) == 1 else list(each) for name, each in columns.items() if each}
    return found | {name: value for name, value in others.items() if value is not None}


@lru_cache(maxsize=_SHAPES)
def _statement(shape: _Shape) -> PlainStatement:
    """Return the statement of a page: it takes ten times as long to build as to run."""
    part = shape.part
    # One subquery per status, each limited to a page: the index has the rows of one status in order, not of several.
    arms = [_arm(shape, status=status) for status in shape.statuses]
    page = sa.union_all(*(sa.select(arm.subquery()) for arm in arms)).subquery()
    contact = table_of(ContactRow)
    statement = sa.select(*(page.c[name] for name in OWN_COLUMNS), *of_others(page.c, contact.c))
    order = [page.c[part.at], page.c.id]
    ordered = statement.join(contact, contact.c.id == page.c.contact_id).order_by(
        *(order if part.ascending else [column.desc() for column in order])
    )
    return PlainStatement(ordered.limit(_LIMIT))


def _has_lane(status: Status, lane: _Lane | None) -> bool:
    """Return whether conversations of this status can be in the lane: what is resolved is no danger any more."""
    return status != Status.RESOLVED or lane in {None, _Lane.REST}


def _in_lane(status: Status, lane: _Lane | None) -> Iterator[sa.ColumnElement[bool]]:
    columns = table_of(ConversationRow).c
    if lane is _Lane.EMERGENCY:
        yield IS_EMERGENCY
    elif lane is _Lane.POSSIBLE:
        yield IS_POSSIBLE_DANGER
    elif lane is _Lane.REST and status != Status.RESOLVED:
        yield columns.emergency.is_(False)
        yield columns.possible_danger.is_(False)


def _statuses(wanted: Filter) -> Sequence[Status]:
    return [*wanted.statuses] or tuple(Status)


def _arm(shape: _Shape, *, status: Status) -> sa.Select[tuple[object, ...]]:
    table, part = table_of(ConversationRow), shape.part
    # Few rows are of one contact, or of these ids.
    is_narrow = shape.contact is not None or not shape.others.isdisjoint({"contact", "ids"})
    column = unindexed(table.c.status) if is_narrow else table.c.status
    # A literal: with a parameter the planner would not use the partial index.
    conditions = [column == sa.literal_column(f"'{status.value}'"), *_conditions(shape, status=status)]
    conditions += _in_lane(status, part.lane)
    if part.condition is not None:
        conditions.append(part.condition)
    if "after_at" in shape.others:
        conditions.append(part.behind())
    columns = (table.c[name] for name in OWN_COLUMNS)
    return sa.select(*columns).where(*conditions).order_by(*part.order()).limit(_LIMIT)


def _conditions(shape: _Shape, *, status: Status) -> Iterator[sa.ColumnElement[bool]]:
    columns, others = table_of(ConversationRow).c, shape.others
    # A merged conversation is not listed: its messages are in the other one.
    yield columns.merged_into.is_(None)
    yield from (columns[name] == sa.bindparam(name) for name in _COLUMNS if name in shape.one)
    yield from (among_bound(columns[name], name) for name in _COLUMNS if name in shape.many)
    if "only_teams" in others:
        yield among_bound(columns.team, "only_teams")
    if shape.unassigned:
        yield columns.assignee.is_(None)
    if shape.labels:
        yield IS_LABELLED
        yield sa.or_(*(json_holds(columns.labels, _label(number)) for number in range(shape.labels)))
    if "contact" in others or shape.contact is not None:
        yield _of_contact(shape.contact)
    if "due_before" in others:
        yield columns.due_at < sa.bindparam("due_before") if status != Status.RESOLVED else sa.false()
    if "unread_by" in others:
        yield _unread()
    if "ids" in others:
        yield among_bound(columns.id, "ids")
    if shape.emergency:
        yield IS_EMERGENCY if status != Status.RESOLVED else sa.false()
    if shape.possible_danger:
        yield IS_POSSIBLE_DANGER if status != Status.RESOLVED else sa.false()


def _label(number: int) -> sa.BindParameter[str]:
    return sa.bindparam(f"label_{number}", type_=sa.String())


def _unread() -> sa.ColumnElement[bool]:
    columns, marker = table_of(ConversationRow).c, table_of(ReadMarkerRow).c
    read = sa.exists().where(
        marker.agent_id == sa.bindparam("unread_by"),
        marker.conversation_id == columns.id,
        marker.read_to >= columns.last_message_at,
    )
    return sa.not_(read)


def _of_contact(handle: str | None) -> sa.ColumnElement[bool]:
    contact_id = table_of(ConversationRow).c.contact_id
    if handle is None:
        return contact_id == sa.bindparam("contact")
    columns = table_of(IdentityRow).c
    named = sa.select(columns.contact_id).where(written_as(columns, handle))
    return contact_id.in_(named)
