"""Who wants no more messages from which channel: only the customer's own word, or the provider's, moves it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Text
from sqlalchemy.engine import Connection
from sqlmodel import Field, SQLModel

from store.db.bulk import insert_new, table_of


class Suppression(SQLModel, table=True):
    """The last word of one customer about one channel. said_at: when it was said.  why: the word, or the code."""

    channel: str = Field(primary_key=True)
    handle: str = Field(primary_key=True)
    stopped: bool
    said_at: datetime
    why: str = Field(default="", sa_type=Text)


@dataclass(frozen=True, slots=True, kw_only=True)
class LastWord:
    """What was said: stop, or go on."""

    channel: str
    handle: str
    stopped: bool
    said_at: datetime
    why: str


def note_words(connection: Connection, words: Sequence[LastWord]) -> None:
    """Write down what customers said, in whatever order it comes: the word that was said last counts."""
    latest: dict[tuple[str, str], LastWord] = {}
    for word in sorted(words, key=lambda each: each.said_at):
        latest[word.channel, word.handle] = word
    # One order for every worker, so that two of them cannot wait for each other.
    last = [word for _, word in sorted(latest.items())]
    if insert_new(connection, Suppression, rows=[asdict(word) for word in last]) == len(last):
        return
    table = table_of(Suppression)
    for word in last:
        older = sa.update(table).where(
            table.c.channel == word.channel, table.c.handle == word.handle, table.c.said_at <= word.said_at
        )
        connection.execute(older.values(stopped=word.stopped, said_at=word.said_at, why=word.why))


def refusal(connection: Connection, *, channel: str, handle: str) -> str:
    """Return why nothing may be sent to the customer by this channel; empty if it may."""
    table = table_of(Suppression)
    found = sa.select(table.c.said_at, table.c.why).where(
        table.c.channel == channel, table.c.handle == handle, table.c.stopped
    )
    row = connection.execute(found).first()
    return f"the customer asked for no more messages here ({row.why}, {row.said_at:%Y-%m-%d})" if row else ""
