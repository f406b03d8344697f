"""In a narrow window the answer box has room, and what is proven of a sender is read whole; in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, expect

from tests.api.browser.journey import OUT_CHANNEL, ServedDesk, overflows, page_of, serve, unreadable
from tests.inbox_builder import Builder

LONG = "a.very.long.address.of.a.customer@customers.example"


def fill(build: Builder) -> None:
    case = build.conversation(
        reference="AAAAAAAAA", channel="out", subject="退款什么时候到账，已经等了三天", handle=LONG
    )
    build.message(case, channel="out", text="退款", sender_proof="failed", sender_handle=LONG)
    due = build.now + timedelta(hours=2, minutes=50)
    doubtful = build.conversation(
        reference="BBBBBBBBB",
        channel="out",
        subject="A code that I gave away",
        possible_danger=True,
        first_reply_due_at=due,
    )
    build.message(doubtful, channel="out", text="He said that he was support")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedDesk]:
    folder, now = tmp_path_factory.mktemp("narrow"), datetime.now(UTC) - timedelta(hours=1)
    with serve(folder, roles={"Ming": "agent"}, fill=fill, now=now, more=OUT_CHANNEL) as served:
        yield served


@pytest.mark.parametrize("language", ["zh-CN", "en-GB"])
def test_the_answer_box_and_the_proof_have_room_at_900_px(chromium: Browser, desk: ServedDesk, language: str) -> None:
    with page_of(chromium, desk, "Ming", language=language, viewport={"width": 900, "height": 900}) as page:
        page.goto(f"{desk.url}/conversations/AAAAAAAAA")
        expect(page.locator("#text")).to_be_visible()
        # Four lines of 26 px, and the tools and buttons in one line below.
        assert page.locator("#text").bounding_box()["height"] >= 104  # type: ignore[index]
        assert page.locator("#reply-form .bar").bounding_box()["height"] < 60  # type: ignore[index]
        # The menu of send options is not cut by the list.
        page.locator(".send-more summary").click()
        menu, box = page.locator(".send-more .pop").bounding_box(), page.locator("#composer").bounding_box()
        assert menu["x"] >= box["x"]  # type: ignore[index]
        assert menu["x"] + menu["width"] <= box["x"] + box["width"]  # type: ignore[index]
        page.keyboard.press("Escape")
        # Opened reasons push nothing out of the window for good: what does not fit is reached by scrolling.
        page.locator("#why summary").click()
        page.locator("#reply-form button[value=reply]").scroll_into_view_if_needed()
        expect(page.locator("#reply-form button[value=reply]")).to_be_in_viewport(ratio=1)
        for chip in (page.locator("#list-pane .chip.proof"), page.locator("article .chip.emergency")):
            assert chip.evaluate("(each) => each.scrollWidth <= each.clientWidth"), chip
        assert not overflows(page)


@pytest.mark.parametrize("language", ["zh-CN", "en-GB"])
def test_no_word_of_a_row_is_cut_in_the_middle_on_a_phone(chromium: Browser, desk: ServedDesk, language: str) -> None:
    with page_of(chromium, desk, "Ming", language=language, viewport={"width": 390, "height": 844}) as page:
        expect(page.locator(".row.maybe .chip.maybe")).to_be_visible()
        assert unreadable(page) == []
