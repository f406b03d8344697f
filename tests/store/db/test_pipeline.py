"""What goes wrong in PostgreSQL's pipeline: the connection serves on with its own answers only, or never again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from router.errors import PermanentError, TransientError
from store.db import pipeline
from store.db.engine import Database
from store.db.plain_rows import PlainStatement, asked_ahead
from tests.servers.postgres import Postgres

ECHO = PlainStatement(sa.select(sa.bindparam("text", type_=sa.String())))
_SLEEP: Any = sa.cast(sa.func.pg_sleep(sa.bindparam("seconds", type_=sa.Float())), sa.Text())
COUNTED = PlainStatement(sa.select(sa.func.nextval("asked"), _SLEEP))
_BOTH: Any = sa.select(*(sa.bindparam(name, type_=sa.String()).label(name) for name in ("one", "two")))
TWO = PlainStatement(_BOTH)
BROKEN = PlainStatement(sa.select(sa.column("x")).select_from(sa.table("nowhere")))


@pytest.fixture
def database(postgres: Postgres) -> Iterator[Database]:
    made = Database(f"{postgres.url()}?application_name=pipeline")
    yield made
    made.close()


def echo(database: Database, *texts: str) -> list[str]:
    """Return what the server answers. All must come by the pipeline of one connection."""
    questions = [(ECHO, {"text": text}) for text in texts]
    with database.read() as connection, asked_ahead(connection, questions):
        return [ECHO.rows(connection, values)[0][0] for _, values in questions]


def prepared(database: Database) -> list[str]:
    with database.read() as connection:
        return [
            *connection.exec_driver_sql(
                "SELECT statement FROM pg_prepared_statements WHERE name LIKE 'omni%%'"
            ).scalars()
        ]


def pooled(database: Database) -> int:
    return int(database.engine.pool.checkedin())  # type: ignore[attr-defined]


def test_a_value_without_a_form_is_refused_before_anything_is_sent(database: Database) -> None:
    assert echo(database, "a", "b") == ["a", "b"]
    for _ in range(2):
        questions = [(ECHO, {"text": "other's"}), (ECHO, {"text": "zero \0"})]
        with pytest.raises(PermanentError), database.read() as connection, asked_ahead(connection, questions):
            ECHO.rows(connection, {"text": "zero \0"})
        assert echo(database, "c", "d") == ["c", "d"]
        with database.write() as connection:
            assert connection.execute(sa.select(sa.literal("e"))).scalar_one() == "e"
    assert pooled(database) == 1


@pytest.mark.parametrize("when", ["enter_pipeline_mode", "send_query_prepared", "pipeline_sync", "get_result"])
def test_a_thread_that_is_stopped_in_the_pipeline_leaves_no_answers_to_the_next_request(
    when: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopped(BaseException):
        """As a signal's handler or another thread raises it."""

    class Line:
        def __init__(self, line: Any) -> None:
            self._line = line

        def __getattr__(self, name: str) -> Any:
            found = getattr(self._line, name)
            if name != when:
                return found

            def stop(*values: Any) -> None:
                found(*values)
                raise Stopped

            return stop

    whole = pipeline._results
    unguarded: Any = whole

    class Driver:
        def __init__(self, driver: Any) -> None:
            self.pgconn, self.close = Line(driver.pgconn), driver.close

    monkeypatch.setattr(pipeline, "_results", lambda driver, *rest, **named: unguarded(Driver(driver), *rest, **named))
    with pytest.raises(Stopped):
        echo(database, "other's", "other's too")
    monkeypatch.setattr(pipeline, "_results", whole)
    assert echo(database, "a", "b") == ["a", "b"]
    with database.write() as connection:
        assert connection.execute(sa.select(sa.literal("c"))).scalar_one() == "c"


def test_a_connection_that_ends_in_the_pipeline_is_a_passing_error_and_is_replaced(database: Database) -> None:
    assert echo(database, "a") == ["a"]
    end = PlainStatement(sa.select(sa.func.pg_terminate_backend(sa.func.pg_backend_pid())))
    questions = [(ECHO, {"text": "b"}), (end, {})]
    with pytest.raises(TransientError), database.read() as connection, asked_ahead(connection, questions):
        ECHO.rows(connection, {"text": "b"})
    assert echo(database, "c", "d") == ["c", "d"]


def test_a_statement_at_its_time_limit_is_not_asked_a_second_time(database: Database) -> None:
    # A sequence counts on where its transaction is rolled back.
    with database.write() as connection:
        connection.exec_driver_sql("CREATE SEQUENCE asked")
    with database.read() as connection:
        connection.exec_driver_sql("SET statement_timeout = '200ms'")
        with pytest.raises(sa.exc.OperationalError, match="statement timeout"):
            COUNTED.rows(connection, {"seconds": 300.0})
        connection.exec_driver_sql("RESET statement_timeout")
        times = connection.exec_driver_sql("SELECT last_value FROM asked WHERE is_called").scalars().all()
    with database.write() as connection:
        connection.exec_driver_sql("DROP SEQUENCE asked")
    assert times == [1]
    assert echo(database, "a", "b") == ["a", "b"]


def test_after_a_refused_statement_the_others_come_by_the_pipeline_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert echo(database, "a") == ["a"]
    questions = [(ECHO, {"text": "b"}), (BROKEN, {}), (TWO, {"one": "c", "two": "d"})]
    for _ in range(2):
        with database.read() as connection, asked_ahead(connection, questions):
            assert ECHO.rows(connection, {"text": "b"})[0][0] == "b"
    assert len(prepared(database)) == 1
    monkeypatch.setattr("store.db.plain_rows._fetched", None)
    assert echo(database, "e", "f") == ["e", "f"]


def test_a_statement_whose_table_has_another_column_type_is_prepared_again(
    database: Database, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres.execute("DROP TABLE IF EXISTS changing")
    postgres.execute("CREATE TABLE changing AS SELECT 1 AS x")
    asked = PlainStatement(sa.select(sa.column("x")).select_from(sa.table("changing")))

    def read() -> object:
        with database.read() as connection:
            return asked.rows(connection, {})[0][0]

    assert read() == 1
    postgres.execute("ALTER TABLE changing ALTER x TYPE text")
    assert read() == "1"
    monkeypatch.setattr("store.db.plain_rows._fetched", None)
    assert (read(), read()) == ("1", "1")
    postgres.execute("DROP TABLE changing")


def test_equal_values_of_other_names_are_another_question(database: Database) -> None:
    with database.read() as connection, asked_ahead(connection, [(TWO, {"one": "a", "two": "b"})]):
        assert [*TWO.rows(connection, {"two": "a", "one": "b"})[0]] == ["b", "a"]


def test_with_as_many_statements_as_may_be_prepared_those_still_come_by_the_pipeline(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "_MOST_PREPARED", 1)
    assert echo(database, "a") == ["a"]
    with database.read() as connection:
        assert [*TWO.rows(connection, {"one": "b", "two": "c"})[0]] == ["b", "c"]
    assert len(prepared(database)) == 1
    monkeypatch.setattr("store.db.plain_rows._fetched", None)
    assert echo(database, "d", "e") == ["d", "e"]
