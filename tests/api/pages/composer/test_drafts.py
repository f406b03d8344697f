"""Nothing typed is lost: drafts on the server, over an ended session, a refused answer and a late saving."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import sqlalchemy as sa

from api.http.permissions import Role
from store.contacts.erasure import erase_contact
from store.db.bulk import table_of
from store.db.engine import Database, read_clock
from store.tables.composer import DraftRow
from store.tables.messages import ConversationRow
from store.tables.operations import OutboundRow
from tests.api.pages.case_page import CASE, DRAFT, FORM, LATER, OURS, box, hidden, press, row, save_draft
from tests.app_client import AppClient


def rows(database: Database) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(sa.select(table_of(DraftRow))))


def test_a_draft_is_back_masked_and_goes_with_its_answer(browser: AppClient, database: Database, case: UUID) -> None:
    saved = save_draft(browser, "Your card 4111 1111 1111 1111")
    assert "masked" in saved["said"]
    page = browser.get(CASE).text
    assert "Your card" in box(page)
    assert "4111 1111" not in box(page) + rows(database)[0].text
    assert '<b class="drafted">Draft</b>' in browser.get("/").text
    assert press(browser, f"{CASE}/say", page=page, kind="reply", text="Hello Li").status_code == 303
    assert (box(browser.get(CASE).text), rows(database)) == ("", [])
    # A saving that the network held back comes after its answer, with the key of the form that was sent.
    late = save_draft(browser, "Hello L", form=hidden(page, "key"))
    assert (late["is_sent"], rows(database)) == (True, [])
    assert browser.get(f"{DRAFT}?form={hidden(page, 'key')}").json()["is_sent"]


def test_what_is_taken_back_is_a_draft_in_front_of_the_next_one(
    browser: AppClient, database: Database, case: UUID, settings: Any
) -> None:
    object.__setattr__(settings.desk, "undo_send", timedelta(seconds=8))
    version = row(database, id=case)["version"]
    assert press(browser, f"{CASE}/say", kind="resolve", text="All done", back="/?view=mine").headers["location"] == (
        "/?view=mine"
    )
    # It waits, and nothing has changed; who wants to resolve it is asked nothing.
    waiting = row(database, OutboundRow, conversation_id=case)
    assert (
        waiting["undo_until"] - waiting["created_at"]
        == timedelta(seconds=8)
        == waiting["due_at"] - waiting["created_at"]
    )
    assert (row(database, id=case)["status"], row(database, id=case)["version"]) == ("open", version + 1)
    save_draft(browser, "And one more thing")
    page = browser.get(CASE).text
    assert "The message will be sent in 8 s." in page
    assert press(browser, "/undo", page=page, sealed=hidden(page, "sealed")).status_code == 303
    assert box(browser.get(CASE).text) == "All done\n\nAnd one more thing"
    assert row(database, OutboundRow, conversation_id=case)["state"] == "cancelled"
    assert (row(database, id=case)["status"], row(database, id=case)["replied_at"]) == ("open", None)
    # Taken back once.
    assert press(browser, "/undo", page=page, sealed=hidden(page, "sealed")).status_code == 409
    assert box(browser.get(CASE).text) == "All done\n\nAnd one more thing"
    # A scheduled answer comes back too.
    assert press(browser, f"{CASE}/say", kind="reply", text="Tomorrow", when="at", send_at=LATER).status_code == 303
    outbound = row(database, OutboundRow, state="queued")["id"]
    assert press(browser, f"{CASE}/cancel", outbound=str(outbound)).status_code == 303
    assert box(browser.get(CASE).text) == "Tomorrow"


def test_of_two_tabs_the_newer_wins_and_the_older_is_offered(browser: AppClient, case: UUID) -> None:
    first = save_draft(browser, "Written in one tab")
    assert save_draft(browser, "Written in one tab, more", revision=first["revision"])["other"] == ""
    second = save_draft(browser, "Written in another", revision=0)
    assert second["other"] == "Written in one tab, more"
    assert box(browser.get(CASE).text) == "Written in another"
    assert save_draft(browser, " ", revision=second["revision"])["revision"] == 0


def test_a_refused_answer_is_a_draft(browser: AppClient, database: Database, case: UUID) -> None:
    page = browser.get(CASE).text
    table = table_of(ConversationRow)
    with database.write() as connection:
        connection.execute(sa.update(table).where(table.c.id == case).values(version=2))
    assert press(browser, f"{CASE}/say", page=page, kind="reply", text="Past the news").status_code == 409
    assert box(browser.get(CASE).text) == "Past the news"
    assert press(browser, f"{CASE}/say", kind="reply", text="Card 4111 1111 1111 1111").status_code == 422
    assert box(browser.get(CASE).text).startswith("Card ")


def test_an_answer_without_a_session_comes_back_after_the_sign_in(
    anonymous: AppClient, token_of: Callable[[str], str], database: Database, case: UUID
) -> None:
    html = {**OURS, "Accept": "text/html", "Content-Type": FORM}
    body = urlencode({"text": "Typed for ten minutes\r\nand sent", "kind": "reply", "key": "a" * 32})
    # Given an answer that is sent after the session has ended
    refused = anonymous.post(f"{CASE}/say", content=body, headers=html)
    assert (refused.status_code, refused.headers["location"]) == (307, "/sign-in?next=%2Fconversations%2FK7QF2MXD4")
    # When the browser follows with the same body, and the agent signs in, at the second try
    page = anonymous.post(refused.headers["location"], content=body, headers=html).text
    again = {name: hidden(page, name) for name in ("next", "text", "kind")}
    wrong = anonymous.post("/sign-in", data=again | {"token": "oy_wrong"}, headers=html)
    assert (wrong.status_code, hidden(wrong.text, "text")) == (401, "Typed for ten minutes\nand sent")
    answer = anonymous.post("/sign-in", data=again | {"token": token_of(Role.AGENT)}, headers=html)
    # Then the conversation is shown with the text
    assert (answer.status_code, answer.headers["location"]) == (303, CASE)
    assert box(anonymous.get(CASE, headers=html).text) == "Typed for ten minutes\nand sent"
    assert anonymous.post("/sign-in", content=body, headers=html | {"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_any_other_form_without_a_session_leads_back_to_its_conversation(anonymous: AppClient) -> None:
    html = {**OURS, "Accept": "text/html"}
    assert anonymous.post(f"{CASE}/change", headers=html).headers["location"].endswith("%2Fconversations%2FK7QF2MXD4")
    assert anonymous.post("/undo", headers=html).headers["location"] == "/sign-in?next=%2F"


def test_a_draft_is_kept_without_a_script_and_erased_with_its_customer(
    browser: AppClient, database: Database, case: UUID
) -> None:
    assert press(browser, DRAFT, text="Later more", kind="").status_code == 303
    assert box(browser.get(f"{CASE}?canned=receipt").text).startswith("Later more\n\nDear customer")
    with database.write() as connection:
        contact = connection.execute(sa.select(table_of(ConversationRow).c.contact_id)).scalar_one()
        erase_contact(connection, contact, by="Li", reason="asked", now=read_clock(connection))
    assert rows(database) == []


def test_a_draft_is_only_for_those_who_may_answer(
    client_of: Callable[[str], AppClient], browser: AppClient, case: UUID
) -> None:
    assert client_of(Role.VIEWER).put(DRAFT, json={"text": "x"}).status_code == 403
    assert browser.put("/conversations/NOWHERE00/draft", json={"text": "x"}, headers=OURS).status_code == 404
    assert browser.put(DRAFT, json={"text": "x", "kind": "call"}, headers=OURS).status_code == 422
    long = "长" * 20_000
    assert press(browser, f"{CASE}/say", kind="note", text=long).status_code == 303
