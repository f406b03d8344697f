"""Run statements whose text stays, and make values of their rows: each row once, as long as nothing in it changes.

SQLAlchemy converts each id and each moment of each row by a Python function. A page of the inbox has 650 of them, and
nearly all are those of the page before: here a row that is known costs one look-up, by all that it contains.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import DBAPIError

Value = TypeVar("Value")
_Convert = Callable[[Any], Any]
_Rows = Sequence[Sequence[Any]]
# The rows that were asked ahead, until they are read: by a connection's number and a statement, with its values.
_Ahead = dict[tuple[int, "PlainStatement"], list[tuple[Mapping[str, Any], _Rows]]]
_AHEAD: Final[ContextVar[_Ahead | None]] = ContextVar("ahead", default=None)


@dataclass(frozen=True, slots=True)
class NumberedQuery:
    """A query for libpq: SQL with places $1, $2 and so on, and their values."""

    sql: str
    values: Sequence[Any]


@dataclass(frozen=True, slots=True)
class _Form:
    """A statement's SQL for one kind of database. names: of its places, where it has places.

    converters: of the values that are bound when it runs.  usual: the values that stand in it.
    numbered: the same SQL for libpq, with the names of $1, $2 and so on; empty on SQLite.
    """

    sql: str
    names: Sequence[str] | None
    numbered: tuple[str, Sequence[str]]
    converters: Mapping[str, _Convert | None]
    usual: Mapping[str, Any]

    def bound(self, values: Mapping[str, Any]) -> dict[str, Any]:
        bound = {**self.usual}
        for name, convert in self.converters.items():
            bound[name] = convert(values[name]) if convert else values[name]
        return bound

    def parameters(self, bound: dict[str, Any]) -> Any:  # noqa: ANN401  (the driver's)
        return bound if self.names is None else tuple([bound[name] for name in self.names])

    def numbered_query(self, bound: Mapping[str, Any]) -> NumberedQuery:
        sql, names = self.numbered
        return NumberedQuery(sql, [bound[name] for name in names])


class PlainStatement:
    """A statement that is compiled once for each kind of database; its values are bound by their names.

    It has no `IN` of listed values: `store.db.bulk.among` is one parameter for any number of them.
    """

    def __init__(self, statement: sa.Select[Any]) -> None:
        self._statement = statement
        self._forms: dict[str, _Form] = {}

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """Return the rows as the driver gives them, which is another form for each kind of database."""
        ahead = _AHEAD.get()
        if ahead and (rows := _taken(ahead, connection, self, values)) is not None:
            return rows
        form = self.form(connection)
        bound = form.bound(values)
        found = _piped(connection, [(form, bound)])
        return found[0] if found else _fetched(connection, form.sql, form.parameters(bound))

    def form(self, connection: Connection) -> _Form:
        """Return the statement's form for this kind of database."""
        dialect = connection.dialect
        form = self._forms.get(dialect.name)
        if form is None:
            # Two threads may compile it at once; both get the same.
            form = self._forms[dialect.name] = _form(self._statement, dialect)
        return form


# A statement and the values of its names.
Question = tuple[PlainStatement, Mapping[str, Any]]


@contextmanager
def asked_ahead(connection: Connection, questions: Sequence[Question]) -> Iterator[None]:
    """Ask PostgreSQL in one round trip what the block is going to ask: `rows` with equal values, once each.

    Answers that the block does not read are left to the block around it, and the outermost drops them; other statements
    run when they are asked. SQLite has no round trips. Raises DBAPIError if a statement reaches its time limit; any
    other error comes when the block asks.
    """
    if connection.dialect.name != "postgresql":
        yield
        return
    around = _AHEAD.get()
    ahead: _Ahead = {} if around is None else around
    token = _AHEAD.set(ahead)
    try:
        _ask(connection, questions, ahead=ahead)
        yield
    finally:
        _AHEAD.reset(token)


def _ask(connection: Connection, questions: Sequence[Question], *, ahead: _Ahead) -> None:
    fresh = [
        (statement, values)
        for statement, values in questions
        if all(values != known for known, _ in ahead.get((id(connection), statement), ()))
    ]
    forms = [(statement.form(connection), values) for statement, values in fresh]
    found = _piped(connection, [(form, form.bound(values)) for form, values in forms])
    for (statement, values), rows in zip(fresh, found or (), strict=bool(found)):
        ahead.setdefault((id(connection), statement), []).append((values, rows))


def _taken(ahead: _Ahead, connection: Connection, statement: PlainStatement, values: Mapping[str, Any]) -> _Rows | None:
    answers = ahead.get((id(connection), statement), [])
    for place, (known, rows) in enumerate(answers):
        # Equal lists of ids are mostly those of the same objects: a hash would look at each of them.
        if known == values:
            del answers[place]
            return rows
    return None


