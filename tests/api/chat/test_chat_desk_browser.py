"""The agent's page of a chat in a real browser, on the desk's one stream."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page

from store.desk.agents import add_agent
from store.desk.assignment import set_duty
from store.tables.agents import SkillKind
from tests.api.browser.journey import PATIENCE, enter_token, expect
from tests.live_chat import LiveDesk, heard, live_desk, violations

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000002000000020802000000fdd49a730000001649444154789c63f8ffff3f0303030303036460"
    "60606000001f0c03fd5d7b6e8c0000000049454e44ae426082"
)


@dataclass
class Staffed:
    """A desk with a supervisor, and a visitor who has written."""

    desk: LiveDesk
    token: str
    visitor: Page

    def agent(self, chromium: Browser, *, locale: str, scheme: str = "light", width: int = 1440) -> Page:
        context = chromium.new_context(
            locale=locale, color_scheme=scheme, viewport={"width": width, "height": 900}
        )  # fmt: skip
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.goto(self.desk.url)
        enter_token(page, self.token)
        page.wait_for_url(f"{self.desk.url}/")
        return page

    def open_case(self, page: Page) -> None:
        page.goto(f"{self.desk.url}/conversations/{self.reference}")
        page.wait_for_selector("html[data-live=yes]")

    @property
    def reference(self) -> str:
        return str(self.visitor.evaluate("() => fetch('/chat/site/state').then((a) => a.json())")["reference"])


@pytest.fixture(scope="module")
def staffed(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Staffed]:
    with live_desk(tmp_path_factory.mktemp("staffed")) as desk:
        with desk.database.write() as connection:
            _, token = add_agent(connection, name="Ming", role="supervisor")
            set_duty(connection, name="Ming", available=True, skills={SkillKind.TEAM: ["payments"]})
        visitor = chromium.new_context(locale="en-GB", viewport={"width": 390, "height": 844}).new_page()
        visitor.set_default_timeout(PATIENCE)
        visitor.goto(f"{desk.url}/chat/site")
        visitor.fill("[data-text]", "my refund is late")
        visitor.keyboard.press("Enter")
        visitor.wait_for_selector(".visitor[data-seq='1']")
        desk.hands.work()
        yield Staffed(desk, token, visitor)


def test_a_line_reaches_the_agent_by_the_stream_and_the_page_asks_no_more_each_second(
    staffed: Staffed, chromium: Browser
) -> None:
    page = staffed.agent(chromium, locale="en-GB")
    said, asked = heard(page), []
    page.on("request", lambda request: asked.append(request.url))
    staffed.open_case(page)
    # Before the stream is open the page asks.
    opening = len(asked)
    # Presence is reported after a moment; then the stream tells of this chat
    page.wait_for_selector("[data-pulse]", state="attached")
    staffed.visitor.locator("[data-text]").press_sequentially("are you")
    page.wait_for_selector("[data-chat-live]:has-text('typing')")
    staffed.visitor.fill("[data-text]", "are you there?")
    staffed.visitor.keyboard.press("Enter")
    staffed.visitor.wait_for_selector(".visitor:has-text('there?')[data-seq]")
    staffed.desk.hands.work()
    page.wait_for_selector(".message:has-text('are you there?')")
    assert [url for url in asked[opening:] if url.endswith("/chat")] == []
    # A browser opens a stream that was cut again by itself; a page that asks would have asked each second.
    assert len([url for url in asked if "/desk/stream" in url]) <= 2
    assert [line for line in said if "favicon" not in line] == []
    page.context.close()


def test_an_answered_chat_goes_from_those_that_wait_to_the_agents_own_while_it_is_open(
    staffed: Staffed, chromium: Browser
) -> None:
    visitor = chromium.new_context(locale="en-GB").new_page()
    visitor.set_default_timeout(PATIENCE)
    visitor.goto(f"{staffed.desk.url}/chat/site")
    visitor.fill("[data-text]", "where is my top-up")
    visitor.keyboard.press("Enter")
    visitor.wait_for_selector(".visitor[data-seq='1']")
    staffed.desk.hands.work()
    page = staffed.agent(chromium, locale="en-GB")
    page.on("pageerror", lambda error: said.append(str(error)))
    said: list[str] = []
    row = page.locator(".row.chat:has-text('where is my top-up')")
    row.locator("a").click()
    page.wait_for_selector("#text")
    page.mouse.move(900, 300)
    page.keyboard.press("t")
    expect(page.locator(".toast")).to_contain_text("It is yours.")
    page.fill("#text", "We look for it.")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".message.outgoing:has-text('We look for it.')")
    staffed.desk.hands.work()
    expect(page.locator("#chats-ongoing ~ .row.ongoing.chosen")).to_contain_text("where is my top-up")
    expect(row).to_have_count(1)
    # When it ends elsewhere while the pointer is on it, it stays there, dimmed, until the pointer leaves
    row.hover()
    elsewhere = page.context.new_page()
    elsewhere.goto(page.url)
    elsewhere.click("#actions [value=resolve]")
    expect(elsewhere.locator(".toast")).to_contain_text("Resolved.")
    staffed.desk.hands.work()
    expect(row).to_have_class(re.compile(r"\bleft\b"))
    expect(row).to_have_css("opacity", "0.6")
    page.mouse.move(900, 300)
    expect(row).to_have_count(0)
    assert said == []
    page.context.close()
    visitor.context.close()


def test_enter_sends_a_line_of_the_chat_once_and_never_a_note_or_a_text_that_is_composed(
    staffed: Staffed, chromium: Browser
) -> None:
    visitor = chromium.new_context(locale="en-GB").new_page()
    visitor.set_default_timeout(PATIENCE)
    visitor.goto(f"{staffed.desk.url}/chat/site")
    visitor.fill("[data-text]", "is my card there yet")
    visitor.keyboard.press("Enter")
    visitor.wait_for_selector(".visitor[data-seq='1']")
    staffed.desk.hands.work()
    page = staffed.agent(chromium, locale="zh-CN")
    page.locator(".row.chat:has-text('is my card there yet') a").click()
    text, answers = page.locator("#text"), page.locator(".message.outgoing")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.url.endswith("/say") else None)
    expect(page.locator("#enter-hint")).to_have_text("Enter 发送，Shift Enter 换行")
    # An empty line is nothing to send.
    text.press("Enter")
    expect(text).to_have_value("")
    text.press_sequentially("It is")
    text.press("Shift+Enter")
    text.press_sequentially("on its way.")
    expect(text).to_have_value("It is\non its way.")
    # While an input method composes, Enter takes its word.
    typed = page.context.new_cdp_session(page)
    typed.send("Input.imeSetComposition", {"text": "ming", "selectionStart": 4, "selectionEnd": 4})
    page.keyboard.press("Enter")
    typed.send("Input.insertText", {"text": "明"})
    expect(text).to_have_value(re.compile("明"))
    assert sent == []
    # A key that is held down repeats itself.
    text.fill("It is\non its way.")
    page.keyboard.down("Enter")
    page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    expect(answers).to_have_count(1)
    expect(answers).to_contain_text("on its way.")
    # The next line can be written at once.
    expect(text).to_be_focused()
    # It is seen: no notice for each line moves the page.
    expect(page.locator(".toast")).to_have_count(0)
    # A note has lines.
    page.click("[for=mode-note]")
    expect(page.locator("#enter-hint")).to_be_hidden()
    text.fill("ask Li")
    text.press("Enter")
    expect(text).to_have_value("ask Li\n")
    text.fill("")
    # The menu of ready texts has the key while it is open.
    page.click("[for=mode-reply]")
    page.click("#ready-open")
    page.keyboard.press("Enter")
    expect(page.locator("#ready-menu")).to_be_hidden()
    expect(text).not_to_be_empty()
    assert len(sent) == 1
    # A chat that is over is answered like a mail, also when the visitor ends it while the agent writes.
    text.fill("half a sen")
    visitor.click("[data-end]")
    expect(page.locator("#enter-hint")).to_be_hidden()
    expect(text).not_to_have_attribute("data-enter", "")
    expect(page.locator("#enter-key")).to_have_text("Ctrl ↵")
    expect(text).to_have_value("half a sen")
    page.reload()
    expect(page.locator("#enter-hint")).to_be_hidden()
    page.context.close()
    visitor.context.close()


def test_the_agent_answers_with_a_picture_that_the_visitor_sees(staffed: Staffed, chromium: Browser) -> None:
    page = staffed.agent(chromium, locale="zh-CN")
    said = heard(staffed.visitor)
    staffed.open_case(page)
    page.set_input_files("#answer-files [name=files]", {"name": "where.png", "mimeType": "image/png", "buffer": PNG})
    page.wait_for_selector("#answer-files .pictures img")
    page.fill("#text", "It looks like this.")
    page.click("#reply-form button[value=reply]")
    page.wait_for_selector(".message.outgoing:has-text('It looks like this.')")
    staffed.desk.hands.work()
    shown = staffed.visitor.locator(".bub.agent .picture img")
    shown.wait_for()
    # A function that is tried again would need `eval`, which the page's policy forbids.
    expect(shown).to_have_js_property("naturalWidth", 2)
    assert said == []
    page.context.close()


@pytest.mark.parametrize(
    ("locale", "scheme", "width"), [("en-GB", "light", 1440), ("zh-CN", "dark", 820), ("zh-CN", "light", 390)]
)
def test_the_pages_of_the_chats_are_whole_in_both_languages_and_three_widths(
    staffed: Staffed, chromium: Browser, locale: str, scheme: str, width: int
) -> None:
    page = staffed.agent(chromium, locale=locale, scheme=scheme, width=width)
    for name, address in (
        ("board", "/supervisor/chats"),
        ("case", f"/conversations/{staffed.reference}"),
        ("list", "/"),
    ):
        page.goto(f"{staffed.desk.url}{address}")
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
        if shots := os.environ.get("OMNIYARD_SHOTS"):
            page.screenshot(path=f"{shots}/desk-{name}-{locale}-{scheme}-{width}.png", full_page=name == "case")
    page.context.close()
