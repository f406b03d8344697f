"""Which indexes the desk's reads use, on both databases: on a large desk a read of a whole table takes seconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from store.conversations.lists import Filter, list_conversations
from store.conversations.read import find_conversation
from store.conversations.similar import similar_to
from store.db.engine import Database
from store.desk.inbox_counts import Counts, count_all
from store.desk.name_search import MOST_COUNTED, FoundPerson, find_people
from tests.inbox_builder import NOON, Builder, fill

Result = TypeVar("Result")


@pytest.mark.parametrize(
    "wanted",
    [
        Filter(statuses=[Status.OPEN]),
        Filter(),
        Filter(teams=["risk"]),
        Filter(statuses=[Status.OPEN], teams=["risk"]),
    ],
)
def test_a_page_of_the_list_is_read_from_an_index_without_sorting_the_table(database: Database, wanted: Filter) -> None:
    fill_and_analyse(database)
    page, plan = read_planned(database, lambda connection: list_conversations(connection, wanted, limit=20))
    assert len(page) == 20
    assert "_activity" in plan
    assert "Seq Scan on conversation" not in plan
    assert "SCAN conversation" not in plan
    assert "SCAN correction" not in plan


def test_the_few_emergencies_are_listed_from_their_small_index(database: Database) -> None:
    wanted = Filter(emergency=True, statuses=[Status.OPEN])
    fill_and_analyse(database)
    page, plan = read_planned(database, lambda connection: list_conversations(connection, wanted, limit=20))
    assert page == []
    assert "ix_conversation_emergencies" in plan


@pytest.mark.parametrize("only_teams", [None, ["risk", "payments"]])
@pytest.mark.parametrize("is_analysed", [True, False])
def test_all_counts_are_read_at_once_from_the_index_of_what_is_not_resolved(
    database: Database, only_teams: list[str] | None, is_analysed: bool
) -> None:
    if not (is_analysed or database.is_sqlite):
        pytest.skip("PostgreSQL gathers statistics by itself")
    fill_mostly_resolved(database, is_analysed=is_analysed)

    def count(connection: Connection) -> Counts:
        return count_all(connection, agent="Ming", now=NOON, only_teams=only_teams)

    asked: list[str] = []
    counts, plan = read_planned(database, count, asked=asked)
    assert len([each for each in asked if "FROM conversation" in each]) == 1
    assert sum(counts.statuses.values()) == sum(counts.teams.values()) > 0
    assert set(counts.teams) <= set(only_teams or ("front-line", "payments", "risk"))
    assert "ix_conversation_waiting" in plan
    # For SQLite no index covers a computed column; it looks at the few rows.
    assert database.is_sqlite or "Index Only Scan" in plan


def test_around_a_conversation_only_those_are_read_that_are_not_resolved(database: Database) -> None:
    fill_mostly_resolved(database)
    with database.read() as connection:
        one = connection.execute(sa.text("SELECT reference FROM conversation WHERE subject = 'Case 750'")).scalar_one()
        ours = find_conversation(connection, str(one)).id
    found, plan = read_planned(
        database, lambda connection: similar_to(connection, ours, now=NOON), about="opened_by_inbound AS"
    )
    assert found == []
    assert "ix_conversation_waiting" in plan


def test_people_with_a_common_name_are_ordered_from_an_index_alone(database: Database) -> None:
    fill_mostly_resolved(database)
    with database.write() as connection:
        connection.execute(sa.text("INSERT INTO search_term SELECT 'person', 'customer', id FROM contact"))

    def find(connection: Connection) -> tuple[list[FoundPerson], int]:
        return find_people(connection, "customer", only_teams=None, limit=5)

    (people, number), plan = read_planned(database, find, about="search_term")
    assert (len(people), number) == (5, MOST_COUNTED + 1)
    assert [each.conversations for each in people] == [1] * 5
    assert people == sorted(people, key=lambda each: each.last_message_at, reverse=True)
    assert "ix_conversation_contact_activity" in plan
    assert "Seq Scan on conversation" not in plan
    assert "SCAN conversation" not in plan


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (Filter(statuses=[Status.OPEN], danger_first=True), "ix_conversation_emergencies"),
        (Filter(statuses=[Status.OPEN], possible_danger=True), "ix_conversation_possible_danger"),
    ],
)
def test_danger_is_listed_from_its_small_indexes(database: Database, wanted: Filter, index: str) -> None:
    fill_and_analyse(database)
    _, plan = read_planned(database, lambda connection: list_conversations(connection, wanted, limit=20))
    assert index in plan


@pytest.mark.parametrize("is_analysed", [True, False])
def test_a_customers_conversations_are_read_from_their_own_index(database: Database, is_analysed: bool) -> None:
    fill(database, 3000)
    with database.write() as connection:
        contact_id = Builder(connection).contact("li@example.com")
        if is_analysed:
            connection.execute(sa.text("ANALYZE"))
    wanted = Filter(contact=contact_id)
    _, plan = read_planned(database, lambda connection: list_conversations(connection, wanted, limit=12))
    assert "ix_conversation_contact_activity" in plan


@pytest.mark.parametrize(
    ("assignees", "index"), [(["Wang"], "ix_conversation_assignee"), ([], "ix_conversation_nobodys")]
)
def test_the_conversations_of_one_agent_and_of_none_are_read_from_their_own_indexes(
    database: Database, assignees: list[str], index: str
) -> None:
    fill(database, 3000)
    with database.write() as connection:
        number = "CAST(substr(subject, 6) AS INTEGER)"
        connection.execute(sa.text(f"UPDATE conversation SET assignee = 'Li' WHERE {number} % 50 <> 1"))
        connection.execute(sa.text(f"UPDATE conversation SET assignee = 'Wang' WHERE {number} % 50 = 2"))
        connection.execute(sa.text("ANALYZE"))
    wanted = Filter(statuses=[Status.OPEN], assignees=assignees, unassigned=not assignees)
    page, plan = read_planned(database, lambda connection: list_conversations(connection, wanted, limit=20))
    assert len(page) == 20
    assert {row.assignee for row, _ in page} == ({"Wang"} if assignees else {None})
    # Of the two indexes of assignees either has few rows to read.
    assert index in plan
    assert "Seq Scan on conversation" not in plan


def fill_mostly_resolved(database: Database, *, is_analysed: bool = True) -> None:
    """As an old desk: one of thirty conversations is not resolved."""
    fill(database, 1500)
    with database.write() as connection:
        number = "CAST(substr(subject, 6) AS INTEGER)"
        connection.execute(sa.text(f"UPDATE conversation SET status = 'resolved' WHERE {number} % 30 <> 7"))
    if not is_analysed:
        return
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # The first gives back what the update left, as an index that grew with its desk has not.
        vacuum = ("VACUUM (FULL) conversation", "VACUUM (ANALYZE) conversation")
        for statement in ("ANALYZE",) if database.is_sqlite else vacuum:
            connection.exec_driver_sql(statement)


def fill_and_analyse(database: Database) -> None:
    fill(database, 3000)
    with database.write() as connection:
        connection.execute(sa.text("ANALYZE"))


def read_planned(
    database: Database,
    read: Callable[[Connection], Result],
    *,
    about: str = "FROM conversation",
    asked: list[str] | None = None,
) -> tuple[Result, str]:
    """Return what is read, and the plan of the first query that has these words. asked: gets all that was asked."""
    statements: list[tuple[str, Any]] = []

    def note(_: object, __: object, statement: str, parameters: Any, *___: object) -> None:
        statements.append((statement, parameters))

    sa.event.listen(database.engine, "before_cursor_execute", note)
    with database.read() as connection:
        found = read(connection)
        if asked is not None:
            asked += [statement for statement, _ in statements]
        statement, parameters = next(entry for entry in statements if about in entry[0])
        explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
        plan = "\n".join(str(row) for row in connection.exec_driver_sql(explain + statement, parameters))
    sa.event.remove(database.engine, "before_cursor_execute", note)
    return found, plan
