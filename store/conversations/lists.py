"""List conversations: any combination of filters, four orders, pages by keyset.

A page begins after the last row of the page before, so rows that arrive in between are not shown twice and push no
row off. A conversation that gets a new message moves to the top, like mail in a mailbox.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from router.conversation_status import Status
from router.settings.model import PRIORITIES
from store.conversations.danger_questions import IS_POSSIBLE_DANGER
from store.conversations.handle_search import written_as
from store.conversations.read import OWN_COLUMNS, ConversationRecord, Position, conversation_row
from store.db.bulk import among, table_of
from store.tables.desk import ReadMarkerRow
from store.tables.messages import ContactRow, ConversationRow, IdentityRow

# The same text as in the conditions of the partial indexes, so that the planners match them.
IS_EMERGENCY: Final[Any] = sa.literal_column("conversation.emergency", sa.types.NullType())
IS_LABELLED: Final[Any] = sa.literal_column("conversation.labels <> '[]'", sa.types.NullType())
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


@dataclass(frozen=True, slots=True)
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

    def behind(self, position: Position) -> sa.ColumnElement[bool]:
        # One row comparison, which an index answers; the usual `a < x or (a = x and b < y)` would scan.
        columns = table_of(ConversationRow).c
        at, row_id = columns[self.at], columns.id
        last = sa.tuple_(sa.literal(position.at, at.type), sa.literal(position.id, row_id.type))
        here = sa.tuple_(at, row_id)
        return here > last if self.ascending else here < last


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
        rows = _page(connection, wanted, part=part, after=begin, limit=limit - len(found))
        found += [(row, Position(getattr(row, part.at), row.id, number)) for row in rows]
        if len(found) >= limit:
            break
    return found


def unread_among(connection: Connection, rows: Collection[ConversationRecord], *, agent_id: UUID) -> set[UUID]:
    """Return which of the conversations have messages that the agent has not read."""
    columns = table_of(ReadMarkerRow).c
    theirs = sa.select(columns.conversation_id, columns.read_to).where(
        columns.agent_id == agent_id, among(columns.conversation_id, [row.id for row in rows])
    )
    read_to = {row.conversation_id: row.read_to for row in connection.execute(theirs)}
    return {row.id for row in rows if row.id not in read_to or read_to[row.id] < row.last_message_at}


def seen_by_teams(only_teams: Collection[str] | None) -> list[sa.ColumnElement[bool]]:
    """Return the condition for a reader who is limited to teams; none for a reader who sees all."""
    return [] if only_teams is None else [among(table_of(ConversationRow).c.team, only_teams)]


def _parts(sort: Sort, *, danger_first: bool) -> Sequence[_Part]:
    if not danger_first:
        return _ordered(sort)
    is_oldest = sort is Sort.OLDEST
    first = [_Part("last_message_at", ascending=is_oldest, lane=lane) for lane in (_Lane.EMERGENCY, _Lane.POSSIBLE)]
    return (*first, *(replace(part, lane=_Lane.REST) for part in _ordered(sort)))


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
        return (*known, _Part("last_message_at", columns.priority.not_in(PRIORITIES)))
    return (_Part("last_message_at", ascending=sort is Sort.OLDEST),)


def _page(
    connection: Connection, wanted: Filter, *, part: _Part, after: Position | None, limit: int
) -> list[ConversationRecord]:
    # One subquery per status, each limited to a page: the index has the rows of one status in order, not of several.
    statuses = [status for status in _statuses(wanted) if _has_lane(status, part.lane)]
    if not statuses:
        return []
    arms = [_arm(wanted, status=status, part=part, after=after, limit=limit) for status in statuses]
    page = sa.union_all(*(sa.select(arm.subquery()) for arm in arms)).subquery()
    contact = table_of(ContactRow)
    statement = sa.select(*(page.c[name] for name in OWN_COLUMNS), contact.c.name)
    order = [page.c[part.at], page.c.id]
    ordered = statement.join(contact, contact.c.id == page.c.contact_id).order_by(
        *(order if part.ascending else [column.desc() for column in order])
    )
    return [conversation_row(row) for row in connection.execute(ordered.limit(limit)).mappings()]


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


def _arm(
    wanted: Filter, *, status: Status, part: _Part, after: Position | None, limit: int
) -> sa.Select[tuple[object, ...]]:
    table = table_of(ConversationRow)
    # A literal: with a parameter the planner would not use the partial index.
    conditions = [table.c.status == sa.literal_column(f"'{status.value}'"), *_conditions(wanted, status=status)]
    conditions += _in_lane(status, part.lane)
    if part.condition is not None:
        conditions.append(part.condition)
    if after is not None:
        conditions.append(part.behind(after))
    columns = (table.c[name] for name in OWN_COLUMNS)
    return sa.select(*columns).where(*conditions).order_by(*part.order()).limit(limit)


def _conditions(wanted: Filter, *, status: Status) -> Iterator[sa.ColumnElement[bool]]:
    columns = table_of(ConversationRow).c
    # A merged conversation is not listed: its messages are in the other one.
    yield columns.merged_into.is_(None)
    pairs = (
        (columns.team, wanted.teams),
        (columns.assignee, wanted.assignees),
        (columns.category, wanted.categories),
        (columns.channel, wanted.channels),
        (columns.priority, wanted.priorities),
        (columns.language, wanted.languages),
    )
    yield from (column == next(iter(values)) for column, values in pairs if len(values) == 1)
    yield from (among(column, values) for column, values in pairs if len(values) > 1)
    yield from seen_by_teams(wanted.only_teams)
    if wanted.unassigned:
        yield columns.assignee.is_(None)
    if wanted.labels:
        yield IS_LABELLED
        yield _has_label(wanted.labels)
    if wanted.contact is not None:
        yield _of_contact(wanted.contact)
    if wanted.due_before is not None:
        yield columns.due_at < wanted.due_before if status != Status.RESOLVED else sa.false()
    if wanted.unread_by is not None:
        yield _unread(wanted.unread_by)
    if wanted.ids is not None:
        yield among(columns.id, wanted.ids)
    if wanted.emergency:
        yield IS_EMERGENCY if status != Status.RESOLVED else sa.false()
    if wanted.possible_danger:
        yield IS_POSSIBLE_DANGER if status != Status.RESOLVED else sa.false()


class _holds(sa.sql.functions.FunctionElement[Any]):  # noqa: N801  (reads as an SQL function)
    """Whether a JSON list contains a text."""

    # As in `store.db.bulk`.
    type = sa.types.NullType()
    inherit_cache = True


@compiles(_holds, "postgresql")
def _holds_postgresql(element: _holds, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401
    column, value = (compiler.process(clause, **options) for clause in element.clauses)
    return f"jsonb_exists({column}, {value})"


@compiles(_holds, "sqlite")
def _holds_sqlite(element: _holds, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401
    column, value = (compiler.process(clause, **options) for clause in element.clauses)
    return f"EXISTS (SELECT 1 FROM json_each({column}) WHERE value = {value})"  # noqa: S608  (our own clauses)


def _has_label(labels: Collection[str]) -> sa.ColumnElement[bool]:
    column = table_of(ConversationRow).c.labels
    return sa.or_(*(_holds(column, sa.literal(label)) for label in labels))


def _unread(agent_id: UUID) -> sa.ColumnElement[bool]:
    columns, marker = table_of(ConversationRow).c, table_of(ReadMarkerRow).c
    read = sa.exists().where(
        marker.agent_id == agent_id,
        marker.conversation_id == columns.id,
        marker.read_to >= columns.last_message_at,
    )
    return sa.not_(read)


def _of_contact(contact: UUID | str) -> sa.ColumnElement[bool]:
    contact_id = table_of(ConversationRow).c.contact_id
    if isinstance(contact, UUID):
        return contact_id == contact
    columns = table_of(IdentityRow).c
    named = sa.select(columns.contact_id).where(written_as(columns, contact))
    return contact_id.in_(named)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many conversations wait.

    teams, overdue, emergencies: not resolved.  mine, unassigned: open.
    """

    statuses: Mapping[str, int]
    teams: Mapping[str, int]
    mine: int
    unassigned: int
    overdue: int
    emergencies: int = 0


