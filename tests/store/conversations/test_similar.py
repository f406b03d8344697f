"""Similar cases: other customers' nearly equal texts are found, on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from store.conversations.similar import Similar, Similarity, similar_to
from store.db.engine import Database
from tests.inbox_builder import NOON, Builder

WORDS = "The app closes whenever I try to pay in the supermarket, since this morning."
TYPO = "Hello, the app closes whenever I try to pay in the supermarkt, since this morning. Thanks!"


def test_equal_words_come_first_then_open_cases_of_the_day_that_nearly_say_it(database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)

        def case(who: str, text: str, **over: Any) -> UUID:
            inbound = build.inbound()
            made = build.conversation(handle=f"{who}@customer.example", opened_by_inbound=inbound, **over)
            build.message(made, text=text, echo="e1" if text == WORDS else "e2", inbound_id=inbound)
            return made

        ours = case("ann", WORDS)
        equal = case("bob", WORDS)
        near = case("cy", TYPO, opened_at=NOON - timedelta(hours=1))
        risk = case("dan", TYPO, opened_at=NOON + timedelta(hours=1), team="risk")
        case("eve", TYPO, status="resolved")
        case("flo", WORDS.replace("I try", "I do not try"))
        bare = build.conversation(handle="gus@customer.example")

    with database.read() as connection:
        everything = similar_to(connection, ours, now=NOON)
        payments = similar_to(connection, ours, now=NOON, only_teams=["payments"])
        assert similar_to(connection, bare, now=NOON) == []
    assert everything == [
        Similar(equal, Similarity.EQUAL),
        Similar(near, Similarity.NEAR),
        Similar(risk, Similarity.NEAR),
    ]
    assert payments == everything[:2]
