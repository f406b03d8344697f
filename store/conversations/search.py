"""Full-text search: candidates of the index, newest first, each checked against the message itself."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.text.search_terms import Wanted, holds
from store.conversations.search_index.postgresql_candidates import newest_on_postgresql
from store.conversations.search_index.sqlite_candidates import newest_on_sqlite
from store.db.bulk import among, columns_of, table_of
from store.tables.messages import ConversationRow, MessageRow

# How many candidates are checked for one page; the cursor continues after them.
_MOST_LOOKED_AT: Final = 2_000
_BATCH: Final = 200
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
    looked_at, batch = 0, min(limit + _SPARE, _BATCH)
    found: list[SearchHit] = []
    while looked_at < _MOST_LOOKED_AT:
        ids = _candidates(connection, wanted, only_teams=only_teams, before=before, most=batch)
        first = limit - len(found)
        for message_id, hit in _checked(connection, ids, wanted=wanted, only_teams=only_teams, first=first):
            before = message_id
            if hit is not None:
                found.append(hit)
            if len(found) == limit:
                return found, before
        if len(ids) < batch:
            return found, None
        looked_at, batch = looked_at + len(ids), _BATCH
    return found, before


def _checked(
    connection: Connection, ids: Sequence[UUID], *, wanted: Wanted, only_teams: Collection[str] | None, first: int
) -> Iterator[tuple[UUID, SearchHit | None]]:
    """Yield each candidate, with its message if that matches. first: how many are read before the others."""
    # Nearly all candidates match, so the spare ones are seldom read: each may be a page that is not in memory.
    for part in (ids[:first], ids[first:]):
        rows = _read(connection, part, only_teams=only_teams)
        for message_id in part:
            row = rows.get(message_id)
            yield message_id, row if row and holds(wanted, row.subject, row.text) else None


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
    newest = newest_on_sqlite if connection.dialect.name == "sqlite" else newest_on_postgresql
    return newest(connection, wanted, only_teams=only_teams, before=before, most=most)


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
