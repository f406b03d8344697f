"""Ask PostgreSQL several questions in one round trip, by libpq's pipeline and statements that the server has prepared.

A round trip wakes both processes, and what they had in the processor's caches is gone by then: it takes longer than
most statements. psycopg's cursors do the same for one question at a time, and four times as much around it.
"""

from __future__ import annotations

import select
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from psycopg import Connection, Error, OperationalError
from psycopg.adapt import AdaptersMap, PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus
from psycopg.types.string import TextLoader

if TYPE_CHECKING:
    from psycopg import abc
    from psycopg.pq import Format
    from psycopg.pq.abc import PGconn, PGresult

    from store.db.plain_rows import NumberedQuery

Rows = Sequence[Sequence[Any]]
# Keys of the pool's notes about a connection, which end with it: what its server has prepared, and how values are read.
_PREPARED: Final = "prepared"
_ADAPTING: Final = "adapting"
# Each takes about 50 kB of the server's memory; further ones are asked by psycopg's cursors.
_MOST_PREPARED: Final = 200
# SQLSTATEs: the server has no statement of this name; the time limit ended it.
_FORGOTTEN: Final = b"26000"
_CANCELLED: Final = b"57014"
# Types whose values take longer to make than their text takes to look up; `store.db.plain_rows` makes them.
_LEFT: Final = ("json", "jsonb", "uuid", "timestamptz")
# SQL, and the types of its values.
_Key = tuple[str, tuple[int, ...]]


class _Call(NamedTuple):
    """A statement with its values as they are sent."""

    key: _Key
    values: Sequence[abc.Buffer | None]
    formats: Sequence[Format]


@dataclass(slots=True)
class _Prepared:
    """The names of the statements that one connection's server has prepared; no name is given twice."""

    names: dict[_Key, bytes] = field(default_factory=dict)
    _given: int = 0

    def name_new(self, calls: Sequence[_Call]) -> dict[_Key, bytes]:
        """Return names for those statements that have none yet."""
        fresh = dict.fromkeys([call.key for call in calls if call.key not in self.names])
        if not fresh:
            return {}
        first, self._given = self._given, self._given + len(fresh)
        return {key: f"omniyard_{number}".encode() for number, key in enumerate(fresh, start=first)}

    def note(
        self, libpq: PGconn, calls: Sequence[_Call], *, fresh: Mapping[_Key, bytes], results: Sequence[PGresult]
    ) -> None:
        """Note what is prepared now. fresh: names for what was to be prepared.  Raises QueryCanceled; see `fetch`."""
        states = [result.status for result in results]
        refusal = next((result for result in results if result.status == ExecStatus.FATAL_ERROR), None)
        sqlstate = refusal.error_field(DiagnosticField.SQLSTATE) if refusal else None
        if sqlstate == _FORGOTTEN:
            # psycopg removes all statements from the server after a rollback.
            self.names.clear()
        # They were prepared in order, up to the first error.
        self.names |= [*fresh.items()][: states.count(ExecStatus.COMMAND_OK)]
        answered = states.count(ExecStatus.TUPLES_OK)
        if answered < len(calls) and sqlstate != _FORGOTTEN:
            self._remove(libpq, calls[answered].key)
        if refusal and sqlstate == _CANCELLED:
            raise error_from_result(refusal)

    def _remove(self, libpq: PGconn, key: _Key) -> None:
        """Remove a statement that failed: tables may have changed, and the next call prepares it for those of now."""
        name = self.names.pop(key, None)
        if name:
            libpq.exec_(b"DEALLOCATE " + name)


@dataclass(frozen=True, slots=True)
class _Adapting:
    """How values are written and read; psycopg calls it an adapt context."""

    adapters: AdaptersMap
    connection: Connection


def leave_text(adapters: AdaptersMap) -> None:
    """Let values come as their text, as from SQLite: it can be looked up, and is read when it is new."""
    for name in _LEFT:
        adapters.register_loader(name, TextLoader)


def fetch(driver: Connection, notes: dict[str, Any], queries: Sequence[NumberedQuery]) -> list[Rows] | None:
    """Return the rows of each query; None if they could not be had so: a cursor then says why.

    driver: with no transaction open.  notes: what the pool keeps with the connection. If not all answers were read, the
    connection is closed: the next request would get them for its own.
    Raises QueryCanceled if a statement reached its time limit: a cursor would wait for as long again.
    """
    prepared: _Prepared = notes.setdefault(_PREPARED, _Prepared())
    adapting = notes.get(_ADAPTING)
    if adapting is None:
        adapting = notes[_ADAPTING] = _Adapting(AdaptersMap(driver.adapters), driver)
        leave_text(adapting.adapters)
    adapter = Transformer(adapting)
    try:
        # Before any is sent: a value may have no form, such as a text with a zero character.
        calls = [_call(adapter, query) for query in queries]
    except (Error, ValueError):
        return None
    fresh = prepared.name_new(calls)
    if fresh and len(prepared.names) + len(fresh) > _MOST_PREPARED:
        return None
    names = prepared.names | fresh if fresh else prepared.names
    results = _results(driver, calls, names=names, fresh=fresh)
    if results is None:
        return None
    answers = [result for result in results if result.status == ExecStatus.TUPLES_OK]
    if fresh or len(answers) < len(calls):
        prepared.note(driver.pgconn, calls, fresh=fresh, results=results)
    return [_rows(adapter, answer) for answer in answers] if len(answers) == len(calls) else None


def _call(adapter: abc.Transformer, query: NumberedQuery) -> _Call:
    values = adapter.dump_sequence(query.values, [PyFormat.AUTO] * len(query.values))
    return _Call((query.sql, adapter.types or ()), values, adapter.formats or ())


def _results(
    driver: Connection, calls: Sequence[_Call], *, names: Mapping[_Key, bytes], fresh: Collection[_Key]
) -> list[PGresult] | None:
    """Return all results in their order; after an error the rest are empty ones. None if the connection was lost."""
    try:
        libpq, unprepared = driver.pgconn, set(fresh)
        libpq.enter_pipeline_mode()
        for key, values, formats in calls:
            if key in unprepared:
                unprepared.remove(key)
                libpq.send_prepare(names[key], key[0].encode(), key[1])
            libpq.send_query_prepared(names[key], values, formats)
        libpq.pipeline_sync()
        found = [*_received(libpq)]
        libpq.exit_pipeline_mode()
    except BaseException as error:
        # Also when the thread is asked to stop.
        driver.close()
        if isinstance(error, Error):
            return None
        raise
    return found


def _received(libpq: PGconn) -> Iterator[PGresult]:
    """Yield the results as they arrive, until the last."""
    poll = select.poll()
    poll.register(libpq.socket, select.POLLIN)
    while libpq.flush():
        poll.modify(libpq.socket, select.POLLIN | select.POLLOUT)
        poll.poll()
        libpq.consume_input()
    poll.modify(libpq.socket, select.POLLIN)
    while True:
        while libpq.is_busy():
            poll.poll()
            libpq.consume_input()
        result = libpq.get_result()
        if result is not None and result.status == ExecStatus.PIPELINE_SYNC:
            return
        if result is not None:
            yield result
        elif libpq.status != ConnStatus.OK:
            raise OperationalError("the connection was lost")


def _rows(adapter: abc.Transformer, result: PGresult) -> Rows:
    adapter.set_pgresult(result)
    return adapter.load_rows(0, result.ntuples, tuple)
