"""Functions that statements need and SQLite and PostgreSQL write differently."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler


class json_holds(sa.sql.functions.FunctionElement[Any]):  # noqa: N801  (reads as an SQL function)
    """Whether a JSON list contains a text."""

    # As in `store.db.bulk`.
    type = sa.types.NullType()
    inherit_cache = True


@compiles(json_holds, "postgresql")
def _json_holds_postgresql(element: json_holds, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401
    column, value = (compiler.process(clause, **options) for clause in element.clauses)
    return f"jsonb_exists({column}, {value})"


@compiles(json_holds, "sqlite")
def _json_holds_sqlite(element: json_holds, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401
    column, value = (compiler.process(clause, **options) for clause in element.clauses)
    return f"EXISTS (SELECT 1 FROM json_each({column}) WHERE value = {value})"  # noqa: S608  (our own clauses)


class seconds_between(sa.sql.functions.FunctionElement[Any]):  # noqa: N801  (reads as an SQL function)
    """The seconds from one moment to another."""

    type = sa.types.Float()
    inherit_cache = True


@compiles(seconds_between, "postgresql")
def _seconds_between_postgresql(element: seconds_between, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401
    begin, end = (compiler.process(clause, **options) for clause in element.clauses)
    return f"EXTRACT(epoch FROM {end} - {begin})"


@compiles(seconds_between, "sqlite")
def _seconds_between_sqlite(element: seconds_between, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401
    begin, end = (compiler.process(clause, **options) for clause in element.clauses)
    return f"((julianday({end}) - julianday({begin})) * 86400.0)"
