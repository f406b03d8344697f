"""The budget of a day: counted by one statement before each call, for all processes together.

A process that dies between the count and the answer has counted one call with its largest size, and no more: the rest
of the day's budget stays, and a repeat counts again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.db.bulk import columns_of, insert_new, table_of
from store.db.engine import read_clock
from store.tables.generated import ModelDayRow

Outcome = Literal["texts", "refused", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDay:
    """What was spent of a day. See `ModelDayRow`."""

    day: date
    calls: int = 0
    tokens: int = 0
    texts: int = 0
    refused: int = 0
    failed: int = 0

    def is_spent(self, *, per_day: int, tokens_per_day: int) -> bool:
        """Return whether no further call is in the budget."""
        return self.calls >= per_day or self.tokens >= tokens_per_day


def today(connection: Connection) -> date:
    """Return the day of the database's clock, in UTC."""
    return read_clock(connection).astimezone(UTC).date()


def take_call(connection: Connection, *, tokens: int, per_day: int, tokens_per_day: int) -> date | None:
    """Count a call that is about to be made; return its day, or None if the budget does not have it.

    tokens: the most that it can cost.
    """
    table, day = table_of(ModelDayRow), today(connection)
    insert_new(connection, ModelDayRow, rows=[{"day": day, "calls": 0, "tokens": 0}])
    fits = (table.c.day == day, table.c.calls < per_day, table.c.tokens + tokens <= tokens_per_day)
    statement = sa.update(table).where(*fits).values(calls=table.c.calls + 1, tokens=table.c.tokens + tokens)
    return day if connection.execute(statement).rowcount else None


def settle_call(connection: Connection, day: date, *, taken: int, used: int) -> None:
    """Replace the tokens that were taken for a call by those that it used."""
    table = table_of(ModelDayRow)
    statement = sa.update(table).where(table.c.day == day)
    connection.execute(statement.values(tokens=table.c.tokens - taken + used))


def note_outcome(connection: Connection, outcome: Outcome) -> None:
    """Count what became of a request."""
    table, day = table_of(ModelDayRow), today(connection)
    insert_new(connection, ModelDayRow, rows=[{"day": day, "calls": 0, "tokens": 0}])
    statement = sa.update(table).where(table.c.day == day)
    connection.execute(statement.values({outcome: table.c[outcome] + 1}))


def spent_today(connection: Connection) -> ModelDay:
    """Return what was spent of this day."""
    table, day = table_of(ModelDayRow), today(connection)
    row = connection.execute(sa.select(*columns_of(ModelDayRow, ModelDay)).where(table.c.day == day)).mappings().first()
    return ModelDay(**row) if row else ModelDay(day=day)
