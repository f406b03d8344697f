"""A mail address may hold a secret: it is kept, as the answer goes there, and shown without."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from router.envelope import Envelope, Party, PartyKind, to_json
from router.masking.mask import mask_address
from store.db.bulk import table_of
from store.db.engine import Database
from store.outbound.answer_addresses import choose_answer_address
from store.tables.messages import MessageRow
from tests.app_client import AppClient
from tests.inbox_builder import NOON, Builder

API = "/api/v1"
CARD = "4111111111111111"
ADDRESS = f"{CARD}@customer.example"


@pytest.mark.parametrize(
    ("handle", "shown"),
    [
        ("li@example.com", "li@example.com"),
        ("li+4711@example.com", "li+4711@example.com"),
        ("+8613800138000", "+8613800138000"),  # a number is how a text message is answered
        (CARD, CARD),  # no mail address: a provider's own id
        ("", ""),
    ],
)
def test_an_address_without_a_secret_is_shown_as_it_is(handle: str, shown: str) -> None:
    assert mask_address(handle) == shown


def test_the_secret_of_an_address_is_masked_and_its_domain_is_not() -> None:
    shown = mask_address(f"li+{CARD}@example.com")
    assert CARD not in shown
    assert shown.endswith("1111@example.com")


@pytest.fixture
def things(database: Database) -> dict[str, str]:
    with database.write() as connection:
        build = Builder(connection)
        case = build.conversation(handle=ADDRESS, name="", reference="K7QF2MXD4")
        build.message(case, sender_handle=ADDRESS, sender_name="", text="a parcel", contact_id=build.contacts[ADDRESS])
        addresses = {"sender_handle": ADDRESS, "answer_to": ADDRESS, "other_address": "li@home.example"}
        build.message(case, sender_name="Li", contact_id=build.contacts[ADDRESS], **addresses)
        build.outbound(case, state="needs_person", recipient=ADDRESS)
        envelope = Envelope(
            channel="support-mail", source_key="1", sender=Party(PartyKind.EMAIL, ADDRESS), received_at=NOON
        )
        waiting = build.quarantined(envelope=to_json(envelope).decode())
        return {"contact": str(build.contacts[ADDRESS]), "waiting": str(waiting)}


def test_no_page_and_no_list_shows_it(client: AppClient, browser: AppClient, things: dict[str, str]) -> None:
    paths = [
        *("/conversations", "/conversations/K7QF2MXD4", "/conversations/K7QF2MXD4/messages", "/search?q=parcel"),
        *("/outbound", "/quarantine", f"/quarantine/{things['waiting']}"),
        *(f"/contacts/{things['contact']}", f"/contacts/{things['contact']}/timeline"),
    ]
    answers = [client.get(f"{API}{path}") for path in paths]
    answers += [browser.get(path) for path in ("/", "/conversations/K7QF2MXD4", "/quarantine")]
    for answer in answers:
        assert answer.status_code == 200, answer.url
        assert CARD not in answer.text, answer.url
        assert "1111@customer.example" in answer.text, answer.url


def test_the_contact_is_still_found_and_answered_by_it(client: AppClient, things: dict[str, str]) -> None:
    assert client.get(f"{API}/contacts", params={"handle": ADDRESS}).json()["id"] == things["contact"]


def test_once_another_address_is_chosen_it_is_not_offered_again(
    client: AppClient, browser: AppClient, database: Database, things: dict[str, str]
) -> None:
    with database.write() as connection:
        table = table_of(MessageRow)
        (case,) = connection.execute(sa.select(table.c.conversation_id).distinct()).scalars()
        choose_answer_address(connection, case, address="li@home.example", by="Ann", now=NOON)
    listed, page = client.get(f"{API}/conversations/K7QF2MXD4/messages"), browser.get("/conversations/K7QF2MXD4")
    assert "li@home.example" in listed.text
    assert CARD not in listed.text + page.text
