"""Agents note calls: found by the number in any writing, once, in the caller's case, in the audit trail."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI

from api.app import create_app
from api.http.permissions import Role
from connectors.base import WebhookRequest
from router.settings import Settings
from store.db.bulk import table_of
from store.db.engine import Database
from store.tables.messages import ConversationRow, InboundRow, MessageRow
from store.tables.operations import AuditRow
from tests.api.conftest import MovingClock, settings_in
from tests.app_client import AppClient, started
from tests.inbox_builder import Builder
from tests.phone_calls import called
from workers.intake.provider_webhooks import ProviderWebhooks
from workers.routing.brain import build_brain
from workers.routing.route import MessageRouter

MORE = """
[channels.hotline]
kind = "voice"
number = "+861069001234"
region = "CN"

[channels.reports]
kind = "custom"
auth = "bearer"
secret = "env:REPORTS_SECRET"
"""

SEND = """
[channels.reports.send]
url = "https://pbx.example/answers"
secret = "env:REPORTS_KEY"
"""


@pytest.fixture
def settings(tmp_path: Path, clock: MovingClock) -> Settings:
    # Routing has the database's clock.
    clock.at = datetime.now(UTC)
    return settings_in(tmp_path / "data", more=MORE)


def hidden_of(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" (?:form="call" )?name="(\w+)" value="([^"]*)"', page))


@pytest.fixture
def note(browser: AppClient) -> Callable[..., int]:
    """Look a number up, fill the form and send it; returns the status."""

    def note(number: str, *, again: int = 1, **fields: str) -> int:
        page = browser.get("/calls", params={"number": number}).text
        form = (
            hidden_of(page)
            | {"number": number, "kind": "in", "minutes": "3", "text": "he asks for his refund"}
            | fields
        )
        for _ in range(again):
            answer = browser.post("/calls", data=form, headers={"Sec-Fetch-Site": "same-origin"})
        return answer.status_code

    return note


def rows(database: Database, model: type, *columns: str) -> list[tuple]:
    table = table_of(model)
    with database.read() as connection:
        found = connection.execute(table.select().with_only_columns(*(table.c[name] for name in columns)))
        return [tuple(row) for row in found]


def route(database: Database, settings: Settings) -> None:
    router = MessageRouter(database, build_brain(settings))
    while router.route_oldest():
        pass


def test_a_note_is_our_answer_in_the_callers_case(note, settings, database, app: FastAPI) -> None:
    assert note("138 0013 8000", again=2) == 303
    route(database, settings)
    assert rows(database, MessageRow, "direction", "text", "sender_name", "channel") == [
        ("outgoing", "Call 来电 · 3 min\nhe asks for his refund", "the agent", "hotline")
    ]
    assert rows(database, ConversationRow, "status") == [("pending",)]
    assert [action for (action,) in rows(database, AuditRow, "action") if action == "call.noted"] == ["call.noted"] * 2
    assert len(rows(database, InboundRow, "id")) == 1


@pytest.mark.parametrize("fields", [{"waits": "yes"}, {"kind": "missed"}, {"kind": "callback"}])
def test_a_caller_who_waits_is_a_customer_who_wrote(note, settings, database, fields) -> None:
    assert note("+8613800138000", **fields) == 303
    route(database, settings)
    ((direction, handle, quoted),) = rows(database, MessageRow, "direction", "sender_handle", "quoted")
    assert (direction, handle, "the agent" in quoted) == ("incoming", "+8613800138000", True)
    assert rows(database, ConversationRow, "status") == [("open",)]


def test_the_callers_cases_are_found_by_the_number_in_any_writing(note, browser, settings, database) -> None:
    note("13800138000", waits="yes", text="my first call")
    route(database, settings)
    (reference,) = rows(database, ConversationRow, "reference")[0]
    for written in ("+86 138 0013 8000", "13800138000"):
        assert reference in browser.get("/calls", params={"number": written}).text
    assert reference not in browser.get("/calls", params={"number": "13900139000"}).text
    note("+8613800138000", waits="yes", text="my second call")
    route(database, settings)
    assert len(rows(database, ConversationRow, "id")) == 1


def test_looking_a_caller_up_keeps_what_is_typed_and_the_note_goes_to_the_number_in_the_field(
    note, browser, settings, database
) -> None:
    note("138 0013 8000", waits="yes", text="my refund is late")
    route(database, settings)
    form = hidden_of(browser.get("/calls").text) | {"number": "13800138000", "kind": "out", "text": "half a note"}
    headers = {"Sec-Fetch-Site": "same-origin"}
    # When the number is looked up after the note was begun
    page = browser.post("/calls", data=form | {"do": "look"}, headers=headers).text
    # Then nothing is stored, the cases stand there by the channel's name, and the same form is filled in
    assert len(rows(database, InboundRow, "id")) == 1
    assert "Cases of +8613800138000" in page
    assert "half a note" in page
    assert hidden_of(page)["key"] == form["key"]
    assert '<option value="out" selected>' in page
    # When it is saved without being looked up again, it is noted for the number that stands there
    answer = browser.post("/calls", data=form | {"number": "139 0013 9000"}, headers=headers)
    said = browser.get(answer.headers["location"]).text
    assert '<a href="/calls?number=%2B8613900139000">' in said


def test_withheld_numbers_are_not_one_contact(note, settings, database) -> None:
    note("", waits="yes", text="first stranger")
    note("", waits="yes", text="second stranger")
    route(database, settings)
    assert len(set(rows(database, ConversationRow, "contact_id"))) == 2


def test_what_is_wrong_is_shown_and_the_words_are_kept(browser, note, database) -> None:
    page = browser.get("/calls", params={"number": "abc"}).text
    form = hidden_of(page) | {"number": "abc", "kind": "in", "text": "kept words"}
    answer = browser.post("/calls", data=form, headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 422
    assert "no telephone number" in answer.text
    assert "kept words" in answer.text
    assert note("13800138000", text=" ") == 422
    assert note("13800138000", kind="?") == 422
    assert rows(database, InboundRow, "id") == []


def test_viewers_note_no_calls(client_of: Callable[[str], AppClient]) -> None:
    assert client_of(Role.VIEWER).get("/calls").status_code == 403


def test_the_case_of_a_call_offers_to_call_back(note, browser, settings, database) -> None:
    note("138 0013 8000", kind="missed")
    note("", kind="missed", text="no number")
    route(database, settings)
    handles = rows(database, MessageRow, "conversation_id", "sender_handle")
    references = dict(rows(database, ConversationRow, "id", "reference"))
    known, withheld = (
        browser.get(f"/conversations/{references[case]}").text
        for case, _ in sorted(handles, key=lambda row: not row[1].startswith("+"))
    )
    said = known.partition('id="no-way-out">')[2].partition("</p>")[0]
    assert '<a href="tel:+8613800138000">+8613800138000</a>' in said
    page = browser.get(re.findall(r'class="button" href="(/calls[^"]+)"', said)[0].replace("&amp;", "&")).text
    assert 'value="+8613800138000"' in page
    assert '<option value="out" selected>' in page
    assert "withheld the number" in withheld
    assert "tel:" not in withheld


def test_a_call_that_another_system_reports_offers_to_call_back(browser, settings, database) -> None:
    with database.write() as connection:
        build = Builder(connection, now=datetime.now(UTC))
        for reference, handle in (("AAAAAAAAA", "+8613800138000"), ("BBBBBBBBB", "app:u-7")):
            case = build.conversation(reference=reference, channel="reports", handle=handle)
            build.message(case, channel="reports", text="Missed call 未接来电", sender_handle=handle)
    caller, user = (browser.get(f"/conversations/{key}").text for key in ("AAAAAAAAA", "BBBBBBBBB"))
    said = caller.partition('id="no-way-out">')[2].partition("</p>")[0]
    assert '<a href="tel:+8613800138000">' in said
    # This desk has a hotline, where the call is noted.
    assert 'href="/calls?number=%2B8613800138000' in said
    assert "This channel cannot send" in user.partition('id="no-way-out">')[2].partition("</p>")[0]


@pytest.mark.parametrize(
    "more", ["", '[channels.reports.send]\nurl = "https://pbx.example/answers"\nsecret = "env:REPORTS_KEY"\n']
)
def test_a_reported_call_with_a_withheld_number_says_that_no_one_can_be_called(
    tmp_path: Path, database: Database, portal: BlockingPortal, token_of, monkeypatch: pytest.MonkeyPatch, more: str
) -> None:
    monkeypatch.setenv("REPORTS_KEY", f"whsec_{base64.b64encode(b'k' * 32).decode()}")
    monkeypatch.setenv("REPORTS_SECRET", "a-secret-of-the-pbx-0123456789")
    settings = settings_in(tmp_path / "data", more=MORE + more)
    call = {"type": "call", "id": "c-1", "from": "anonymous", "result": "missed"}
    headers = {"authorization": "Bearer a-secret-of-the-pbx-0123456789", "content-type": "application/json"}
    request = WebhookRequest(body=json.dumps(call).encode(), headers=headers)
    assert ProviderWebhooks(settings, database).message("reports", request, now=datetime.now(UTC)).status == 200
    route(database, settings)
    ((reference,),) = rows(database, ConversationRow, "reference")
    created = create_app(settings, database=database)
    with started(created, portal):
        headers = {"Authorization": f"Bearer {token_of(Role.AGENT)}", "Accept": "text/html", "Accept-Language": "zh"}
        page = AppClient(created, portal, headers=headers).get(f"/conversations/{reference}").text
    said = page.partition('id="no-way-out">')[2].partition("</p>")[0]
    assert said == "来电号码已隐藏，无法回拨；请写备注。"
    # There is no one to answer: only a note can be written.
    assert 'id="mode-reply"' not in page


def test_a_call_back_is_noted_on_the_hotline_that_was_called(
    tmp_path: Path, database: Database, portal: BlockingPortal, token_of, clock: MovingClock
) -> None:
    clock.at = datetime.now(UTC)
    second = '[channels.second]\nkind = "voice"\nnumber = "+861069001235"\nregion = "CN"\n'
    created = create_app(settings_in(tmp_path / "data", more=MORE + second), database=database)
    with started(created, portal):
        headers = {"Authorization": f"Bearer {token_of(Role.AGENT)}", "Accept": "text/html"}
        browser = AppClient(created, portal, headers=headers)
        with database.write() as connection:
            called(connection, "+8613800138000", minutes=5, channel="second")
        ((way,),) = [re.findall(r'class="button" href="(/calls[^"]+)"', browser.get("/calls").text)]
        page = browser.get(way.replace("&amp;", "&")).text
    assert '<option value="second" selected>' in page
