"""Ask PostgreSQL several questions in one round trip, by libpq's pipeline and statements that the server has prepared.

A round trip wakes both processes, and what they had in the processor's caches is gone by then: it takes longer than
most statements. psycopg's cursors do the same for one question at a time, and four times as much around it.
"""

from __future__ import annotations

import select
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from psycopg import Connection, Error, OperationalError
from psycopg.adapt import AdaptersMap, PyFormat, Transformer
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.types.string import TextLoader

if TYPE_CHECKING:
    from psycopg import abc
    from psycopg.pq.abc import PGconn, PGresult

    from store.db.plain_rows import Asked

Rows = Sequence[Sequence[Any]]
# In the pool's notes about a connection, which end with it: the names under which its server has prepared statements.
_NAMES: Final = "prepared"
# Likewise: how its values are read.
_FORMS: Final = "forms"
# Each takes about 50 kB of the server's memory; further ones are asked by psycopg's cursors.
_MOST_PREPARED: Final = 200
_PREPARED = dict[tuple[str, tuple[int, ...]], bytes]


@dataclass(frozen=True, slots=True)
class _Forms:
    """What psycopg calls an adapt context."""

    adapters: AdaptersMap
    connection: Connection


def leave_json(adapters: AdaptersMap) -> None:
    """Let JSON come as its text, as from SQLite: it can be looked up, and is read when it is new."""
    for name in ("json", "jsonb"):
        adapters.register_loader(name, TextLoader)


def fetch(driver: Connection, notes: dict[str, Any], questions: Sequence[Asked]) -> list[Rows] | None:
    """Return the rows of each question; None if they could not be had so: a cursor then says why.

    driver: with no transaction open.  notes: what the pool keeps with the connection.
    """
    names: _PREPARED = notes.setdefault(_NAMES, {})
    if len(names) + len(questions) > _MOST_PREPARED:
        return None
    forms = notes.get(_FORMS)
    if forms is None:
        forms = notes[_FORMS] = _Forms(AdaptersMap(driver.adapters), driver)
        leave_json(forms.adapters)
    adapter = Transformer(forms)
    try:
        results = _results(driver.pgconn, adapter, names, questions)
    except Error:
        return None
    if len(results) != len(questions):
        # One was refused; or the server may have been told to forget them, as psycopg does after a rollback.
        names.clear()
        return None
    return [_rows(adapter, result) for result in results]


def _results(line: PGconn, adapter: abc.Transformer, names: _PREPARED, questions: Sequence[Asked]) -> list[PGresult]:
    """Return the results up to the first error."""
    line.enter_pipeline_mode()
    for asked in questions:
        _send(line, adapter, names, asked)
    line.pipeline_sync()
    found = [each for each in _received(line) if each.status is not ExecStatus.COMMAND_OK]
    line.exit_pipeline_mode()
    return [each for each in found if each.status == ExecStatus.TUPLES_OK]


def _send(line: PGconn, adapter: abc.Transformer, names: _PREPARED, asked: Asked) -> None:
    values = adapter.dump_sequence(asked.values, [PyFormat.AUTO] * len(asked.values))
    types, formats = adapter.types or (), adapter.formats
    name = names.get((asked.sql, types))
    if name is None:
        name = names[asked.sql, types] = f"omniyard_{len(names)}".encode()
        line.send_prepare(name, asked.sql.encode(), types)
    line.send_query_prepared(name, values, formats)


def _received(line: PGconn) -> Iterator[PGresult]:
    """Yield the results as they arrive, until the last."""
    poll = select.poll()
    poll.register(line.socket, select.POLLIN)
    while line.flush():
        poll.modify(line.socket, select.POLLIN | select.POLLOUT)
        poll.poll()
        line.consume_input()
    poll.modify(line.socket, select.POLLIN)
    while True:
        while line.is_busy():
            poll.poll()
            line.consume_input()
        result = line.get_result()
        if result is not None and result.status == ExecStatus.PIPELINE_SYNC:
            return
        if result is not None:
            yield result
        elif line.status != ConnStatus.OK:
            raise OperationalError("the connection was lost")


def _rows(adapter: abc.Transformer, result: PGresult) -> Rows:
    adapter.set_pgresult(result)
    return adapter.load_rows(0, result.ntuples, tuple)
