"""Search finds messages in every language of the desk, on both databases alike."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.text.search_terms import index_words, read_query
from store.conversations import search
from store.conversations.search import find_messages
from store.conversations.search_index import postgresql_candidates
from store.conversations.search_index.indexed_words import forget_messages
from store.db.bulk import among, table_of
from store.db.engine import Database
from store.db.ids import new_id
from store.tables.messages import MessageRow
from tests.inbox_builder import Builder

SAID = {
    "zh": "我昨天付款，交易失败了，但是钱已经被扣走了，请尽快退款。订单号TX-20261122。",
    "en": "My Payment was REFUNDED twice; write to li@example.com (order 4711-0815).",
    "wide": "ＲＥＦＵＮＤ please, card ****1234",
    "quotes": "it's 100% \"broken\" & 'odd' | !(no) :* \\",
}
# What is looked for, and which messages hold it.
EXPECTED = {
    "退款": {"zh"},
    "交易失败": {"zh"},
    "失败 退款": {"zh"},
    "款退": set(),
    "易败": set(),
    "钱": {"zh"},
    "TX-2026": {"zh"},
    "refund": {"en", "wide"},
    "Refunded twice": {"en"},
    "li@example.com": {"en"},
    "0815": {"en"},
    "1234": {"wide"},
    "efund": set(),
    "it's 100%": {"quotes"},
    '"broken"': {"quotes"},
    "& 'odd' |": {"quotes"},
    "!(no) :*": {"quotes"},
    "'; DROP TABLE message --": set(),
    "nothing like it": set(),
}


def test_what_was_said_is_found_as_it_was_said(database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        home = build.conversation(subject="")
        ids = {build.message(home, text=text, subject=""): name for name, text in SAID.items()}
        # Another team's, which only some readers see.
        build.message(build.conversation(team="risk", subject=""), text="我要退款 refund", subject="")

    def found(query: str, *, teams: tuple[str, ...] | None = ("payments",), before: UUID | None = None) -> list[UUID]:
        with database.read() as connection:
            rows, _ = find_messages(connection, read_query(query), only_teams=teams, before=before, limit=10)
        return [row.message_id for row in rows]

    assert {query: {ids[each] for each in found(query)} for query in EXPECTED} == EXPECTED
    assert len(found("退款", teams=None)) == 2
    # Newest first, and page by page.
    assert [ids[each] for each in found("refund")] == ["wide", "en"]
    assert [ids[each] for each in found("refund", before=found("refund")[0])] == ["en"]
    # What is forgotten is found no more.
    table = table_of(MessageRow)
    with database.write() as connection:
        rows = connection.execute(sa.select(table.c.id, table.c.subject, table.c.text)).mappings().all()
        forget_messages(connection, [dict(row) for row in rows])
        forget_messages(connection, [dict(row) for row in rows])
    assert not any(found(query, teams=None) for query in ("退款", "refund", "1234"))


def test_words_of_languages_without_blanks_are_pairs_of_characters() -> None:
    assert index_words("退款请求 Refund-42", "钱") == {"退款", "款请", "请求", "refund", "42", "钱", "zamt4200"}
    assert read_query("") == read_query(" \t")


def test_rows_with_many_given_ids_are_found_by_an_index(database: Database) -> None:
    table = table_of(MessageRow)
    statement = sa.select(table.c.text).where(among(table.c.id, [new_id()]), sa.not_(among(table.c.id, [])))
    with database.read() as connection:
        sql = str(statement.compile(dialect=connection.dialect))
    assert "= 1" not in sql


def test_a_page_goes_on_where_it_was_though_its_last_message_was_erased(database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        home = build.conversation(subject="")
        ids = [build.message(home, text=f"refund {number}", subject="") for number in range(6)]

    def page(before: UUID | None) -> list[UUID]:
        with database.read() as connection:
            rows, _ = find_messages(connection, read_query("refund"), before=before, limit=2)
        return [row.message_id for row in rows]

    first = page(None)
    table = table_of(MessageRow)
    with database.write() as connection:
        rows = connection.execute(sa.select(table).where(table.c.id == first[-1])).mappings().all()
        forget_messages(connection, [dict(row) for row in rows])

    assert first == [ids[5], ids[4]]
    assert page(first[-1]) == [ids[3], ids[2]]


# few: with 1, more of the newest messages are read before the index is.
@pytest.mark.parametrize(("few", "spare"), [(2, 1.0), (1, 3.0)])
def test_a_word_of_any_frequency_is_found_newest_first_page_by_page(
    database: Database, monkeypatch: pytest.MonkeyPatch, few: int, spare: float
) -> None:
    # So few messages are as many as the bounds of each plan on a large desk.
    for name, bound in {"_DEEP": 4, "_MANY": 4, "_FEW": few, "_SPARE_SPAN": spare, "_WIDER": 2.0}.items():
        monkeypatch.setattr(postgresql_candidates, name, bound)
    every = {"always": 1, "often": 2, "seldom": 5, "rarely": 9, "nearly": 24, "never": 99}
    with database.write() as connection:
        build = Builder(connection)
        homes = [build.conversation(subject=""), build.conversation(team="risk", subject="")]
        said = {
            build.message(homes[number % 4 == 0], subject="", text=" ".join(
                [word for word, step in every.items() if number % step == step - 1] + ["oldest"] * (number < 6)
            )): number
            for number in range(48)
        }  # fmt: skip
        # So that it is known about how many there are.
        connection.exec_driver_sql("ANALYZE")

    def pages(query: str, *, teams: tuple[str, ...] | None) -> list[int]:
        before = None
        found: list[int] = []
        with database.read() as connection:
            while True:
                rows, before = find_messages(connection, read_query(query), only_teams=teams, before=before, limit=2)
                found += [said[row.message_id] for row in rows]
                if before is None:
                    return found

    monkeypatch.setattr(search, "_SPARE", 0)
    for word, step in [*every.items(), ("oldest", 0)]:
        numbers = [n for n in reversed(range(48)) if (n % step == step - 1 if step else n < 6)]
        assert pages(word, teams=None) == numbers, word
        assert pages(word, teams=("payments",)) == [n for n in numbers if n % 4], word


def test_the_planner_sees_the_words_of_each_search(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite plans without looking at values")
    modes: list[str] = []
    candidates = search._candidates

    def look(connection: Connection, *rest: Any, **more: Any) -> list[UUID]:
        modes.append(connection.exec_driver_sql("SHOW plan_cache_mode").scalar_one())
        return candidates(connection, *rest, **more)

    monkeypatch.setattr(search, "_candidates", look)
    for transaction in (database.read, database.write):
        with transaction() as connection:
            find_messages(connection, read_query("refund"), limit=2)
    assert modes == ["force_custom_plan"] * 2
    with database.read() as connection:
        assert connection.exec_driver_sql("SHOW plan_cache_mode").scalar_one() == "auto"
