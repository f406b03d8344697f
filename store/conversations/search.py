"""Full-text search: an index of masked words, written with each message, read newest first.

SQLite has it in FTS5 without positions and without the text, PostgreSQL in a GIN index of `tsvector`s. Both store
the words of `router.text.search_terms` without stemming, so that both find the same in any language and locale. Each
match of the index is checked against the message itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain, repeat
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.text.search_terms import Wanted, holds, words_to_index
from store.db.bulk import among, columns_of, table_of
from store.db.engine import Database, Rows, overwrite_deleted
from store.tables.messages import ConversationRow, MessageRow

# How many candidates are checked for one page; the cursor continues after them.
_MOST_LOOKED_AT: Final = 2_000
_BATCH: Final = 200
# A step of some milliseconds; a million messages take about a thousand steps.
_MERGE_PAGES: Final = 200
_MOST_MERGES: Final = 100_000
_SPARE: Final = 10
_LONGEST_SECONDS: Final = 2
# A search that takes longer is refused and does not load the desk. And the planner always sees the words: with a plan
# for any word, which it keeps after some calls, it reads the whole table for a rare one.
_SETTINGS: Final = (
    f"SET LOCAL statement_timeout = '{_LONGEST_SECONDS}s'; SET LOCAL plan_cache_mode = 'force_custom_plan'"
)
_MOST_CONVERSATIONS: Final = 500
# How many of the newest messages are read when the index cannot answer: for a single character.
_MOST_READ: Final = 5_000
# Beyond any id that exists.
_FIRST, _LAST = UUID(int=0), UUID(int=2**128 - 1)
# The bits of an id after its time, which is in milliseconds.
_OF_TIME: Final = 80
_LAST_NUMBER: Final = 2**62
# No foreign keys: the index must not block changes to messages.
_ENTRY: Final = sa.table("search_entry", sa.column("message_id", sa.Uuid()))
# Foreign messages must not even show by where a page ends, so a reader's teams are part of the query.
_OF_TEAMS: Final = (
    " JOIN message m ON m.id = e.message_id JOIN conversation c ON c.id = m.conversation_id AND c.team IN :teams"
)
_SQLITE: Final = (
    "SELECT e.message_id FROM search_words w JOIN search_entry e ON e.number = w.rowid{of_teams}"
    " WHERE search_words MATCH :wanted AND w.rowid < :before ORDER BY w.rowid DESC LIMIT :most"
)
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
# More words with one beginning than this are numbers, each in few messages.
_MOST_TERMS: Final = 100
# From word to word: the table has a row for each message of a word, and only the first is read. No word has char(1).
_TERMS: Final = (
    "WITH RECURSIVE found (term) AS (SELECT (SELECT term FROM search_vocabulary_words WHERE term >= ? LIMIT 1)"
    " UNION ALL SELECT (SELECT term FROM search_vocabulary_words WHERE term >= found.term || char(1) LIMIT 1)"
    " FROM found WHERE found.term < ?) SELECT term FROM found WHERE term < ? LIMIT ?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHit:
    """A message that matches, with its conversation. title: the conversation's subject, or its first words."""

    message_id: UUID
    conversation_id: UUID
    reference: str
    status: str
    team: str
    contact_id: UUID
    direction: str
    channel: str
    sender_handle: str
    sender_name: str
    subject: str
    title: str
    text: str
    received_at: datetime


def index_messages(connection: Connection, rows: Rows) -> None:
    """Add messages to the index, in the transaction that writes them. rows: with `id`, `subject` and `text`."""
    index_read(connection, [(row["id"], words_to_index(row.get("subject", ""), row["text"])) for row in rows])


def index_read(connection: Connection, words: Sequence[tuple[UUID, str]]) -> None:
    """See `index_messages`; for a caller that called `words_to_index` before it took any lock."""
    if not words:
        return
    if connection.dialect.name == "sqlite":
        _index_sqlite(connection, words)
    else:
        made = "SELECT id, array_to_tsvector(string_to_array(said, ' '))"
        given = "FROM unnest(%b::uuid[], %b::text[]) AS given (id, said)"
        statement = f"INSERT INTO search_entry (message_id, words) {made} {given}"
        connection.exec_driver_sql(statement, ([id_ for id_, _ in words], [said for _, said in words]))


def forget_messages(connection: Connection, rows: Rows) -> None:
    """Remove messages from the index. rows: as they were indexed, with `id`, `subject` and `text`."""
    if connection.dialect.name == "sqlite":
        _forget_sqlite(connection, rows)
    connection.execute(sa.delete(_ENTRY).where(among(_ENTRY.c.message_id, [row["id"] for row in rows])))


