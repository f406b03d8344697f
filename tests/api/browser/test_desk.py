"""The most frequent actions of agents in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from api.app import create_app
from store.db.bulk import insert_rows
from store.db.engine import Database
from store.db.ids import new_id
from store.desk.agents import add_agent
from store.tables.emergencies import DangerQuestionRow
from tests.api.browser.journey import PATIENCE, enter_token, expect
from tests.api.conftest import settings_in
from tests.inbox_builder import Builder
from tests.migrated import new_database
from tests.served_app import serve_app
from tests.servers.sms_counter import count_segments

HOUR = timedelta(hours=1)
CHANNELS = """
[channels.phone]
kind = "twilio"
account = "file:FOLDER/secret"
token = "file:FOLDER/secret"
number = "+15005550006"
[replies.ask]
text = { en = "Please tell us {missing_facts}. Your reference is {reference}." }
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Database, dict[str, str]]]:
    """A desk, and tokens of two agents and a supervisor."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "secret").write_text("AC0")
    database = new_database(folder / "omniyard.db")
    with database.write() as connection:
        roles = {"Ming": "agent", "Li": "senior", "Zhao": "supervisor"}
        tokens = {name: add_agent(connection, name=name, role=role)[1] for name, role in roles.items()}
        build = Builder(connection, now=datetime.now(UTC) - HOUR)
        danger = build.conversation(reference="AAAAAAAAA", channel="phone", subject="My money is gone", emergency=True)
        build.message(danger, channel="phone", text="Someone took my money", sender_handle="+15005550001")
        doubtful = build.conversation(
            reference="CCCCCCCCC", channel="phone", subject="He asked for the code", possible_danger=True,
            last_message_at=build.now - 30 * HOUR, handle="code@example.com", name="Wang Fang", team="payments",
        )  # fmt: skip
        build.message(doubtful, channel="phone", text="He said he was support and I gave him the code")
        question = {"conversation_id": doubtful, "inbound_id": new_id(), "at": build.now}
        question |= {"evidence": {"words": ["gave him the code"], "category": "refund", "danger": 0.09}}
        question |= {
            "paged": {"team": "risk", "priority": "urgent", "route": "security", "sla": None, "teams": ["risk"]}
        }
        insert_rows(connection, DangerQuestionRow, rows=[question])
        for number in range(5):
            at = build.now - number * HOUR - HOUR
            case = build.conversation(
                reference=f"BBBBBBBB{number}", channel="phone", subject=f"Question {number}", last_message_at=at,
                first_reply_due_at=at + 2 * HOUR, handle=f"customer{number}@example.com", name=f"Customer {number}",
            )  # fmt: skip
            build.message(
                case,
                channel="phone",
                text="Where is my refund?",
                html="<p>Where is my <b>refund</b>?</p>",
                received_at=at,
            )
    app = create_app(settings_in(folder, more=CHANNELS.replace("FOLDER", str(folder))), database=database)
    with serve_app(app) as url:
        yield url, database, tokens
    database.close()


def signed_in(chromium: Browser, url: str, token: str, **more: Any) -> Page:
    page = chromium.new_context(locale="en-GB", **more).new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(url)
    enter_token(page, token)
    page.wait_for_url(f"{url}/")
    return page


def test_the_ten_things_that_agents_do_most(chromium: Browser, served: tuple[str, Database, dict[str, str]]) -> None:
    url, database, tokens = served
    page = signed_in(chromium, url, tokens["Ming"])
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))

    # 1. Look at a queue and open its first conversation by keyboard.
    page.click("nav.tabs >> text=Emergencies")
    page.wait_for_url("**/?view=emergencies")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/conversations/AAAAAAAAA")
    # 2. Take it.
    page.keyboard.press("t")
    expect(page.locator(".toast")).to_contain_text("It is yours.")
    # 3. Insert a ready text; the SMS counter agrees with the server's count.
    page.click("#ready-open")
    page.keyboard.press("Enter")
    expect(page.locator("#text")).not_to_be_empty()
    text = page.input_value("#text")
    assert text == "Please tell us the transaction or order number. Your reference is AAAAAAAAA."
    for words in (text, "我们正在查看您的账户" * 9, "€uro " * 60):
        page.fill("#text", words)
        counted = count_segments(words)
        expect(page.locator("#segments")).to_contain_text(f"{counted.parts} SMS, {counted.left} left")
    # 4. See that another agent is answering too.
    other = signed_in(chromium, url, tokens["Li"])
    other.goto(f"{url}/conversations/AAAAAAAAA")
    page.focus("#text")
    expect(other.locator("#presence")).to_have_text("Ming is replying")
    other.context.close()
    # 5. Answer by keyboard; a second press of the keys sends nothing.
    page.fill("#text", "We have locked your account.")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".toast")).to_contain_text("The message will be sent in")
    expect(page.locator("article.outgoing")).to_have_count(1)
    # 6. Leave a note.
    page.wait_for_load_state()
    page.keyboard.press("r")
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.type("Called the bank.")
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.click("text=Save as note")
    expect(page.locator("article.note")).to_contain_text("Called the bank.")
    # The key of an answer leads from the note's tab to the answer's, but takes no begun note along.
    page.keyboard.press("n")
    page.keyboard.type("Wait for the bank.")
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    expect(page.locator("#mode-note")).to_be_checked()
    page.fill("#text", "")
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    expect(page.locator("#mode-reply")).to_be_checked()
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.press("Escape")
    # 7. Correct the category, and undo that.
    category = page.locator("[aria-label='Set: Correct category']")
    expect(category).to_be_hidden()
    page.select_option("aside select[name=category]", "refund")
    expect(category).to_be_visible()
    page.click("[aria-label='Set: Correct category']")
    expect(page.locator(".toast")).to_contain_text("Category corrected")
    page.wait_for_load_state()
    page.keyboard.press("z")
    expect(page.locator(".toast")).to_contain_text("Undone.")
    # 8. Snooze the next one, and return to the list.
    page.wait_for_load_state()
    page.keyboard.press("u")
    page.wait_for_url("**/?view=emergencies")
    page.click("nav.tabs >> text=/^Open/")
    page.wait_for_url("**/?view=open")
    page.click("text=Question 0")
    page.wait_for_url("**/conversations/BBBBBBBB0")
    page.keyboard.press("s")
    page.click("text=tomorrow 9:00")
    page.wait_for_url("**/?view=open")
    expect(page.locator(".toast")).to_contain_text("Snoozed until")
    # 9. Answer without having seen a new message: the text is kept, and the new message is shown.
    page.click("text=Question 1")
    page.wait_for_url("**/conversations/BBBBBBBB1")
    page.fill("#text", "It takes three days.")
    with database.write() as connection:
        _customer_writes(connection, "BBBBBBBB1")
    page.click("button[value=reply]")
    expect(page.locator("#refusal")).to_contain_text("read what is new")
    expect(page.locator("article.news")).to_contain_text("It has arrived, thank you.")
    assert page.input_value("#text") == "It takes three days."
    # 10. Search for a conversation, and resolve it.
    page.goto(url)
    page.keyboard.press("/")
    page.keyboard.type("BBBBBBBB2")
    page.keyboard.press("Enter")
    page.click("text=Question 2")
    page.wait_for_url("**/conversations/BBBBBBBB2")
    page.keyboard.press("e")
    expect(page.locator(".toast")).to_contain_text("Resolved.")
    assert [line for line in said if "Content Security Policy" in line or "Refused to" in line] == []
    page.context.close()


def _customer_writes(connection: Any, reference: str) -> None:
    import sqlalchemy as sa  # noqa: PLC0415

    from store.db.bulk import table_of  # noqa: PLC0415
    from store.tables.messages import ConversationRow  # noqa: PLC0415

    table = table_of(ConversationRow)
    case = connection.execute(sa.select(table).where(table.c.reference == reference)).mappings().one()
    at = datetime.now(UTC)
    Builder(connection).message(case["id"], text="It has arrived, thank you.", received_at=at)
    values = {"version": case["version"] + 1, "last_message_at": at}
    connection.execute(sa.update(table).where(table.c.id == case["id"]).values(**values))


@pytest.mark.parametrize(("keys", "kind"), [("Control+Enter", "reply"), ("Control+Shift+Enter", "resolve")])
def test_the_keys_send_an_answer_with_or_without_resolving(
    chromium: Browser, served: tuple[str, Database, dict[str, str]], keys: str, kind: str
) -> None:
    url, _, tokens = served
    page = signed_in(chromium, url, tokens["Li"])
    page.goto(f"{url}/conversations/BBBBBBBB4")
    page.fill("#text", "It is on its way.")
    # Nothing is sent: what counts is the button that the keys press.
    page.route(
        "**/conversations/BBBBBBBB4/*",
        lambda route: route.abort() if route.request.method == "POST" else route.fallback(),
    )
    with page.expect_request(lambda request: request.method == "POST" and "kind" in (request.post_data or "")) as sent:
        page.keyboard.press(keys)
    assert f'name="kind"\r\n\r\n{kind}' in (sent.value.post_data or "") or f"kind={kind}" in (
        sent.value.post_data or ""
    )
    page.context.close()


def test_the_question_of_danger_is_the_first_thing_on_its_page(
    chromium: Browser, served: tuple[str, Database, dict[str, str]]
) -> None:
    url, _, tokens = served
    page = signed_in(chromium, url, tokens["Li"])
    rows = page.locator("ol.list > li.row:not(.danger)")
    # Older than all others, and still the first after the emergencies.
    expect(rows.first).to_contain_text("Possible danger")
    rows.first.locator("a").click()
    page.wait_for_url("**/conversations/CCCCCCCCC")
    question = page.locator("#question")
    expect(question.locator("h2")).to_have_text("Is this customer in danger?")
    expect(question).to_contain_text("gave him the code")
    assert page.evaluate("document.querySelector('#question').offsetTop < document.querySelector('#head').offsetTop")

    question.get_by_text("No, an ordinary case").click()
    expect(page.locator(".toast")).to_contain_text("No danger")
    expect(page.locator("#question")).to_have_count(0)
    page.locator(".toast button.undo").click()
    page.locator("#question").get_by_text("Yes, it is an emergency").click()

    expect(page.locator("#head .chip.emergency")).to_be_visible()
    expect(page.locator("#head .chip.team")).to_have_text("Risk")
    page.locator(".toast button.undo").click()
    expect(page.locator("#question h2")).to_be_visible()
