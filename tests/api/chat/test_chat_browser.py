"""The widget in a real browser: on a page of another origin, under a strict policy, by keyboard, and offline."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.api.browser.journey import PATIENCE, expect
from tests.live_chat import LiveDesk, heard, live_desk, violations


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveDesk]:
    with live_desk(tmp_path_factory.mktemp("chat")) as opened:
        yield opened


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    with chromium.new_context(locale="zh-CN", viewport={"width": 390, "height": 844}) as opened:
        opened.set_default_timeout(PATIENCE)
        yield opened


def test_the_loader_shows_a_button_and_the_frame_on_a_page_with_a_strict_policy(
    desk: LiveDesk, context: BrowserContext
) -> None:
    page = context.new_page()
    said, asked = heard(page), []
    page.on("request", lambda request: asked.append(request.url))
    # Given the operator's page: one request, no cookie
    page.goto(desk.host)
    button = page.get_by_role("button", name="打开在线客服")
    button.wait_for()
    assert [url for url in asked if desk.url in url] == [f"{desk.url}/chat/site/loader.js"]
    assert context.cookies() == []
    # When it is opened by keyboard
    button.focus()
    page.keyboard.press("Enter")
    frame = page.frame_locator("iframe")
    frame.locator(".scripted [data-text]").wait_for()
    assert len([url for url in asked if desk.url in url]) <= 5
    # And a line is written: the frame is third-party here, so the secret travels in the header
    frame.locator("[data-text]").fill("充值没到账")
    frame.locator("[data-text]").press("Enter")
    frame.locator(".visitor[data-seq='1']").wait_for()
    frame.locator("[data-text]").press("Escape")
    # The frame tells the page around it.
    expect(button).to_have_attribute("aria-expanded", "false")
    assert [line for line in said if "favicon" not in line] == []


def test_a_site_that_is_not_named_cannot_show_the_frame(desk: LiveDesk, context: BrowserContext) -> None:
    page = context.new_page()
    # 127.0.0.1 is another origin than localhost.
    page.goto(desk.host.replace("localhost", "127.0.0.1"))
    with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
        page.get_by_role("button", name="打开在线客服").click()


def test_an_answer_appears_in_every_tab_and_one_holds_the_stream(desk: LiveDesk, context: BrowserContext) -> None:
    first = context.new_page()
    said, streams = heard(first), []
    context.on("request", lambda request: streams.append(request) if "/stream" in request.url else None)
    first.goto(f"{desk.url}/chat/site")
    first.fill("[data-text]", "where is my refund?")
    first.keyboard.press("Enter")
    first.wait_for_selector(".visitor[data-seq='1']")
    second = context.new_page()
    second.goto(f"{desk.url}/chat/site")
    second.wait_for_selector(".visitor[data-seq='1']")
    desk.hands.work()
    # When the visitor writes in the second tab, the first shows it
    second.fill("[data-text]", "hello?")
    second.keyboard.press("Enter")
    for page in (first, second):
        page.wait_for_selector(".visitor[data-seq='2']")
        assert page.locator("[data-lines] .visitor").count() == 2
    assert len(streams) == 1
    assert said == []


def test_what_is_written_offline_is_kept_over_a_reload_and_goes_out_once(
    desk: LiveDesk, context: BrowserContext
) -> None:
    page = context.new_page()
    page.goto(f"{desk.url}/chat/site")
    page.fill("[data-text]", "one")
    page.keyboard.press("Enter")
    page.wait_for_selector(".visitor[data-seq='1']")
    # Given a page whose sends do not arrive
    page.route("**/lines", lambda route: route.abort())
    page.fill("[data-text]", "two, while the network is away")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-pending]:has-text('two')")
    page.wait_for_selector("[data-pending] .mark:has-text('联网后自动发送')")
    # When it is loaded again, the text is still there
    page.reload()
    page.wait_for_selector("[data-pending]:has-text('two')")
    # And it goes out once the network is back
    page.unroute("**/lines")
    page.evaluate("window.dispatchEvent(new Event('online'))")
    page.wait_for_selector(".visitor[data-seq='2']")
    page.reload()
    page.wait_for_selector(".visitor[data-seq='2']")
    assert page.locator("[data-lines] .visitor").count() == 2


def test_a_picture_is_sent_once_and_shown_by_its_name(desk: LiveDesk, context: BrowserContext) -> None:
    page = context.new_page()
    said = heard(page)
    page.goto(f"{desk.url}/chat/site")
    page.set_input_files("[data-files]", {"name": "bill.png", "mimeType": "image/png", "buffer": b"\x89PNG\r\n\x1a\n"})
    page.fill("[data-text]", "here it is")
    page.keyboard.press("Enter")
    page.wait_for_selector(".visitor[data-seq='1'] .file:has-text('bill.png')")
    assert page.locator("[data-lines] .visitor").count() == 1
    assert said == []


def test_where_streams_are_blocked_the_page_polls(desk: LiveDesk, context: BrowserContext) -> None:
    page = context.new_page()
    page.route("**/stream*", lambda route: route.abort())
    page.goto(f"{desk.url}/chat/site")
    page.fill("[data-text]", "one")
    page.keyboard.press("Enter")
    page.wait_for_selector(".visitor[data-seq='1']")
    answer = page.evaluate(
        """() => fetch('/chat/site/lines', {method: 'POST', headers: {'Content-Type': 'application/json'},
        body: JSON.stringify({client_id: 'another-tab', text: 'from elsewhere'})}).then((a) => a.status)"""
    )
    assert answer == 200
    page.wait_for_selector(".visitor[data-seq='2']")


@pytest.mark.parametrize(
    ("language", "scheme", "width"), [("zh-CN", "light", 390), ("en-GB", "dark", 390), ("zh-CN", "dark", 1440)]
)
def test_axe_finds_nothing_and_the_phone_does_not_zoom(
    desk: LiveDesk, chromium: Browser, language: str, scheme: str, width: int
) -> None:
    with chromium.new_context(locale=language, color_scheme=scheme, viewport={"width": width, "height": 844}) as opened:
        opened.set_default_timeout(PATIENCE)
        page = opened.new_page()
        said = heard(page)
        page.goto(f"{desk.url}/chat/site")
        found = violations(page)
        page.fill("[data-text]", "my refund is late")
        page.keyboard.press("Enter")
        page.wait_for_selector(".visitor[data-seq='1']")
        page.wait_for_selector("[data-place]:not([hidden])")
        found += violations(page)
        sizes = page.eval_on_selector_all(
            "input, textarea", "all => all.map(e => parseFloat(getComputedStyle(e).fontSize))"
        )
        assert min(sizes) >= 16
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert (found, said) == ([], [])
        if shots := os.environ.get("OMNIYARD_SHOTS"):
            page.screenshot(path=f"{shots}/chat-{language}-{scheme}-{width}.png")


def test_on_a_phone_enter_adds_a_line_and_the_button_sends(desk: LiveDesk, chromium: Browser) -> None:
    phone = {"width": 390, "height": 844}
    with chromium.new_context(locale="zh-CN", viewport=phone, has_touch=True, is_mobile=True) as opened:
        opened.set_default_timeout(PATIENCE)
        page = opened.new_page()
        page.goto(f"{desk.url}/chat/site")
        page.locator(".scripted [data-text]").fill("第一行")
        page.keyboard.press("Enter")
        page.keyboard.type("2")
        expect(page.locator("[data-text]")).to_have_value("第一行\n2")
        expect(page.locator("[data-lines] .visitor")).to_have_count(0)
        page.locator("[data-say] .go").tap()
        expect(page.locator(".visitor[data-seq='1'] p")).to_have_text("第一行\n2")
        # The next line is a line of a chat: its field is as low as one.
        expect(page.locator("[data-text]")).to_have_attribute("rows", "1")