def purge_forgotten(database: Database) -> None:
    """Remove from the file what `forget_messages` took out of the index; call it after that transaction.

    FTS5 only notes that words are gone, and keeps the blocks that hold them until it merges them with others. This is
    its "optimize" in steps, so that no step holds the database's lock for long. PostgreSQL's VACUUM does it by itself.
    Source: https://www.sqlite.org/fts5.html section 6, "The 'merge' Command".
    """
    if not database.is_sqlite:
        return
    # A negative number of pages puts all blocks on one level; the positive ones merge them until nothing is left to do.
    for pages in chain([-_MERGE_PAGES], repeat(_MERGE_PAGES, _MOST_MERGES)):
        with database.write() as connection:
            overwrite_deleted(connection)
            before = connection.exec_driver_sql("SELECT total_changes()").scalar_one()
            merge = "INSERT INTO search_words (search_words, rank) VALUES ('merge', ?)"
            connection.exec_driver_sql(merge, (pages,))
            after = connection.exec_driver_sql("SELECT total_changes()").scalar_one()
        if after - before < 2:
            break
    database.truncate_journal()


def find_messages(
    connection: Connection,
    wanted: Wanted,
    *,
    only_teams: Collection[str] | None = None,
    before: UUID | None = None,
    limit: int,
) -> tuple[list[SearchHit], UUID | None]:
    """Return up to `limit` messages that match, newest first, and where the next page begins.

    only_teams: the teams that the reader may see; None means all.  before: the end of the page before.
    """
    with _bounded(connection):
        return _find(connection, wanted, only_teams=only_teams, before=before, limit=limit)


def _find(
    connection: Connection, wanted: Wanted, *, only_teams: Collection[str] | None, before: UUID | None, limit: int
) -> tuple[list[SearchHit], UUID | None]:
    found, looked_at, batch = list[SearchHit](), 0, min(limit + _SPARE, _BATCH)
    while looked_at < _MOST_LOOKED_AT:
        ids = _candidates(connection, wanted, only_teams=only_teams, before=before, most=batch)
        # Nearly all candidates match, so the spare ones are seldom read: each may be a page that is not in memory.
        first = limit - len(found)
        for part in (ids[:first], ids[first:]):
            rows = _read(connection, part, only_teams=only_teams)
            for message_id in part:
                before = message_id
                if message_id in rows and holds(wanted, rows[message_id].subject, rows[message_id].text):
                    found.append(rows[message_id])
                    if len(found) == limit:
                        return found, before
        if len(ids) < batch:
            return found, None
        looked_at, batch = looked_at + len(ids), _BATCH
    return found, before


@contextmanager
def _bounded(connection: Connection) -> Iterator[None]:
    """Search within `_SETTINGS`, which are those of a transaction; a read on PostgreSQL is none."""
    if connection.dialect.name != "postgresql":
        yield
        return
    driver: Any = connection.connection.dbapi_connection
    connection.exec_driver_sql(f"BEGIN; {_SETTINGS}" if driver.autocommit else _SETTINGS)
    yield
    # After an error the pool ends the transaction.
    if driver.autocommit:
        connection.exec_driver_sql("COMMIT")


def conversations_with(
    connection: Connection, wanted: Wanted, *, only_teams: Collection[str] | None = None
) -> set[UUID]:
    """Return the conversations of the newest messages that match; for a common word not all of them."""
    found, _ = find_messages(connection, wanted, only_teams=only_teams, limit=_MOST_CONVERSATIONS)
    return {row.conversation_id for row in found}


def _candidates(
    connection: Connection, wanted: Wanted, *, only_teams: Collection[str] | None, before: UUID | None, most: int
) -> list[UUID]:
    """Return the newest candidates of the index before `before`."""
    if not (wanted.words or wanted.beginnings):
        return _newest_that_hold(connection, wanted, only_teams=only_teams, before=before, most=most)
    if connection.dialect.name == "sqlite":
        last = _LAST_NUMBER if before is None else _place(connection, before)
        values = {"wanted": _as_match(connection, wanted), "before": last, "most": most}
        question = _question(_SQLITE, only_teams).columns(_ENTRY.c.message_id)
        return list(connection.execute(question, values).scalars())
    before = before or _LAST
    ask = partial(_ask, connection, only_teams, before=before, most=most)
    return _newest(ask, wanted=_as_tsquery(wanted), most=most)


def _newest(ask: Callable[..., Sequence[sa.Row[Any]]], *, wanted: str, most: int) -> list[UUID]:
    """Return the newest candidates on PostgreSQL, by the plan that reads few rows for a word of this frequency."""
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
    return connection.execute(_question(statement, only_teams), values).all()


def _question(statement: str, only_teams: Collection[str] | None) -> sa.TextClause:
    of_teams = "" if only_teams is None else _OF_TEAMS
    question = sa.text(statement.format(of_teams=of_teams, indexed=_INDEXED, span=_SPAN))
    if only_teams is None or "{of_teams}" not in statement:
        return question
    return question.bindparams(sa.bindparam("teams", sorted(only_teams), expanding=True))


