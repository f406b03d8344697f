"""The audit trail: sealed in order, and every later change is detected."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from store.db.bulk import table_of
from store.db.engine import Database
from store.db.ids import new_id
from store.desk.audit import AuditEntry, append_audit, check_chain, is_anything_unsealed, list_audit
from store.events.append import NewEvent, append_events
from store.tables.operations import AuditRow
from tests.desk import RECEIVED_AT
from workers.chores.publish_events import Publisher, seal_step


@pytest.fixture
def trail(database: Database) -> Database:
    """Three rows and an event with an actor, sealed."""
    publisher = Publisher(database, takeover=timedelta(seconds=5), steps=(seal_step,), is_due=(is_anything_unsealed,))
    entries = [
        AuditEntry(
            at=RECEIVED_AT, actor="Li", action="request.read", object=f"K7QF2MXD{number}", detail={"b": "1", "a": "2"}
        )
        for number in range(3)
    ]
    with database.write() as connection:
        append_audit(connection, entries)
    with database.write() as connection:
        case = new_id()
        append_events(
            connection,
            [
                NewEvent("message.queued", case, {"author": "Wang", "message_id": "m"}, at=RECEIVED_AT),
                NewEvent("message.routed", case, {"rule": "r"}, at=RECEIVED_AT),
            ],
        )
    while publisher.once():
        pass
    publisher.release()
    return database


def test_what_is_sealed_is_whole_and_in_order_and_actions_come_with_their_events(trail: Database) -> None:
    with trail.read() as connection:
        verdict, rows = check_chain(connection), list_audit(connection, limit=10)
        assert (verdict.rows, verdict.broken, verdict.head[0]) == (4, None, 4)
        assert [(row.actor, row.object) for row in rows[1:]] == [("Li", f"K7QF2MXD{number}") for number in (2, 1, 0)]
        assert (rows[0].actor, rows[0].action, rows[0].detail) == ("Wang", "message.queued", {"message_id": "m"})
        assert [row.number for row in list_audit(connection, actor="Li", before=3, limit=1)] == [2]
        for about in ("K7QF2MXD1", "[k7qf2mxd1-4c6b0a1b2c]"):
            assert [row.number for row in list_audit(connection, about=about, limit=9)] == [2]


def test_whatever_is_changed_or_removed_the_first_such_row_is_named(trail: Database) -> None:
    table = table_of(AuditRow)
    second = table.c.number == 2
    for tamper in (
        sa.update(table).where(second).values(actor="Nobody"),
        sa.update(table).where(second).values(detail={"a": "2", "b": "3"}),
        sa.update(table).where(second).values(at=RECEIVED_AT + timedelta(seconds=1)),
        sa.update(table).where(second).values(hash=b"x" * 32),
        sa.update(table).where(second).values(number=None),
        sa.delete(table).where(second),
    ):
        with trail.engine.connect() as connection:
            connection.execute(tamper)
            verdict = check_chain(connection)
            connection.rollback()
        assert (verdict.broken, verdict.rows) == (2, 1)


@pytest.mark.parametrize("actor", [None, "the report"])
def test_what_was_done_is_found_without_reading_what_was_looked_at(database: Database, actor: str | None) -> None:
    # Given very many looks, of one agent most, and few deeds
    table = table_of(AuditRow)
    rows = [
        {
            "id": new_id(),
            "number": number,
            "at": RECEIVED_AT,
            "actor": "the report" if number % 4 else "Ann",
            "action": "agent.set" if number % 500 == 0 else "request.read",
            "object": "",
            "detail": {},
            "hash": bytes(32),
        }
        for number in range(1, 10_001)
    ]
    with database.write() as connection:
        connection.execute(sa.insert(table), rows)
        connection.execute(sa.text("ANALYZE"))
    # When the deeds are listed
    asked: list[Any] = []

    def note(_: object, __: object, statement: str, values: Any, *___: object) -> None:
        asked.append((statement, values))

    sa.event.listen(database.engine, "before_cursor_execute", note)
    with database.read() as connection:
        found = list_audit(connection, actor=actor, looks=False, limit=50)
        statement, values = next(entry for entry in asked if "FROM audit" in entry[0])
        explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
        plan = "\n".join(str(row) for row in connection.exec_driver_sql(explain + statement, values))
    sa.event.remove(database.engine, "before_cursor_execute", note)
    # Then an index has them
    assert len(found) == (20 if actor is None else 0)
    assert "ix_audit_deeds" in plan or "ix_audit_actor_deeds" in plan
