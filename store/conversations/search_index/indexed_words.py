"""Write the index of masked words with each message, and limit what is read from it to a reader's teams.

SQLite has it in FTS5 without positions and without the text, PostgreSQL in a GIN index of `tsvector`s. Both store
the words of `router.text.search_terms` without stemming, so that both find the same in any language and locale.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import chain, repeat
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.text.search_terms import words_to_index
from store.db.bulk import among
from store.db.engine import Database, Rows, overwrite_deleted

# A step of some milliseconds; a million messages take about a thousand steps.
_MERGE_PAGES: Final = 200
_MOST_MERGES: Final = 100_000
# No foreign keys: the index must not block changes to messages.
ENTRY: Final = sa.table("search_entry", sa.column("message_id", sa.Uuid()))
# Foreign messages must not even show by where a page ends, so a reader's teams are part of the query.
_OF_TEAMS: Final = (
    " JOIN message m ON m.id = e.message_id JOIN conversation c ON c.id = m.conversation_id AND c.team IN :teams"
)


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
    connection.execute(sa.delete(ENTRY).where(among(ENTRY.c.message_id, [row["id"] for row in rows])))


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


def limited_to_teams(statement: str, only_teams: Collection[str] | None, **parts: str) -> sa.TextClause:
    """Return a statement on the index that reads only what a reader may see.

    statement: with the place `of_teams`, unless it reads no messages.  parts: the texts of its other places.
    """
    of_teams = "" if only_teams is None else _OF_TEAMS
    question = sa.text(statement.format(of_teams=of_teams, **parts))
    if only_teams is None or "{of_teams}" not in statement:
        return question
    return question.bindparams(sa.bindparam("teams", sorted(only_teams), expanding=True))


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
        number = number_of(connection, row["id"])
        said = words_to_index(row["subject"], row["text"])
        if number is not None:
            statement = "INSERT INTO search_words (search_words, rowid, words) VALUES ('delete', ?, ?)"
            connection.exec_driver_sql(statement, (number, said))


def number_of(connection: Connection, message_id: UUID) -> int | None:
    """Return the number of a message in SQLite's index; None if it is not there."""
    statement = "SELECT number FROM search_entry WHERE message_id = ?"
    number: Any = connection.exec_driver_sql(statement, (message_id.hex,)).scalar()
    return None if number is None else int(number)
