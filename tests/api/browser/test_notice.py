"""The notice of an action covers nothing that one reads or presses, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.api.browser.journey import ServedDesk, page_of, serve
from tests.inbox_builder import Builder

SIZES = {1280: 900, 900: 900, 390: 844}
# What the notice lies over, of that which one reads or presses. Messages scroll in their own pane.
COVERS = """() => {
    const notice = document.querySelector(".toast").getBoundingClientRect();
    const over = (box) => box.width && box.height && box.left < notice.right && box.right > notice.left
        && box.top < notice.bottom && box.bottom > notice.top;
    const parts = document.querySelectorAll("#why, .composer, .columns > aside, .head, #list-pane .row");
    return [...parts].filter((part) => over(part.getBoundingClientRect())).map((part) => part.className || part.id);
}"""


def fill(build: Builder) -> None:
    for number in range(4):
        case = build.conversation(
            reference=f"AAAAAAAA{number}", subject="退款什么时候到账", handle=f"{number}@example.com"
        )
        build.message(case, text="退款 " * 200)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedDesk]:
    folder, now = tmp_path_factory.mktemp("notice"), datetime.now(UTC) - timedelta(hours=1)
    with serve(folder, roles={"Ming": "agent"}, fill=fill, now=now) as served:
        yield served


def test_open_reasons_leave_the_send_button_in_sight(chromium: Browser, desk: ServedDesk) -> None:
    """On a low laptop screen, with a notice: nothing has to be scrolled for."""
    with page_of(chromium, desk, "Ming", language="zh-CN", viewport={"width": 1280, "height": 720}) as page:
        page.goto(f"{desk.url}/conversations/AAAAAAAA3")
        page.locator("#actions [value=take]").click()
        expect(page.locator(".toast")).to_be_visible()
        page.locator("#why summary").click()
        fits = "(pane) => pane.scrollHeight <= pane.clientHeight"
        assert page.locator(".columns > .main").evaluate(fits)


def test_an_action_that_takes_a_while_shows_it_and_its_notice_goes_away_by_itself(
    chromium: Browser, desk: ServedDesk
) -> None:
    with page_of(chromium, desk, "Ming", language="zh-CN") as page:
        page.goto(f"{desk.url}/conversations/AAAAAAAA3")
        held: list[Route] = []
        page.route("**/change", lambda route: held.append(route))  # noqa: PLW0108  (Playwright asks the handler for its parameters)
        button = page.locator("#actions button[data-key=e]")
        page.locator("#actions summary").click()
        page.locator("#actions [name=until][value=monday]").click()
        # While the answer is not there the buttons of the form are dimmed, and a line runs above.
        waiting = page.locator("#actions form[aria-busy=true]")
        expect(waiting.locator("button").first).to_have_css("opacity", "0.6")
        assert page.locator("#head").evaluate("(head) => getComputedStyle(head, '::after').height") == "3px"
        # The page's clock stands where a slow machine does not move it.
        page.clock.install()
        page.clock.pause_at(datetime.now(UTC) + timedelta(minutes=1))
        held[0].continue_()
        # The notice says what was put off, and until when; it leaves when nothing can be undone any more.
        notice = page.locator(".toast")
        expect(notice).to_contain_text(re.compile(r"已暂缓至.+9:00.*退款什么时候到账", re.DOTALL))
        expect(button).to_have_count(0)
        page.clock.fast_forward("01:59")
        expect(notice).to_be_visible()
        page.clock.fast_forward("00:02")
        expect(notice).to_have_count(0)


def at_the_end(page: Page) -> None:
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.locator(".columns > .main").evaluate("(pane) => { pane.scrollTop = pane.scrollHeight; }")


@pytest.mark.parametrize(("width", "case"), [(1280, 0), (900, 1), (390, 2)])
def test_a_notice_has_its_own_place_and_can_be_closed(
    chromium: Browser, desk: ServedDesk, width: int, case: int
) -> None:
    window = {"width": width, "height": SIZES[width]}
    with page_of(chromium, desk, "Ming", language="zh-CN", viewport=window) as page:
        page.goto(f"{desk.url}/conversations/AAAAAAAA{case}")
        page.locator("#actions [value=take]").click()
        expect(page.locator(".toast")).to_contain_text("已由你负责")
        page.locator("#why summary").click()
        at_the_end(page)
        assert page.evaluate(COVERS) == []
        page.get_by_role("button", name="关闭提示").click()
        expect(page.locator(".toast")).to_have_count(0)
        assert page.locator(".toasts").bounding_box()["height"] == 0  # type: ignore[index]
