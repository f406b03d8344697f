"""Agents' actions on the pages: the orders of the REST API, sent by forms, done once, refused when stale, undone."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
import sqlalchemy as sa

from store.db.bulk import insert_rows, table_of
from store.db.engine import Database
from store.db.ids import new_id
from store.tables.case_records import CorrectionRow
from store.tables.emergencies import EmergencyRow
from store.tables.messages import ConversationRow, MessageRow
from store.tables.operations import OutboundRow
from tests.api.conftest import settings_in
from tests.api.pages.case_page import CASE, FORM, LATER, MORE, OURS, hidden, press, row
from tests.app_client import AppClient
from tests.inbox_builder import NOON, TRACE, Builder


@pytest.fixture
def settings(tmp_path: Any) -> Any:
    return settings_in(tmp_path / "data", more=MORE)


@pytest.fixture
def case(database: Database) -> UUID:
    with database.write() as connection:
        build = Builder(connection)
        opened = build.conversation(reference="K7QF2MXD4", channel="out", waiting_since=NOON)
        build.message(opened, channel="out", rfc_message_id="first@example.com")
        other = build.conversation(subject="An older question", channel="support-mail", status="resolved")
        build.message(other, text="What became of my refund?")
        return opened


def rows(database: Database, model: type[Any]) -> Any:
    with database.read() as connection:
        return connection.execute(sa.select(table_of(model))).mappings().all()


def test_the_buttons_of_a_conversation_work_and_can_be_undone(
    browser: AppClient, database: Database, case: UUID
) -> None:
    steps: list[tuple[dict[str, str], dict[str, Any], dict[str, Any], str]] = [
        ({"do": "take"}, {"assignee": "the agent"}, {"assignee": None}, "It is yours."),
        ({"do": "priority", "priority": "urgent"}, {"priority": "urgent"}, {"priority": "high"}, "Priority changed."),
        ({"do": "category", "category": "refund"}, {"category": "refund"}, {"category": "failed_transaction"}, ""),
        ({"do": "team", "team": "risk"}, {"team": "risk"}, {"team": "payments"}, "Moved to Risk."),
        ({"do": "label", "label": "vip, money"}, {"labels": ["vip", "money"]}, {"labels": []}, "vip, money"),
        ({"do": "resolve"}, {"status": "resolved"}, {"status": "open"}, "Resolved."),
        ({"do": "snooze", "until_at": LATER}, {"status": "snoozed"}, {"status": "open"}, "Snoozed until"),
    ]
    for fields, wanted, before, said in steps:
        answer = press(browser, f"{CASE}/change", back="/?view=mine", **fields)
        assert answer.status_code == 303, (fields, answer.text)
        leaves = fields["do"] in {"resolve", "snooze"}
        assert answer.headers["location"] == ("/?view=mine" if leaves else CASE)
        found = row(database, id=case)
        assert {name: found[name] for name in wanted} == wanted, fields
        page = browser.get(answer.headers["location"]).text
        assert said in page, fields
        undone = press(browser, "/undo", sealed=hidden(page, "sealed"))
        assert undone.status_code == 303, (fields, undone.text)
        found = row(database, id=case)
        assert {name: found[name] for name in before} == before, fields
        # Shown once.
        assert "Undone." in browser.get(CASE).text
        assert "Undone." not in browser.get(CASE).text


def test_of_a_case_that_was_not_recognised_an_agent_says_once_that_it_is_none_of_ours(
    browser: AppClient, database: Database, case: UUID
) -> None:
    with database.write() as connection:
        connection.execute(sa.update(table_of(ConversationRow)).values(category=None))
    assert '<option value="" selected>not chosen</option>' in browser.get(CASE).text
    for _ in range(2):
        press(browser, f"{CASE}/change", do="category", category="-")
    page = browser.get(CASE).text
    assert '<option value="-" selected>not for us</option>' in page
    assert '<span class="chip unknown">not for us</span>' in page
    # The list says the same, and of the other case without a category that it has none.
    shown = re.findall(r'<span class="chip category unknown">([^<]*)</span>', browser.get("/?view=all").text)
    assert sorted(shown) == ["no category", "not for us"]
    assert [(each["old_category"], each["new_category"]) for each in rows(database, CorrectionRow)] == [(None, None)]
    press(browser, f"{CASE}/change", do="category", category="refund")
    assert "not chosen" not in browser.get(CASE).text


def test_a_case_without_a_category_shows_none_as_chosen_and_saving_that_changes_nothing(
    browser: AppClient, database: Database, case: UUID
) -> None:
    def choices() -> str:
        found = re.search(r'<select name="category">(.*?)</select>', browser.get(CASE).text, re.DOTALL)
        assert found
        return found[1]

    assert "not chosen" not in choices()
    assert '<option value="-">not for us</option>' in choices()
    assert press(browser, f"{CASE}/change", do="category", category="-").status_code == 303
    assert row(database, id=case)["category"] is None
    assert '<option value="-" selected>not for us</option>' in choices()
    assert "not chosen" not in choices()
    before = row(database, id=case)["version"], len(rows(database, CorrectionRow))
    press(browser, f"{CASE}/change", do="category", category="-")
    answer = press(browser, f"{CASE}/change", do="category", category="")
    assert (answer.status_code, answer.headers["location"]) == (303, CASE)
    assert (row(database, id=case)["version"], len(rows(database, CorrectionRow))) == before


def test_a_double_click_answers_once_and_a_note_is_for_agents(
    browser: AppClient, database: Database, case: UUID
) -> None:
    page = browser.get(CASE).text
    answers = [press(browser, f"{CASE}/say", page=page, kind="reply", text="We look into it.") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert row(database, OutboundRow, conversation_id=case)["text"] == "We look into it."
    assert row(database, id=case)["status"] == "pending"
    assert press(browser, f"{CASE}/say", kind="note", text="Called back.").status_code == 303
    assert row(database, MessageRow, direction="note")["text"] == "Called back."
    page = browser.get(CASE).text
    assert "Note by the agent" in page
    assert "An older question" in page


def test_an_answer_past_a_new_message_is_refused_and_its_text_is_kept(
    browser: AppClient, database: Database, case: UUID
) -> None:
    page = browser.get(CASE).text
    with database.write() as connection:
        at = NOON + timedelta(minutes=1)
        Builder(connection).message(case, channel="out", text="Never mind, it works.", received_at=at)
        table = table_of(ConversationRow)
        connection.execute(sa.update(table).where(table.c.id == case).values(version=2, last_message_at=at))
    answer = press(browser, f"{CASE}/say", page=page, kind="reply", text="My long <answer>")
    assert answer.status_code == 409
    assert "Never mind, it works." in answer.text
    assert "My long &lt;answer&gt;</textarea>" in answer.text
    assert answer.text.count("message incoming news") == 1
    stale = press(browser, f"{CASE}/change", page=page, do="resolve")
    assert stale.status_code == 412
    assert row(database, id=case)["status"] == "open"
    # Having seen it, the agent may.
    assert press(browser, f"{CASE}/say", page=answer.text, kind="reply", text="Good!").status_code == 303


def test_a_scheduled_answer_can_be_cancelled(browser: AppClient, database: Database, case: UUID) -> None:
    answer = press(browser, f"{CASE}/say", kind="reply", text="Good morning", when="at", send_at=LATER)
    assert answer.status_code == 303, answer.text
    page = browser.get(CASE).text
    leaves = datetime.fromisoformat(LATER)
    assert f"The message will be sent {leaves:%a} {leaves.day} {leaves:%b}" in page
    assert press(browser, "/undo", sealed=hidden(page, "sealed")).status_code == 303
    assert row(database, OutboundRow, conversation_id=case)["state"] == "cancelled"


def test_forms_refuse_forged_and_invalid_input(
    browser: AppClient, client_of: Callable[[str], AppClient], database: Database, case: UUID
) -> None:
    page = browser.get(CASE).text
    body = urlencode({"do": "resolve", "key": hidden(page, "key"), "version": "1"})
    headers = {"Content-Type": FORM}
    foreign = browser.post(f"{CASE}/change", content=body, headers=headers | {"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403
    assert client_of("viewer").post(f"{CASE}/change", content=body, headers=headers).status_code == 403
    for fields in ({"do": "explode"}, {"do": "snooze", "until_at": "soon"}, {"do": "priority", "priority": "mad"}):
        assert press(browser, f"{CASE}/change", **fields).status_code == 422, fields
    assert press(browser, f"{CASE}/change", do="resolve", back="https://thief.example/").headers["location"] == "/"
    forged = press(browser, "/undo", sealed="e30.00")
    assert forged.status_code == 409
    assert row(database, id=case)["version"] > 1


def test_ready_texts_are_filled_and_inserted_without_a_script(browser: AppClient, case: UUID) -> None:
    page = browser.get(f"{CASE}?canned=receipt").text
    assert "Dear customer, about K7QF2MXD4: the transaction or order number please.</textarea>" in page
    assert "Still missing" in page


def test_what_is_missing_is_asked_for_below_the_draft_without_a_script(browser: AppClient, case: UUID) -> None:
    question = "please tell us the transaction or order number. Please never send passwords"
    assert f'data-fit="So that we can help at once, {question}' in browser.get(CASE).text
    browser.put(f"{CASE}/draft", json={"text": "Dear Li,"}, headers=OURS)
    text = browser.get(f"{CASE}?ask=missing").text.partition("<textarea")[2].partition("</textarea>")[0]
    assert "Dear Li,\n\nSo that we can help" in text
    assert question in text


# A thank-you, a message of another category, and one of no category at all: none of them has the number.
@pytest.mark.parametrize(
    ("classified", "is_missing"),
    [
        ({"category": None, "missing_facts": [], "facts": []}, True),
        ({"category": "refund", "missing_facts": [], "facts": ["amount"]}, True),
        ({"category": "refund", "missing_facts": ["amount"], "facts": []}, True),
        ({"category": None, "missing_facts": [], "facts": ["transaction"]}, False),
    ],
)
def test_only_a_message_that_has_the_fact_clears_what_is_still_missing(
    browser: AppClient, database: Database, case: UUID, classified: dict[str, Any], is_missing: bool
) -> None:
    trace = TRACE | {"classification": TRACE["classification"] | classified}
    with database.write() as connection:
        Builder(connection).message(case, channel="out", text="Thank you!", trace=trace)

    page = browser.get(CASE).text

    assert ("Still missing" in page) is is_missing
    # A ready text that asks for what is missing is only there while something is.
    assert ('value="receipt"' in page) is is_missing
    assert ("order number please.</textarea>" in browser.get(f"{CASE}?canned=receipt").text) is is_missing


def test_queues_are_views_with_counts(browser: AppClient, database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        build.message(build.conversation(subject="danger", emergency=True, reference="AAAAAAAAA"))
        build.conversation(subject="mine", assignee="the agent")
        build.conversation(subject="late", first_reply_due_at=NOON - timedelta(hours=1), assignee="Ann")
        build.conversation(subject="later", status="snoozed", held_until=NOON + timedelta(days=1))
    views = {
        "mine": {"mine"}, "unassigned": {"danger"}, "overdue": {"late"}, "emergencies": {"danger"},
        "snoozed": {"later"}, "open": {"danger", "mine", "late"}, "all": {"danger", "mine", "late", "later"},
    }  # fmt: skip
    for view, expected in views.items():
        page = browser.get(f"/?view={view}").text
        listed = set(re.findall(r'<a class="cut" href="/conversations/\w+" title="\w+">(\w+)</a>', page))
        assert listed == expected, view
    assert re.search(r'Emergencies</span> <span class="count">1</span>', browser.get("/").text)
    assert "danger" in browser.get("/?q=aaaaaaaaa").text
    assert "No conversation matches" in browser.get("/?q=unheard").text


def test_agents_see_who_else_is_there(
    browser: AppClient, client_of: Callable[[str], AppClient], database: Database, case: UUID
) -> None:
    poll = {"X-Omniyard-Poll": "1"}
    assert browser.get(f"{CASE}/pulse?writing=1", headers=poll).json() == {"version": 1, "said": ""}
    senior = client_of("senior")
    assert senior.get(f"{CASE}/pulse", headers=poll).json()["said"] == "the agent is replying"
    browser.get(f"{CASE}/pulse?writing=0", headers=poll)
    assert senior.get(f"{CASE}/pulse").json()["said"] == "the agent is looking at this"
    # A link opened by hand marks no agent as present, and another team's conversation is not found.
    assert browser.get(f"{CASE}/pulse").json()["said"] == "the senior is looking at this"
    assert senior.get("/conversations/NOWHERE00/pulse").status_code == 404


def test_supervisors_see_the_desks_figures(client_of: Callable[[str], AppClient], case: UUID) -> None:
    supervisor = client_of("supervisor")
    page = supervisor.get("/supervisor").text
    assert 'role="img"' in page
    assert "As a table" in page
    assert '<td class="num">1</td>' in page
    for query in (
        "?since=2026-11-01&until=2026-11-30",
        "?since=x&until=9999-12-31",
        "?since=2026-12-01&until=2026-11-01",
    ):
        assert supervisor.get(f"/supervisor{query}").status_code == 200, query
    assert "Nothing in these days." in supervisor.get("/supervisor?since=2020-01-01&until=2020-01-02").text
    assert client_of("agent").get("/supervisor").status_code == 403


@pytest.mark.parametrize("error", ["", "the provider is asked too often (429)"])
def test_a_channel_that_receives_but_cannot_send_says_so(
    browser: AppClient, client_of: Callable[[str], AppClient], database: Database, case: UUID, *, error: str
) -> None:
    assert press(browser, f"{CASE}/say", text="Done.", kind="reply", when="now").status_code == 303
    with database.write() as connection:
        connection.execute(sa.update(table_of(OutboundRow)).values(error=error))
    for opened, page in ((browser, "/channels"), (client_of("supervisor"), "/supervisor")):
        assert ("1 could not be sent so far" in opened.get(page).text) is bool(error), page
    assert (error in browser.get("/channels").text) is True


def test_agents_confirm_emergencies_and_see_similar_conversations(
    browser: AppClient, client_of: Callable[[str], AppClient], database: Database, case: UUID
) -> None:
    with database.write() as connection:
        build = Builder(connection)
        called = {"conversation_id": case, "inbound_id": new_id(), "at": NOON, "evidence": {}, "by": ""}
        insert_rows(connection, EmergencyRow, rows=[called | {"confirmed": None, "confirmed_at": None}])
        connection.execute(sa.update(table_of(ConversationRow)).values(emergency=True))
        build.message(case, channel="out", echo="said")
        for name, channel in (("Zhang", "web"), ("Wu", "sms")):
            same = build.conversation(handle=f"{name}@example.com", name=name, subject=f"{name} too", channel=channel)
            build.message(same, echo="said")
    assert "no one has confirmed yet" in browser.get(CASE).text
    with database.write() as connection:
        said = {"direction": "outgoing", "sender_name": "Wang", "origin": "ourselves", "trace": {}}
        Builder(connection).message(case, text="It is locked.", **said)
    page = browser.get(CASE).text
    assert "no one has confirmed yet" not in page
    assert "; Wang answered the customer" in page
    told = client_of("agent").get(f"/api/v1/conversations/{case}/emergency").json()
    assert (told["confirmed"], told["answered_by"]) == (None, "Wang")
    assert "Others wrote the same" in page
    assert "Zhang too" in page
    assert "False alarm" in page
    press(browser, f"{CASE}/judge", do="release")
    assert row(database, id=case)["priority"] == "normal"
    assert "Released: no emergency." in browser.get(CASE).text


def test_the_page_says_in_words_what_a_reply_lacks_and_asks_about_a_planned_one(
    browser: AppClient, database: Database, case: UUID
) -> None:
    # Given a text that shows nothing
    empty = press(browser, f"{CASE}/say", kind="reply", text="\u200b\u00a0", when="now")
    assert (empty.status_code, "the text is empty" in empty.text) == (422, True)
    assert "0 of 20000 characters" in browser.get(CASE).text

    # When a reply is planned, the buttons ask about it
    assert 'name="planned"' not in browser.get(CASE).text
    assert press(browser, f"{CASE}/say", kind="reply", text="Later.", when="at", send_at=LATER).status_code == 303
    assert 'name="planned"' in browser.get(CASE).text
    refused = press(browser, f"{CASE}/change", do="resolve")
    assert (refused.status_code, "a reply is planned for later" in refused.text) == (409, True)

    # Then the answer decides
    assert press(browser, f"{CASE}/change", do="resolve", planned="cancel").status_code == 303
    assert (row(database, id=case)["status"], row(database, OutboundRow)["state"]) == ("resolved", "cancelled")


def test_the_box_shows_where_the_answer_goes_and_one_press_sends_it_to_the_other_address(
    browser: AppClient, client: AppClient, database: Database
) -> None:
    with database.write() as connection:
        build = Builder(connection)
        opened = build.conversation(reference="K7QF2MXD4", channel="out", waiting_since=NOON)
        named = {"answer_to": "pat@firm.example", "other_address": "pat@home.example"}
        build.message(opened, channel="out", sender_handle="pat@firm.example", **named)
    page = browser.get(CASE).text
    assert '<span class="who-chip">pat@firm.example</span>' in page
    refused = press(browser, f"{CASE}/change", do="answer_to", address="thief@evil.example")
    assert "expected one of the addresses" in refused.text

    assert press(browser, f"{CASE}/change", do="answer_to", address=hidden(page, "address")).status_code == 303

    page = browser.get(CASE).text
    assert '<span class="who-chip">pat@home.example</span>' in page
    assert hidden(page, "address") == "pat@firm.example"
    assert press(browser, f"{CASE}/say", text="Done.", kind="reply", when="now").status_code == 303
    assert row(database, OutboundRow, kind="reply")["recipient"] == "pat@home.example"
    version = client.get("/api/v1/conversations/K7QF2MXD4").json()["version"]
    order = {"answer_to": "pat@firm.example"}
    answer = client.patch("/api/v1/conversations/K7QF2MXD4", json=order, headers={"If-Match": f'"{version}"'})
    assert answer.json()["version"] > version
    assert '<span class="who-chip">pat@firm.example</span>' in browser.get(CASE).text


@pytest.mark.parametrize("kind", ["reply", "resolve", ""])
def test_what_is_written_in_the_tab_of_the_note_never_leaves(
    browser: AppClient, database: Database, case: UUID, kind: str
) -> None:
    assert press(browser, f"{CASE}/say", mode="note", kind=kind, text="Do not believe this one.").status_code == 303
    with database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(table_of(OutboundRow))).scalar_one() == 0
    assert "Do not believe this one." in browser.get(CASE).text


def test_a_page_loads_at_most_60_kb_of_script_and_style(browser: AppClient, case: UUID) -> None:
    page = browser.get(CASE).text
    files = set(re.findall(r'(?:href|src)="(/static/[^"]+\.(?:css|js))"', page)) | {
        f"/static/{name}.js" for name in ("patch", "list", "palette")
    }
    sizes = {path: len(gzip.compress(browser.get(path).content, 9)) for path in files}
    assert sum(sizes.values()) <= 60_000, sizes


def test_the_customers_timeline_spans_channels(browser: AppClient, case: UUID) -> None:
    page = browser.get(CASE).text
    timeline = page[page.index('id="timeline"') : page.index('id="aside"')]
    assert timeline.count("<li>") == 2
    assert "An older question" in timeline
    assert page.index('id="timeline"') < page.index('id="properties"')
