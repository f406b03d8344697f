"""Writing an answer in a real browser: what was typed is never lost, and what is typed often is found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, Route

from api.app import create_app
from store.db.engine import Database
from store.desk.agents import add_agent
from tests.api.browser.journey import DESKTOP, PATIENCE, PHONE, TABLET, enter_token, expect
from tests.api.conftest import OUT, settings_in
from tests.inbox_builder import Builder
from tests.migrated import new_database
from tests.served_app import serve_app

MORE = (
    OUT
    + """
[desk]
undo_send = "1m"
"""
)
# Drops or pastes a file.
GIVE = """([where, how, name]) => {
  const files = new DataTransfer();
  files.items.add(new File([name], name));
  const more = { bubbles: true, cancelable: true, clipboardData: files, dataTransfer: files };
  const event = how === "drop" ? new DragEvent(how, more) : new ClipboardEvent(how, more);
  document.querySelector(where).dispatchEvent(event);
}"""


@dataclass
class Served:
    """A desk that is served, with one case of each test."""

    url: str
    database: Database
    tokens: dict[str, str]

    def case(self, reference: str, **over: Any) -> str:
        """Open a conversation and return its address."""
        with self.database.write() as connection:
            build = Builder(connection, now=datetime.now(UTC) - timedelta(hours=1))
            handle = f"{reference.lower()}@customer.example"
            opened = build.conversation(
                reference=reference, channel="out", handle=handle, subject="Where is my refund?", **over
            )
            build.message(
                opened, channel="out", sender_handle=handle, text="Where is my refund?", received_at=build.now,
                rfc_message_id=f"{reference}@customer.example",
            )  # fmt: skip
        return f"{self.url}/conversations/{reference}"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("desk")
    database = new_database(folder / "omniyard.db")
    with database.write() as connection:
        roles = {"Ming": "agent", "Zhao": "supervisor"}
        tokens = {name: add_agent(connection, name=name, role=role)[1] for name, role in roles.items()}
    app = create_app(settings_in(folder, more=MORE), database=database)
    with serve_app(app) as url:
        yield Served(url, database, tokens)
    database.close()


@dataclass
class Agent:
    """An agent's window. errors: what the console complained of."""

    context: BrowserContext
    page: Page
    errors: list[str]


def sign_in(chromium: Browser, served: Served, name: str = "Ming", **more: Any) -> Agent:
    context = chromium.new_context(**{"locale": "en-GB", **more})
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_default_timeout(PATIENCE)
    page.goto(served.url)
    enter_token(page, served.tokens[name])
    page.wait_for_url(f"{served.url}/")
    return Agent(context, page, errors)


def test_a_draft_survives_reload_another_tab_and_no_network(chromium: Browser, served: Served) -> None:
    address = served.case("DRAFT0001")
    agent = sign_in(chromium, served, viewport=DESKTOP)
    page = agent.page
    page.goto(address)
    page.focus("#text")
    page.keyboard.type("We sent it back")
    expect(page.locator("#draft-state")).to_contain_text("Draft saved")
    page.reload()
    expect(page.locator("#text")).to_have_value("We sent it back")

    # Another tab has it, continues it, and the first tab gets that when it is looked at again.
    other = agent.context.new_page()
    other.goto(address)
    expect(other.locator("#text")).to_have_value("We sent it back")
    other.locator("#text").fill("We sent it back on Monday")
    expect(other.locator("#draft-state")).to_contain_text("Draft saved")
    other.close()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#text")).to_have_value("We sent it back on Monday")

    # Without a network the tab keeps it; the page that is opened next has it, and the server gets it.
    agent.context.set_offline(True)
    page.locator("#text").fill("We sent it back on Monday, to your card")
    expect(page.locator("#draft-state")).to_contain_text("kept in this tab")
    agent.context.set_offline(False)
    expect(page.locator("#draft-state")).to_contain_text("Draft saved")
    agent.errors[:] = [each for each in agent.errors if "ERR_INTERNET_DISCONNECTED" not in each]

    # Leaving the desk with it warns; a link of the desk does not.
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", stay)
    page.click(".brand")
    page.wait_for_url(f"{served.url}/")
    assert asked == []
    page.goto(address)
    page.click("#text")
    page.keyboard.press("End")
    page.goto("about:blank")
    assert asked == ["beforeunload"]
    assert agent.errors == []
    agent.context.close()


def test_a_page_asked_for_before_the_last_saving_shows_what_was_saved(chromium: Browser, served: Served) -> None:
    address = served.case("DRAFT0003")
    agent = sign_in(chromium, served, viewport=DESKTOP)
    page = agent.page
    older = agent.context.request.get(address).text()
    page.goto(address)
    page.fill("#text", "We sent it back")

    saved: list[str] = []
    page.on("console", lambda message: saved.append(message.text))
    # A locator would wait for the page that this one is leaving for.
    page.evaluate("""() => new MutationObserver((changes) => {
        if (changes[0].target.textContent.includes("Draft saved")) console.log("saved");
    }).observe(document.querySelector("#draft-state"), { childList: true })""")

    def answer_late(route: Route) -> None:
        while "saved" not in saved:
            page.wait_for_timeout(20)
        route.fulfill(body=older, content_type="text/html; charset=utf-8")

    page.route(address, answer_late)
    page.reload()
    expect(page.locator("#text")).to_have_value("We sent it back")
    # It goes on from there: no other tab has written anything.
    page.fill("#text", "We sent it back on Monday")
    expect(page.locator("#draft-state")).to_contain_text("Draft saved")
    expect(page.locator("#draft-notice")).to_be_empty()
    agent.context.close()


