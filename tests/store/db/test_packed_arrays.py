"""Arrays that are packed here arrive at PostgreSQL as those that its driver packs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import psycopg
from sqlmodel.sql.sqltypes import UTCDateTime

from store.db.bulk import among_bound
from store.db.engine import Database
from store.db.packed_arrays import array_form
from store.db.written_json import WrittenJson
from tests.servers.postgres import Postgres

_AT = datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
_CHINA = timezone(timedelta(hours=8))


@pytest.fixture
def served(postgres: Postgres) -> Iterator[Database]:
    database = Database(postgres.url())
    yield database
    database.close()


@pytest.mark.parametrize(
    ("type_", "values"),
    [
        (sa.Uuid(), [UUID(int=0), UUID(int=2**128 - 1), None]),
        (sa.Text(), ["", "NULL", '{"a", \\}', "账户被盗 🙂", None]),
        (sa.String(), ["open", "", None]),
        (sa.String(40, collation="C"), ["open", "é", None]),
        (sa.LargeBinary(), [b"", b"\0\xff\\", None]),
        (sa.Boolean(), [True, False, None]),
        (sa.Integer(), [0, -1, 2**31 - 1, -(2**31), None]),
        (sa.BigInteger(), [0, -1, 2**63 - 1, -(2**63), None]),
        (UTCDateTime(), [_AT, datetime(2026, 11, 29, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC), None]),
        (sa.Text(), []),
        (sa.Text(), [None]),
    ],
)
def test_a_packed_array_has_its_values(served: Database, type_: sa.types.TypeEngine[Any], values: list[Any]) -> None:
    assert _returned(served, type_, values) == values


def test_a_moment_of_another_zone_is_the_same_moment(served: Database) -> None:
    assert _returned(served, UTCDateTime(), [_AT.astimezone(_CHINA)]) == [_AT]


def test_json_arrives_serialised_or_as_a_value(served: Database) -> None:
    driver: Any = pytest.importorskip("psycopg.types.json")
    said = [driver.Jsonb(WrittenJson(b'{"a": [1, "\xe8\xb4\xa6"]}')), driver.Jsonb({"b": None}), driver.Jsonb(None)]
    found = _returned(served, sa.JSON().with_variant(sa.dialects.postgresql.JSONB(), "postgresql"), [*said, None])
    assert found == [{"a": [1, "账"]}, {"b": None}, None, None]


@pytest.mark.parametrize("wanted", [[], [b"\x01"], [b"\x01", b"\xff\x00", b"none"]])
def test_bytes_are_found_among_bound_ones(database: Database, wanted: list[bytes]) -> None:
    rows = [b"\x01", b"\x02", b"\xff\x00"]
    given = sa.union_all(*(sa.select(sa.literal(row, sa.LargeBinary()).label("said")) for row in rows)).subquery()
    statement = sa.select(given.c.said).where(among_bound(given.c.said, "wanted"))
    with database.read() as connection:
        found = [bytes(row) for row in connection.execute(statement, {"wanted": wanted}).scalars()]
    assert sorted(found) == [row for row in rows if row in wanted]


def test_a_type_that_is_not_known_is_left_to_the_driver() -> None:
    assert array_form(sa.ARRAY(sa.Text()), psycopg.dialect()) is None


def _returned(served: Database, type_: sa.types.TypeEngine[Any], values: list[Any]) -> list[Any]:
    with served.read() as connection:
        form = array_form(type_, connection.dialect)
        assert form is not None
        statement = f"SELECT said FROM unnest(%b::{form.name}[]) WITH ORDINALITY AS given (said, place) ORDER BY place"
        return list(connection.exec_driver_sql(statement, (form(values),)).scalars())