def _ids(rows: Sequence[sa.Row[Any]]) -> list[UUID]:
    return [row.message_id for row in rows]


# Words contain only letters and digits (`router.text.search_terms`), so no word can close the quotes.
def _as_tsquery(wanted: Wanted) -> str:
    return " & ".join([*(f"'{word}'" for word in wanted.words), *(f"'{word}':*" for word in wanted.beginnings)])


def _as_match(connection: Connection, wanted: Wanted) -> str:
    beginnings = [_beginning(connection, word) for word in wanted.beginnings]
    return " AND ".join([*(f'"{word}"' for word in wanted.words), *beginnings])


def _beginning(connection: Connection, word: str) -> str:
    """Return a prefix as the words that begin with it: FTS5 then stops early, but reads a prefix to its end."""
    end = f"{word}\U0010ffff"
    terms = connection.exec_driver_sql(_TERMS, (word, end, end, _MOST_TERMS + 1)).scalars().all()
    if not terms or len(terms) > _MOST_TERMS:
        return f'"{word}"*'
    either = " OR ".join(f'"{term}"' for term in terms)
    return f"({either})"


def _newest_that_hold(
    connection: Connection, wanted: Wanted, *, only_teams: Collection[str] | None, before: UUID | None, most: int
) -> list[UUID]:
    """Search the newest messages themselves. Their ids are in order of time."""
    columns, conversation = table_of(MessageRow).c, table_of(ConversationRow)
    newest = sa.select(columns.id, columns.subject, columns.text)
    if only_teams is not None:
        newest = newest.join(conversation, conversation.c.id == columns.conversation_id)
        newest = newest.where(among(conversation.c.team, only_teams))
    read = newest.order_by(columns.id.desc()).limit(_MOST_READ).subquery()
    has = sa.func.instr if connection.dialect.name == "sqlite" else sa.func.strpos
    said = sa.func.lower(read.c.subject + "\n" + read.c.text)
    statement = sa.select(read.c.id).where(*(has(said, needle) > 0 for needle in wanted.needles))
    if before is not None:
        statement = statement.where(read.c.id < before)
    return list(connection.execute(statement.order_by(read.c.id.desc()).limit(most)).scalars())


def _read(connection: Connection, ids: Sequence[UUID], *, only_teams: Collection[str] | None) -> dict[UUID, SearchHit]:
    if not ids:
        return {}
    message, conversation = table_of(MessageRow), table_of(ConversationRow)
    theirs = ("reference", "status", "team")
    statement = sa.select(
        message.c.id.label("message_id"),
        *columns_of(MessageRow, SearchHit, but=("message_id", "title", *theirs)),
        conversation.c.subject.label("title"),
        *(conversation.c[name] for name in theirs),
    ).join(conversation, conversation.c.id == message.c.conversation_id)
    statement = statement.where(among(message.c.id, ids))
    if only_teams is not None:
        statement = statement.where(among(conversation.c.team, only_teams))
    return {row["message_id"]: SearchHit(**row) for row in connection.execute(statement).mappings()}


def _index_sqlite(connection: Connection, words: Sequence[tuple[UUID, str]]) -> None:
    # Numbers of our own: copying or vacuuming may change a table's row ids. SQLite has one writer at a time.
    last: Any = connection.exec_driver_sql("SELECT coalesce(max(number), 0) FROM search_entry").scalar_one()
    numbered = list(enumerate(words, start=int(last) + 1))
    connection.exec_driver_sql(
        "INSERT INTO search_entry (number, message_id) VALUES (?, ?)",
        [(number, id_.hex) for number, (id_, _) in numbered],
    )
    connection.exec_driver_sql(
        "INSERT INTO search_words (rowid, words) VALUES (?, ?)", [(number, said) for number, (_, said) in numbered]
    )


def _forget_sqlite(connection: Connection, rows: Rows) -> None:
    # The index stores no text: deleting needs the exact words that were inserted.
    for row in rows:
        number = _number(connection, row["id"])
        said = words_to_index(row["subject"], row["text"])
        if number is not None:
            statement = "INSERT INTO search_words (search_words, rowid, words) VALUES ('delete', ?, ?)"
            connection.exec_driver_sql(statement, (number, said))


def _number(connection: Connection, message_id: UUID) -> int | None:
    statement = "SELECT number FROM search_entry WHERE message_id = ?"
    number: Any = connection.exec_driver_sql(statement, (message_id.hex,)).scalar()
    return None if number is None else int(number)


def _place(connection: Connection, message_id: UUID) -> int:
    """Return the number where a page before the message ends; the message may have been erased since."""
    number = _number(connection, message_id)
    if number is not None:
        return number
    statement = "SELECT number FROM search_entry WHERE message_id < ? ORDER BY message_id DESC LIMIT 1"
    older: Any = connection.exec_driver_sql(statement, (message_id.hex,)).scalar()
    return 0 if older is None else int(older) + 1