def test_an_ended_session_and_a_refusal_cost_no_word(chromium: Browser, served: Served) -> None:
    address = served.case("DRAFT0002")
    agent = sign_in(chromium, served, viewport=PHONE, locale="zh-CN", color_scheme="dark")
    page = agent.page
    page.goto(address)
    # The session ends while the agent types; the answer that is sent comes back after the sign-in.
    agent.context.clear_cookies(name="omniyard_session")
    page.fill("#text", "退款已在今天原路退回")
    page.click("button[value=reply]")
    expect(page.locator("#refusal a")).to_be_visible()
    expect(page.locator("#text")).to_have_value("退款已在今天原路退回")
    page.goto(address)
    enter_token(page, served.tokens["Ming"])
    page.wait_for_url(address)
    expect(page.locator("#text")).to_have_value("退款已在今天原路退回")
    # It ends again, and the saving of the draft finds it out.
    agent.context.clear_cookies(name="omniyard_session")
    page.locator("#text").fill("退款已在今天原路退回，请查收")
    expect(page.locator("#draft-notice")).to_contain_text("重新登录")
    page.click("#draft-notice a")
    enter_token(page, served.tokens["Ming"])
    page.wait_for_url(address)
    expect(page.locator("#text")).to_have_value("退款已在今天原路退回，请查收")
    # What is sent is no draft any more, not even in the tab.
    page.click("button[value=reply]")
    expect(page.locator("article.outgoing")).to_have_count(1)
    expect(page.locator("#text")).to_have_value("")
    page.reload()
    expect(page.locator("#text")).to_have_value("")
    assert [each for each in agent.errors if "401" not in each] == []
    agent.context.close()


def test_an_answer_is_taken_back_and_leaves_with_its_conversation(chromium: Browser, served: Served) -> None:
    address = served.case("SENT00001")
    agent = sign_in(chromium, served, viewport=TABLET, color_scheme="dark")
    page = agent.page
    page.clock.install()
    page.goto(address)
    page.fill("#text", "It comes on Monday.")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".toast")).to_contain_text("The message will be sent in")
    expect(page.locator("#text")).to_have_value("")
    expect(page.locator("#head")).to_contain_text("Open")
    # Taken back by a key, with the text.
    page.wait_for_load_state()
    page.keyboard.press("z")
    expect(page.locator(".toast")).to_contain_text("Taken back")
    expect(page.locator("#text")).to_have_value("It comes on Monday.")
    # Sent again; no agent who resolves the conversation meanwhile is asked about it.
    page.click("button[value=reply]")
    expect(page.locator(".toast")).to_contain_text("The message will be sent in")
    # The button goes when its time is over; the clock stands then, because the notice leaves a little later.
    page.wait_for_load_state()
    page.clock.pause_at(datetime.now(UTC) + timedelta(minutes=1))
    expect(page.locator(".toast form")).to_have_count(0)
    expect(page.locator(".toast")).to_contain_text("on its way")
    assert agent.errors == []
    agent.context.close()


def test_what_is_missing_is_asked_for_within_what_is_written(chromium: Browser, served: Served) -> None:
    address = served.case("CCCCCCCCC", language="zh")
    page = sign_in(chromium, served, viewport=TABLET).page
    page.goto(address)
    page.wait_for_selector("html[data-live=yes]")
    text, question = page.locator("#text"), "为了尽快为您处理，请告诉我们：交易单号或订单号。请不要提供密码或验证码。"
    # Into an empty note: it becomes an answer. The drawer that has the button closes.
    page.click("[for=mode-note]")
    page.click("[data-customer]")
    page.click("#aside [data-key=q]")
    expect(text).to_have_value(question)
    expect(text).to_be_focused()
    expect(page.locator("#mode-reply")).to_be_checked()
    expect(page.locator("[data-customer]")).to_have_attribute("aria-expanded", "false")
    expect(page.locator("#aside")).to_be_hidden()
    # At the cursor of what is written, by its key.
    text.fill("您好！再见。")
    text.evaluate("box => box.setSelectionRange(3, 3)")
    page.keyboard.press("Escape")
    page.keyboard.press("q")
    expect(text).to_have_value(f"您好！\n\n{question}\n\n再见。")
    expect(page.locator("#draft-state")).to_contain_text("saved")
    # Below a draft that the page brought.
    page.reload()
    page.wait_for_selector("html[data-live=yes]")
    page.locator("#aside [data-key=q]").evaluate("button => button.click()")
    expect(text).to_have_value(f"您好！\n\n{question}\n\n再见。\n\n{question}")
    page.context.close()