class KnownRows(Generic[Value]):
    """Makes values of the rows of a `PlainStatement`. Values are shared, so they must be frozen.

    types: of the columns.  make: gets what SQLAlchemy would have as the row.  most: how many are remembered.
    """

    def __init__(
        self, types: Sequence[sa.types.TypeEngine[Any]], make: Callable[[Sequence[Any]], Value], *, most: int
    ) -> None:
        self._types, self._make, self._most = types, make, most
        self._known: dict[str, Callable[[Sequence[Any]], Value]] = {}

    def __call__(self, connection: Connection, rows: Sequence[Sequence[Any]]) -> list[Value]:
        """Return the values of the rows."""
        dialect = connection.dialect
        known = self._known.get(dialect.name)
        if known is None:
            known = self._known[dialect.name] = self._remembering(dialect)
        return [*map(known, rows)]

    def _remembering(self, dialect: Dialect) -> Callable[[Sequence[Any]], Value]:
        processors = [_processor(type_, dialect) for type_ in self._types]
        make = self._make

        def made(row: Sequence[Any]) -> Value:
            return make([convert(each) if convert else each for convert, each in zip(processors, row, strict=True)])

        return lru_cache(maxsize=self._most)(made)


def _processor(type_: sa.types.TypeEngine[Any], dialect: Dialect) -> _Convert | None:
    if dialect.name == "postgresql":
        # SQLAlchemy leaves them to the driver, which leaves them to us.
        plain = type_.impl_instance if isinstance(type_, sa.TypeDecorator) else type_
        for kind, read in _OF_TEXT.items():
            if isinstance(plain, kind):
                return partial(_unless_empty, read)
    return type_.dialect_impl(dialect).result_processor(dialect, None)


# The types of which PostgreSQL's driver leaves the text.
_OF_TEXT: Final[Mapping[type[sa.types.TypeEngine[Any]], _Convert]] = {
    sa.JSON: json.loads,
    sa.Uuid: UUID,
    sa.DateTime: lambda text: datetime.fromisoformat(text).astimezone(UTC),
}


def _unless_empty(read: _Convert, text: str | None) -> Any:  # noqa: ANN401  (as the type says)
    return None if text is None else read(text)


def _piped(connection: Connection, questions: Sequence[tuple[_Form, dict[str, Any]]]) -> list[_Rows] | None:
    """Ask by PostgreSQL's pipeline; None where there is none, where a transaction is open, or after an error.

    Raises DBAPIError if a statement reaches its time limit.
    """
    if connection.dialect.name != "postgresql" or not questions:
        return None
    # Its driver, which a desk on SQLite does not load.
    from store.db.pipeline import fetch  # noqa: PLC0415

    pooled = connection.connection
    driver: Any = pooled.dbapi_connection
    if not driver.autocommit or driver.info.transaction_status:
        return None
    for form, bound in questions:
        for listener in connection.dispatch.before_cursor_execute:
            listener(connection, None, form.sql, form.parameters(bound), None, False)
    try:
        return fetch(driver, pooled.info, [form.numbered_query(bound) for form, bound in questions])
    except connection.dialect.loaded_dbapi.Error as error:
        raise _wrapped(error, connection.dialect, sql=questions[0][0].sql) from error


def _fetched(connection: Connection, sql: str, parameters: Any) -> Sequence[Sequence[Any]]:  # noqa: ANN401
    """Ask the driver. What SQLAlchemy does around it takes twice as long as the usual statement itself."""
    if not connection.in_transaction():
        connection.begin()
    dialect, driver = connection.dialect, connection.connection
    cursor = driver.cursor()
    if dialect.name == "postgresql":
        from store.db.pipeline import leave_text  # noqa: PLC0415  (psycopg, which SQLite does without)

        leave_text(cursor.adapters)
    try:
        # A listener that counts statements hears of these, too.
        for listener in connection.dispatch.before_cursor_execute:
            listener(connection, cursor, sql, parameters, None, False)
        cursor.execute(sql, parameters)
        found: Sequence[Sequence[Any]] = cursor.fetchall()
    except dialect.loaded_dbapi.Error as error:
        if dialect.is_disconnect(error, driver, cursor):
            connection.invalidate(error)
        raise _wrapped(error, dialect, sql=sql) from error
    else:
        return found
    finally:
        cursor.close()


def _wrapped(error: Exception, dialect: Dialect, *, sql: str) -> Exception:
    kind = dialect.loaded_dbapi.Error
    wrapped: Exception = DBAPIError.instance(sql, None, error, kind, hide_parameters=True, dialect=dialect)
    return wrapped


def types_of(statement: sa.Select[Any]) -> list[sa.types.TypeEngine[Any]]:
    """Return the types of the columns that a statement selects."""
    return [column.type for column in statement.selected_columns]


def _form(statement: sa.Select[Any], dialect: Dialect) -> _Form:
    compiled: Any = statement.compile(dialect=dialect)
    converters: dict[str, _Convert | None] = {}
    usual: dict[str, Any] = {}
    for parameter, name in compiled.bind_names.items():
        convert = parameter.type.dialect_impl(dialect).bind_processor(dialect)
        if parameter.required:
            converters[name] = convert
        else:
            usual[name] = convert(parameter.value) if convert else parameter.value
    names = tuple(compiled.positiontup) if compiled.positional else None
    return _Form(compiled.string, names, _numbered(statement, dialect), converters, usual)


def _numbered(statement: sa.Select[Any], dialect: Dialect) -> tuple[str, Sequence[str]]:
    if dialect.name != "postgresql":
        return "", ()
    kind: Any = type(dialect)
    compiled: Any = statement.compile(dialect=kind(paramstyle="numeric_dollar"))
    return compiled.string, tuple(compiled.positiontup)
