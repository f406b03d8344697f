"""Seal everything that was kept under an earlier key, or unsealed, under the newest key.

The rows themselves say what is left to do: a run that was ended goes on, and a second one changes nothing.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.errors import PermanentError, SealKeyMissing
from store.db.bulk import table_of
from store.db.encryption import ORIGINAL_HEAD, TEXT_HEAD, Sealer, key_name_in
from store.db.engine import Database
from store.tables.agents import AgentRow
from store.tables.composer import AnswerFileRow
from store.tables.gates import FetchedFileRow, PhoneCallRow
from store.tables.messages import InboundRow, OriginalRow

_BATCH: Final = 2_000
# A transaction holds the lock of SQLite: intake waits for as long as this much takes.
_ROWS: Final = 50
_BYTES: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class _SealedColumn:
    """A column that is kept sealed. head: how much of a value says under which key."""

    what: str
    id: sa.Column[Any]
    value: sa.Column[Any]
    head: int


@dataclass(slots=True)
class SealCount:
    """How many values are sealed under which key, by its name; under the name "" those that are not sealed.

    originals: with the files that were fetched after their message, and those of agents' answers.
    """

    envelopes: Counter[str] = field(default_factory=Counter)
    originals: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class ResealProgress:
    """How far it is. seen: values looked at.  resealed: values that were sealed again.  shut: what could not be opened.

    shut: the reason by the inbound id; such a value stays as it was.
    """

    seen: int = 0
    resealed: int = 0
    shut: dict[UUID, str] = field(default_factory=dict)


def count_seals(database: Database) -> SealCount:
    """Count the values by the key that sealed them, a batch a transaction."""
    count = SealCount()
    for column in _columns():
        counter = count.envelopes if column.head == TEXT_HEAD else count.originals
        for batch in _heads(database, column):
            counter.update(key or "" for _, key in batch)
    return count


def reseal(database: Database) -> Iterator[ResealProgress]:
    """Seal every value under the newest key; yield the same object after each batch and each transaction.

    Workers may run meanwhile: a row is locked while it is sealed again, a few rows at a time.
    """
    progress, names = ResealProgress(), database.sealer.names()
    for column in _columns() if names else ():
        for batch in _heads(database, column):
            progress.seen += len(batch)
            old = deque(row_id for row_id, key in batch if key != names[0])
            while old:
                with database.write() as connection:
                    _reseal_some(connection, column, old, sealer=database.sealer, progress=progress)
                yield progress
            yield progress


def _columns() -> tuple[_SealedColumn, ...]:
    agent = table_of(AgentRow).c
    inbound, original, file = table_of(InboundRow).c, table_of(OriginalRow).c, table_of(FetchedFileRow).c
    sent, call = table_of(AnswerFileRow).c, table_of(PhoneCallRow).c
    return (
        _SealedColumn("envelope", inbound.id, inbound.envelope, TEXT_HEAD),
        _SealedColumn("original", original.inbound_id, original.content, ORIGINAL_HEAD),
        _SealedColumn("second factor", agent.id, agent.totp_secret, TEXT_HEAD),
        _SealedColumn("file of an answer", sent.id, sent.content, ORIGINAL_HEAD),
        _SealedColumn("transcript", call.id, call.transcript, TEXT_HEAD),
        _SealedColumn("address of a file", file.id, file.url, TEXT_HEAD),
        _SealedColumn("file", file.id, file.content, ORIGINAL_HEAD),
    )


def _heads(database: Database, column: _SealedColumn) -> Iterator[list[tuple[UUID, str | None]]]:
    """Return the ids and the names of the keys, a batch at a time; what was deleted after its time is left out."""
    head = sa.func.substr(column.value, 1, column.head)
    # The type of the column comes back, so that bytes are bytes on each database.
    statement = sa.select(column.id, sa.type_coerce(head, column.value.type).label("head")).order_by(column.id)
    after: UUID | None = None
    while True:
        batch = statement if after is None else statement.where(column.id > after)
        with database.read() as connection:
            rows = connection.execute(batch.limit(_BATCH)).all()
        if not rows:
            return
        yield [(row[0], key_name_in(row.head)) for row in rows if row.head]
        after = rows[-1][0]


def _reseal_some(
    connection: Connection, column: _SealedColumn, old: deque[UUID], *, sealer: Sealer, progress: ResealProgress
) -> None:
    rows, size = 0, 0
    while old and rows < _ROWS and size < _BYTES:
        row_id, rows = old.popleft(), rows + 1
        statement = sa.select(column.value).where(column.id == row_id).with_for_update()
        value = connection.execute(statement).scalar_one_or_none()
        if not value:
            # Its retention time ended meanwhile.
            continue
        size += len(value)
        try:
            again = _sealed_again(value, sealer)
        except (SealKeyMissing, PermanentError) as error:
            progress.shut[row_id] = f"{column.what}: {error}"
            continue
        connection.execute(sa.update(column.value.table).where(column.id == row_id).values({column.value.name: again}))
        progress.resealed += 1


def _sealed_again(value: str | bytes, sealer: Sealer) -> str | bytes:
    if isinstance(value, str):
        return sealer.seal_text(sealer.open_text(value))
    return sealer.seal(sealer.open(bytes(value)))
