"""Other customers with the same text: shown to agents on the conversation, never merged automatically."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from store.db.engine import Database
from tests.app_client import AppClient
from tests.inbox_builder import NOON, Builder

WORDS = "The app closes whenever I try to pay in the supermarket, since this morning."
TYPO = "Hello, the app closes whenever I try to pay in the supermarkt, since this morning. Thanks!"
SECRET = "My password is **** and the app closes whenever I try to pay in the supermarket."


def test_agents_see_who_else_says_the_same_and_nothing_is_merged(client: AppClient, database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)

        def case(who: str, text: str, *, echo: str = "", **over: Any) -> UUID:
            inbound = build.inbound()
            made = build.conversation(handle=f"{who}@customer.example", opened_by_inbound=inbound, subject=who, **over)
            build.message(made, text=text, echo=echo, inbound_id=inbound)
            return made

        ours = case("ann", WORDS, echo="e1")
        equal = case("bob", WORDS, echo="e1", opened_at=NOON - timedelta(days=30), status="resolved")
        near = case("cy", TYPO, echo="e2", opened_at=NOON - timedelta(hours=20))
        later = case("dan", TYPO, echo="e2", opened_at=NOON + timedelta(hours=20))
        case("ann", TYPO, echo="e2")  # the same customer: `router.threads.cross_channel` joins them
        case("eve", WORDS.replace("I try", "I do not try"), echo="e3")
        case("flo", WORDS + " It is order 4711.", echo="e4")
        case("gus", TYPO, echo="e2", status="resolved")
        case("hal", TYPO, echo="e2", opened_at=NOON - timedelta(days=2))
        hidden = case("ida", SECRET)
        case("jo", SECRET)

    shown = client.get(f"/api/v1/conversations/{ours}/similar").json()["similar"]
    assert [(row["conversation_id"], row["sign"]) for row in shown] == [
        (str(equal), "equal"),
        (str(near), "near"),
        (str(later), "near"),
    ]
    assert client.get(f"/api/v1/conversations/{hidden}/similar").json() == {"similar": []}
    page = client.get(f"/conversations/{ours}").text
    assert all(f">{who}</a>" in page for who in ("bob", "cy", "dan"))
    assert not any(f">{who}</a>" in page for who in ("eve", "flo", "gus", "hal"))
    assert client.get("/api/v1/conversations/ZZZZZZZZZ/similar").status_code == 404
