"""Find candidates in SQLite's index of words."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from sqlalchemy.engine import Connection

from router.text.search_terms import Wanted
from store.conversations.search_index.indexed_words import ENTRY, limited_to_teams, number_of

_LAST_NUMBER: Final = 2**62
_SQLITE: Final = (
    "SELECT e.message_id FROM search_words w JOIN search_entry e ON e.number = w.rowid{of_teams}"
    " WHERE search_words MATCH :wanted AND w.rowid < :before ORDER BY w.rowid DESC LIMIT :most"
)
# More words with one beginning than this are numbers, each in few messages.
_MOST_TERMS: Final = 100
# From word to word: the table has a row for each message of a word, and only the first is read. No word has char(1).
_TERMS: Final = (
    "WITH RECURSIVE found (term) AS (SELECT (SELECT term FROM search_vocabulary_words WHERE term >= ? LIMIT 1)"
    " UNION ALL SELECT (SELECT term FROM search_vocabulary_words WHERE term >= found.term || char(1) LIMIT 1)"
    " FROM found WHERE found.term < ?) SELECT term FROM found WHERE term < ? LIMIT ?"
)


def newest_on_sqlite(
    connection: Connection, wanted: Wanted, *, only_teams: Collection[str] | None, before: UUID | None, most: int
) -> list[UUID]:
    """Return the newest candidates before `before`, newest first."""
    last = _LAST_NUMBER if before is None else _place(connection, before)
    values = {"wanted": _as_match(connection, wanted), "before": last, "most": most}
    question = limited_to_teams(_SQLITE, only_teams).columns(ENTRY.c.message_id)
    return list(connection.execute(question, values).scalars())


# Words contain only letters and digits (`router.text.search_terms`), so no word can close the quotes.
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


def _place(connection: Connection, message_id: UUID) -> int:
    """Return the number where a page before the message ends; the message may have been erased since."""
    number = number_of(connection, message_id)
    if number is not None:
        return number
    statement = "SELECT number FROM search_entry WHERE message_id < ? ORDER BY message_id DESC LIMIT 1"
    older: Any = connection.exec_driver_sql(statement, (message_id.hex,)).scalar()
    return 0 if older is None else int(older) + 1