def count_all(
    connection: Connection, *, agent: str, now: datetime, only_teams: Collection[str] | None = None
) -> Counts:
    """Return the counts shown next to the list. agent: counted in `mine`."""
    columns, seen = table_of(ConversationRow).c, seen_by_teams(only_teams)
    waiting = among(columns.status, UNRESOLVED)
    statuses, teams = dict.fromkeys(map(str, UNRESOLVED), 0), dict[str, int]()
    for team in _teams(connection, only_teams=only_teams):
        # Selects only these two columns, so that the index on teams alone is read.
        theirs = sa.select(columns.status, sa.func.count()).where(columns.team == team, waiting)
        for status, number in connection.execute(theirs.group_by(columns.status)):
            statuses[status] += number
            teams[team] = teams.get(team, 0) + number
    is_open = columns.status == sa.literal_column(f"'{Status.OPEN.value}'")
    return Counts(
        statuses=statuses,
        teams=dict(sorted(teams.items())),
        mine=_number(connection, is_open, columns.assignee == agent, *seen),
        unassigned=_number(connection, is_open, columns.assignee.is_(None), *seen),
        overdue=_number(connection, waiting, columns.due_at < now, *seen),
        emergencies=_number(connection, waiting, IS_EMERGENCY, *seen),
    )


def _teams(connection: Connection, *, only_teams: Collection[str] | None) -> list[str]:
    """Return the teams that have conversations, with one index lookup per team: there are few."""
    column = table_of(ConversationRow).c.team
    found: list[str] = []
    first = connection.execute(sa.select(sa.func.min(column))).scalar()
    while first is not None:
        found.append(first)
        first = connection.execute(sa.select(sa.func.min(column)).where(column > first)).scalar()
    return [team for team in found if only_teams is None or team in only_teams]


def _number(connection: Connection, *conditions: sa.ColumnElement[bool]) -> int:
    statement = sa.select(sa.func.count()).select_from(table_of(ConversationRow)).where(*conditions)
    return int(connection.execute(statement).scalar_one())
