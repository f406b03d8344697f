"""Statements that are asked of the driver: the same rows as SQLAlchemy's, each as it is now, and the same errors."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.errors import PermanentError, TransientError
from store.conversations.read import OWN_COLUMNS
from store.db.bulk import table_of
from store.db.engine import Database
from store.db.ids import new_id
from store.db.plain_rows import KnownRows, PlainStatement, asked_ahead, types_of
from store.tables.messages import ConversationRow
from tests.inbox_builder import Builder

TABLE = table_of(ConversationRow)
COLUMNS = [TABLE.c[name] for name in OWN_COLUMNS]


def statement() -> sa.Select[tuple[object, ...]]:
    return (
        sa.select(*COLUMNS).where(TABLE.c.status == sa.bindparam("status"), TABLE.c.version >= 0).order_by(TABLE.c.id)
    )


def filled(database: Database) -> list[UUID]:
    with database.write() as connection:
        build = Builder(connection)
        # Texts that a careless reader would change, and every kind of column with a value and without one.
        build.conversation(reference="A", labels=["money", "税"], subject="100 % \U0001f600 'x' \\u00e9")
        build.conversation(
            reference="B", labels=[], held_until=datetime(2026, 1, 2, 3, 4, 5, 678901, UTC), emergency=True
        )
        return [build.conversation(reference=f"C{number}", subject=f"{number}") for number in range(3)]


def test_the_rows_are_those_of_sqlalchemy(database: Database) -> None:
    filled(database)
    known = KnownRows(types_of(statement()), list, most=10)
    with database.read() as connection:
        expected = [list(row) for row in connection.execute(statement(), {"status": "open"})]
        for _ in ("made", "known"):
            found = known(connection, PlainStatement(statement()).rows(connection, {"status": "open"}))
            # PostgreSQL's driver reads lists, which are looked up as tuples.
            assert [[list(each) if isinstance(each, tuple) else each for each in row] for row in found] == expected
    assert len(expected) == 5


def test_a_row_that_has_changed_is_made_again_and_no_other(database: Database) -> None:
    *_, last = filled(database)
    made: list[str] = []
    names = sa.select(TABLE.c.reference, TABLE.c.subject).where(TABLE.c.id == sa.bindparam("id"))

    def make(row: Sequence[str]) -> str:
        made.append(row[1])
        return row[1]

    plain, known = PlainStatement(names), KnownRows(types_of(names), make, most=10)

    def read() -> list[str]:
        with database.read() as connection:
            return known(connection, plain.rows(connection, {"id": last}))

    assert (read(), read()) == (["2"], ["2"])
    with database.write() as connection:
        connection.execute(sa.update(TABLE).where(TABLE.c.id == last).values(subject="new"))
    assert (read(), read()) == (["new"], ["new"])
    assert made == ["2", "new"]


def test_a_statement_sees_what_its_transaction_wrote(database: Database) -> None:
    with database.write() as connection:
        case = Builder(connection).conversation(reference="A")
        rows = PlainStatement(sa.select(TABLE.c.reference).where(TABLE.c.id == sa.bindparam("id"))).rows(
            connection, {"id": case}
        )
    assert [tuple(row) for row in rows] == [("A",)]


def test_a_value_that_is_not_given_is_an_error_and_no_null(database: Database) -> None:
    with database.read() as connection, pytest.raises(KeyError):
        PlainStatement(statement()).rows(connection, {})


def test_who_counts_statements_counts_these(database: Database) -> None:
    counted: list[str] = []
    sa.event.listen(database.engine, "before_cursor_execute", lambda *row: counted.append(row[2]))
    with database.read() as connection:
        PlainStatement(statement()).rows(connection, {"status": "open"})
    assert sum("FROM conversation" in sql for sql in counted) == 1


def test_two_reads_in_one_are_one_transaction_unless_the_thread_writes_between_them(database: Database) -> None:
    counting = sa.select(sa.func.count()).select_from(TABLE)

    def count() -> int:
        with database.read() as connection:
            return int(connection.execute(counting).scalar_one())

    def add() -> None:
        with database.write() as connection:
            Builder(connection).conversation(reference=f"R{new_id().hex[-8:]}")

    begun: list[object] = []
    sa.event.listen(database.engine, "begin", begun.append)
    with database.read_in_one():
        assert (count(), count(), len(begun)) == (0, 0, 1)
        assert (count(), len(begun)) == (0, 2)
    with database.read_in_one():
        assert count() == 0
        add()
        assert count() == 1
    with database.read_in_one():
        assert count() == 1
        with ThreadPoolExecutor() as others:
            assert others.submit(count).result() == 1
    assert database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_an_error_of_the_driver_is_translated_as_ever_and_the_connection_serves_on(database: Database) -> None:
    nowhere = PlainStatement(sa.select(sa.column("x")).select_from(sa.table("nowhere")))
    with pytest.raises((PermanentError, TransientError)) as ours, database.read() as connection:
        nowhere.rows(connection, {})
    with pytest.raises((PermanentError, TransientError)) as theirs, database.read() as connection:
        connection.execute(sa.select(sa.column("x")).select_from(sa.table("nowhere")))
    assert (type(ours.value), str(ours.value)) == (type(theirs.value), str(theirs.value))
    with database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(TABLE)).scalar_one() == 0


def test_what_is_asked_ahead_is_what_the_statements_say_and_is_read_once(database: Database) -> None:
    filled(database)
    plain, names = PlainStatement(statement()), PlainStatement(sa.select(TABLE.c.reference).order_by(TABLE.c.id))
    broken = PlainStatement(sa.select(sa.column("x")).select_from(sa.table("nowhere")))

    def first(connection: Connection) -> str:
        return str(names.rows(connection, {})[0][0])

    def rename(connection: Connection, name: str) -> None:
        connection.execute(sa.update(TABLE).where(TABLE.c.reference.in_(["A", "C", "D"])).values(reference=name))

    with database.read() as connection:
        expected = [plain.rows(connection, {"status": "open"}), names.rows(connection, {})]
        with asked_ahead(connection, [(plain, {"status": "open"}), (names, {})]):
            found = [plain.rows(connection, {"status": "open"}), names.rows(connection, {})]
        assert found == expected
        with asked_ahead(connection, [(names, {})]):
            assert first(connection) == "A"
            with database.write() as other:
                rename(other, "D")
            # SQLite's read is one transaction, and sees what was there at its begin.
            assert first(connection) == ("A" if database.is_sqlite else "D")
        assert plain.rows(connection, {"status": "resolved"}) == []
    with database.read() as connection, asked_ahead(connection, []):
        with asked_ahead(connection, [(names, {})]):
            assert len(plain.rows(connection, {"status": "open"})) == 5
        with database.write() as other:
            rename(other, "C")
        # What the inner block did not read is left to the outer one.
        assert first(connection) == "D"
        assert first(connection) == ("D" if database.is_sqlite else "C")
    with database.write() as other:
        rename(other, "D")
    with database.read() as connection, asked_ahead(connection, [(names, {}), (broken, {})]):
        # A question that fails is the trouble of the one who asks it.
        assert first(connection) == "D"
    with database.write() as connection, asked_ahead(connection, [(names, {})]):
        rename(connection, "E")
        assert first(connection) == "E"


def test_a_read_after_a_rollback_and_one_after_the_server_ended_its_session_are_answered(database: Database) -> None:
    plain = PlainStatement(sa.select(TABLE.c.reference).where(TABLE.c.status == sa.bindparam("status")))

    def read() -> int:
        with database.read() as connection:
            return len(plain.rows(connection, {"status": "open"}))

    filled(database)
    assert read() == 5
    with suppress(ZeroDivisionError), database.write() as connection:
        # The driver lets the server forget what it has prepared.
        for _ in range(10):
            connection.execute(sa.select(TABLE.c.reference)).all()
        raise ZeroDivisionError
    assert (read(), read()) == (5, 5)
    if database.is_sqlite:
        return
    with database.read() as connection:
        session = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        with database.write() as other:
            other.exec_driver_sql(f"SELECT pg_terminate_backend({session}, 10000)")
    assert (read(), read()) == (5, 5)
