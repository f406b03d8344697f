"""Run statements whose text stays, and make values of their rows: each row once, as long as nothing in it changes.

SQLAlchemy converts each id and each moment of each row by a Python function. A page of the inbox has 650 of them, and
nearly all are those of the page before: here a row that is known costs one look-up, by all that it contains.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import DBAPIError

Value = TypeVar("Value")
_Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Form:
    """A statement's SQL for one kind of database. names: of its places, where it has places.

    converters: of the values that are bound when it runs.  usual: the values that stand in it.
    """

    sql: str
    names: Sequence[str] | None
    converters: Mapping[str, _Convert | None]
    usual: Mapping[str, Any]

    def parameters(self, values: Mapping[str, Any]) -> Any:  # noqa: ANN401  (the driver's)
        said = {**self.usual}
        for name, convert in self.converters.items():
            said[name] = convert(values[name]) if convert else values[name]
        return said if self.names is None else tuple([said[name] for name in self.names])


class PlainStatement:
    """A statement that is compiled once for each kind of database; its values are bound by their names.

    It has no `IN` of listed values: `store.db.bulk.among` is one parameter for any number of them.
    """

    def __init__(self, statement: sa.Select[Any]) -> None:
        self._statement = statement
        self._forms: dict[str, _Form] = {}

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """Return the rows as the driver gives them, which is another form for each kind of database."""
        dialect = connection.dialect
        form = self._forms.get(dialect.name)
        if form is None:
            # Two threads may compile it at once; both get the same.
            form = self._forms[dialect.name] = _form(self._statement, dialect)
        return _fetched(connection, form.sql, form.parameters(values))


class KnownRows(Generic[Value]):
    """Makes values of the rows of a `PlainStatement`. Values are shared, so they must be frozen.

    types: of the columns.  make: gets what SQLAlchemy would have as the row.  most: how many are remembered.
    """

    def __init__(
        self, types: Sequence[sa.types.TypeEngine[Any]], make: Callable[[Sequence[Any]], Value], *, most: int
    ) -> None:
        self._types, self._make, self._most = types, make, most
        self._has_json = any(isinstance(each, sa.JSON) for each in types)
        self._known: dict[str, Callable[[Sequence[Any]], Value]] = {}

    def __call__(self, connection: Connection, rows: Sequence[Sequence[Any]]) -> list[Value]:
        """Return the values of the rows."""
        dialect = connection.dialect
        known = self._known.get(dialect.name)
        if known is None:
            known = self._known[dialect.name] = self._remembering(dialect)
        if self._has_json and dialect.name == "postgresql":
            # Its driver has read JSON already, and no list can be looked up.
            rows = [tuple(tuple(each) if type(each) is list else each for each in row) for row in rows]
        return [*map(known, rows)]

    def _remembering(self, dialect: Dialect) -> Callable[[Sequence[Any]], Value]:
        processors = [type_.dialect_impl(dialect).result_processor(dialect, None) for type_ in self._types]
        make = self._make

        def made(row: Sequence[Any]) -> Value:
            return make([convert(each) if convert else each for convert, each in zip(processors, row, strict=True)])

        return lru_cache(maxsize=self._most)(made)


def _fetched(connection: Connection, sql: str, parameters: Any) -> Sequence[Sequence[Any]]:  # noqa: ANN401
    """Ask the driver. What SQLAlchemy does around it takes twice as long as the usual statement itself."""
    if not connection.in_transaction():
        connection.begin()
    dialect, driver = connection.dialect, connection.connection
    cursor = driver.cursor()
    try:
        # A listener that counts statements hears of these, too.
        for listener in connection.dispatch.before_cursor_execute:
            listener(connection, cursor, sql, parameters, None, False)
        cursor.execute(sql, parameters)
        found: Sequence[Sequence[Any]] = cursor.fetchall()
    except dialect.loaded_dbapi.Error as error:
        if dialect.is_disconnect(error, driver, cursor):
            connection.invalidate(error)
        kind = dialect.loaded_dbapi.Error
        raise DBAPIError.instance(sql, None, error, kind, hide_parameters=True, dialect=dialect) from error
    else:
        return found
    finally:
        cursor.close()


def types_of(statement: sa.Select[Any]) -> list[sa.types.TypeEngine[Any]]:
    """Return the types of the columns that a statement selects."""
    return [column.type for column in statement.selected_columns]


def _form(statement: sa.Select[Any], dialect: Dialect) -> _Form:
    compiled: Any = statement.compile(dialect=dialect)
    converters, usual = dict[str, _Convert | None](), dict[str, Any]()
    for parameter, name in compiled.bind_names.items():
        convert = parameter.type.dialect_impl(dialect).bind_processor(dialect)
        if parameter.required:
            converters[name] = convert
        else:
            usual[name] = convert(parameter.value) if convert else parameter.value
    return _Form(compiled.string, tuple(compiled.positiontup) if compiled.positional else None, converters, usual)
