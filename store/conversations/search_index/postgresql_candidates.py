"""Find candidates in PostgreSQL's index of words, by the plan that reads few rows for a word of its frequency."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.text.search_terms import Wanted
from store.conversations.search_index.indexed_words import limited_to_teams

# Beyond any id that exists.
_FIRST, _LAST = UUID(int=0), UUID(int=2**128 - 1)
# The bits of an id after its time, which is in milliseconds.
_OF_TIME: Final = 80
# The index of words has one word more for each message: in which three days it came, because a message id begins with
# its time. Migration 0050 makes the index of the same expression.
_INDEXED: Final = "(e.words || array_to_tsvector(ARRAY['@' || substr(CAST(e.message_id AS text), 1, 5)]))"
_DAYS_DIGITS: Final = 5
# When there are messages, and about how many: counting them takes longer than the search.
_SPAN: Final = (
    "(SELECT reltuples FROM pg_class WHERE oid = 'search_entry'::regclass) AS messages,"
    " (SELECT message_id FROM search_entry ORDER BY message_id LIMIT 1) AS oldest,"
    " (SELECT message_id FROM search_entry ORDER BY message_id DESC LIMIT 1) AS newest,"
    " (SELECT message_id FROM search_entry WHERE message_id < :before ORDER BY message_id DESC LIMIT 1) AS last"
)
# PostgreSQL's planner does not know how many messages have a word, so each plan has a bound of its own. A common word
# is among the newest messages: they are read in order until the page is full.
_NEWEST: Final = (
    "SELECT ARRAY(SELECT e.message_id FROM (SELECT message_id, words FROM search_entry WHERE message_id < :before"
    " ORDER BY message_id DESC LIMIT :deep) e{of_teams}"
    " WHERE e.words @@ CAST(:wanted AS tsquery) ORDER BY e.message_id DESC LIMIT :most) AS ids, {span}"
)
# Or among more of them, if those are fewer than all with the word: of a beginning the index reads all each time.
_DEEP: Final = 2_000
# Of a less common one, the messages of the newest days, which the index of words gives too. It has no order: OFFSET
# keeps the planner from sorting first, which would read all messages.
_SINCE: Final = (
    "SELECT message_id FROM (SELECT e.message_id FROM search_entry e{of_teams}"
    " WHERE {indexed} @@ CAST(:wanted AS tsquery) AND e.message_id < :before AND e.message_id >= :since OFFSET 0) found"
    " ORDER BY message_id DESC LIMIT :most"
)
# A rare word has few messages in all. Up to `many` are sorted.
_ANY: Final = (
    "SELECT message_id, count(*) OVER () AS total FROM (SELECT e.message_id FROM search_entry e{of_teams}"
    " WHERE {indexed} @@ CAST(:wanted AS tsquery) AND e.message_id < :before LIMIT :many) found"
    " ORDER BY message_id DESC LIMIT :most"
)
_MANY: Final = 200
# More of them are not named: the index reads each.
_MOST_DAYS: Final = 120
# With this many times the messages that should have a full page; the next try takes between so many times more.
_SPARE_SPAN, _LEAST_WIDER, _WIDER = 2.0, 2.0, 8.0
# With fewer among the newest ones a word is rare.
_FEW: Final = 3


def newest_on_postgresql(
    connection: Connection, wanted: Wanted, *, only_teams: Collection[str] | None, before: UUID | None, most: int
) -> list[UUID]:
    """Return the newest candidates before `before`, newest first."""
    ask = partial(_ask, connection, only_teams, before=before or _LAST, most=most)
    return _newest(ask, wanted=_as_tsquery(wanted), most=most)


def _newest(ask: Callable[..., Sequence[sa.Row[Any]]], *, wanted: str, most: int) -> list[UUID]:
    """Ask one statement after another until a page is full or the word has no more messages."""
    newest, deep = ask(_NEWEST, wanted=wanted, deep=_DEEP)[0], _DEEP
    found: list[UUID] = newest.ids
    enough, are_few = _SPARE_SPAN * most / (len(found) + 1), len(found) < _FEW
    if not are_few and len(found) < most and enough * _DEEP < newest.messages * len(found) / _DEEP:
        deep = int(enough * _DEEP)
        found = ask(_NEWEST, wanted=wanted, deep=deep)[0].ids
    if len(found) == most or newest.last is None:
        return found
    messages = _SPARE_SPAN * most * deep / (len(found) + 1)
    while (since := _time_before(newest, messages=messages)) > _FIRST:
        found = _ids(ask(_SINCE, wanted=_in_days(wanted, since=since, last=newest.last), since=since))
        if len(found) == most:
            return found
        if are_few:
            some = ask(_ANY, wanted=wanted, many=_MANY)
            if not some or some[0].total < _MANY:
                return _ids(some)
        are_few, enough = False, _SPARE_SPAN * most / (len(found) + 1)
        messages *= max(_LEAST_WIDER, min(_WIDER, enough))
    return _ids(ask(_SINCE, wanted=wanted, since=_FIRST))


def _in_days(wanted: str, *, since: UUID, last: UUID) -> str:
    """Return the query with the days between two messages, the last of which exists."""
    first, end = (int(each.hex[:_DAYS_DIGITS], 16) for each in (since, last))
    if end - first >= _MOST_DAYS:
        return wanted
    days = " | ".join(f"'@{each:0{_DAYS_DIGITS}x}'" for each in range(first, end + 1))
    return f"{wanted} & ({days})"


def _time_before(span: sa.Row[Any], *, messages: float) -> UUID:
    """Return an id before which there are all but about so many of the messages of a span, or the first id."""
    oldest, newest, last = (each.int >> _OF_TIME for each in (span.oldest, span.newest, span.last))
    milliseconds = last - int((newest - oldest) * messages / max(span.messages, 1))
    return UUID(int=milliseconds << _OF_TIME) if milliseconds > oldest else _FIRST


def _ask(
    connection: Connection, only_teams: Collection[str] | None, statement: str, **values: object
) -> Sequence[sa.Row[Any]]:
    return connection.execute(limited_to_teams(statement, only_teams, indexed=_INDEXED, span=_SPAN), values).all()


def _ids(rows: Sequence[sa.Row[Any]]) -> list[UUID]:
    return [row.message_id for row in rows]


# Words contain only letters and digits (`router.text.search_terms`), so no word can close the quotes.
def _as_tsquery(wanted: Wanted) -> str:
    return " & ".join([*(f"'{word}'" for word in wanted.words), *(f"'{word}':*" for word in wanted.beginnings)])