def test_a_supervisor_writes_a_ready_text_and_an_agent_finds_it_by_slash(chromium: Browser, served: Served) -> None:
    address = served.case("READY0001")
    boss = sign_in(chromium, served, "Zhao", viewport=PHONE, locale="zh-CN")
    boss.page.goto(f"{served.url}/ready-texts")
    for title, code, more in (
        ("退款处理中", "tkcl", "{customer}您好，{amount} 元今天原路退回。"),
        ("转账失败", "zzsb", "您好"),
    ):
        boss.page.fill("[name=title]", title)
        boss.page.fill("[name=code]", code)
        boss.page.fill("[name=folder]", "退款" if code == "tkcl" else "转账")
        boss.page.fill("[name=text_zh]", more)
        boss.page.fill("[name=labels]", "退款" if code == "tkcl" else "")
        boss.page.click(".ready-edit button[type=submit]")
        expect(boss.page.locator(".ready-list").filter(has_text=title)).to_have_count(1)
    boss.page.fill("[data-find-texts]", "zzsb")
    expect(boss.page.locator(".ready-list li:visible")).to_have_count(1)
    assert boss.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert boss.errors == []
    boss.context.close()

    agent = sign_in(chromium, served, viewport=DESKTOP)
    page = agent.page
    page.goto(address)
    page.focus("#text")
    page.keyboard.type("/")
    menu = page.locator("#ready-menu")
    expect(menu).to_be_visible()
    page.keyboard.type("tk")
    expect(menu.locator("[role=option]").first).to_contain_text("退款处理中")
    page.keyboard.press("Enter")
    expect(menu).to_be_hidden()
    expect(page.locator("#text")).to_have_value("Li Wei您好，{amount} 元今天原路退回。")
    expect(page.locator("#macro-with")).to_contain_text("退款")
    # A gap is not sent; it is selected, so that typing fills it in.
    page.keyboard.type("500")
    expect(page.locator("#text")).to_have_value("Li Wei您好，500 元今天原路退回。")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".toast")).to_contain_text("The message will be sent in")
    expect(page.locator("#customer")).to_contain_text("退款")
    # Enter alone adds a line to what is no chat.
    page.fill("#text", "")
    expect(page.locator("#enter-hint")).to_have_count(0)
    page.press("#text", "Enter")
    expect(page.locator("#text")).to_have_value("\n")
    # A slash within a word opens nothing, and Escape closes the menu.
    page.fill("#text", "")
    page.focus("#text")
    page.keyboard.type("and/or ")
    expect(menu).to_be_hidden()
    page.keyboard.type("/")
    page.keyboard.press("Escape")
    expect(page.locator("#text")).to_be_focused()
    expect(page.locator("#text")).to_have_value("and/or ")
    assert agent.errors == []
    agent.context.close()


def test_an_answer_is_written_with_marks_files_and_copies(chromium: Browser, served: Served) -> None:
    address = served.case("RCHTXT001")
    agent = sign_in(chromium, served, viewport=PHONE, locale="zh-CN")
    page = agent.page
    page.goto(address)
    page.wait_for_load_state()
    page.focus("#text")
    page.keyboard.type("Dear Li")
    page.keyboard.press("Control+b")
    page.keyboard.type("today")
    page.keyboard.press("End")
    page.click("[data-mark=list]")
    page.keyboard.type("first")
    expect(page.locator("#text")).to_have_value("Dear Li**today**\n\n- first")
    # A picture is pasted, a file dropped; what is written meanwhile stays.
    page.evaluate(GIVE, ["#text", "paste", "image.png"])
    expect(page.locator("#answer-files .files li")).to_have_count(1)
    page.evaluate(GIVE, [".composer", "drop", "receipt.pdf"])
    expect(page.locator("#answer-files .files li")).to_have_count(2)
    page.click("#answer-files .files li >> nth=0 >> button")
    expect(page.locator("#answer-files .files li")).to_have_count(1)
    expect(page.locator("#text")).to_have_value("Dear Li**today**\n\n- first")
    page.click("summary >> text=抄送")
    with page.expect_response(lambda answer: "bob@customer" in (answer.request.post_data or "")):
        page.fill("[name=copies]", "bob@customer.example")
    page.reload()
    expect(page.locator("[name=copies]")).to_have_value("bob@customer.example")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.click("button[value=reply]")
    sent = page.locator("article.outgoing")
    expect(sent).to_contain_text("抄送 bob@customer.example")
    # The pressed button is gone; the place of the reader is not.
    expect(page.locator("#head h1")).to_be_focused()
    expect(sent).to_contain_text("receipt.pdf")
    expect(sent).to_contain_text("Dear Litoday")
    # Taken back, all of it, and it can be written on.
    page.click(".toast button.undo")
    expect(page.locator("#answer-files .files li")).to_have_count(1)
    expect(page.locator("#text")).to_be_focused()
    expect(page.locator("#text")).to_have_value("Dear Li**today**\n\n- first")
    expect(page.locator("[name=copies]")).to_have_value("bob@customer.example")
    assert agent.errors == []
    agent.context.close()
