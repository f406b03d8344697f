"""Bulk, merge and the customer's page by mouse and keys in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.api.browser.journey import DESKTOP, ServedDesk, overflows, page_of, serious, serve
from tests.inbox_builder import Builder

HOUR = timedelta(hours=1)


def fill(build: Builder) -> None:
    for number in range(6):
        # The last two are of one customer.
        handle = f"customer{min(number, 4)}@example.com"
        at, who = build.now - number * HOUR, f"Customer {min(number, 4)}"
        case = build.conversation(
            reference=f"CASE0000{number}", subject=f"Question {number}", handle=handle, name=who, last_message_at=at,
            opened_at=at,
        )  # fmt: skip
        build.message(case, text="Where is my refund?", sender_handle=handle, received_at=build.now - number * HOUR)
        build.message(case, text="And my fee?", sender_handle=handle, received_at=build.now - number * HOUR)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedDesk]:
    roles = {"Ming": "agent", "Li": "senior"}
    folder, now = tmp_path_factory.mktemp("cases"), datetime.now(UTC) - HOUR
    with serve(folder, roles=roles, fill=fill, now=now) as served:
        yield served


def test_rows_are_chosen_by_keys_and_mouse_and_changed_at_once(chromium: Browser, desk: ServedDesk) -> None:
    with page_of(chromium, desk, "Ming", viewport=DESKTOP) as page:
        bar = page.locator("#bulk")
        expect(bar).to_be_hidden()
        page.get_by_role("link", name="Question 0").focus()
        page.keyboard.press("x")
        page.locator("input.pick").nth(2).click(modifiers=["Shift"])
        expect(bar.locator(".bulk-count")).to_have_text("3 selected")
        # The bar leaves the list in view.
        list_height = page.locator("#list-pane").evaluate("(pane) => pane.clientHeight")
        assert bar.bounding_box()["height"] < list_height / 3  # type: ignore[index]
        bar.get_by_role("button", name="Select all in the list").click()
        count = page.locator("input.pick").count()
        assert count > 3
        expect(bar.locator(".bulk-count")).to_have_text(f"{count} selected")
        bar.get_by_role("button", name="Clear selection").click()
        expect(bar).to_be_hidden()
        page.locator("input.pick").nth(0).click()
        page.locator("input.pick").nth(2).click(modifiers=["Shift"])

        # Another agent changes one of them meanwhile; each row has a result of its own.
        bar.locator("summary").click()
        page.fill("#bulk-label", "refunds")
        bar.get_by_role("button", name="Label").click()
        results = page.locator("#bulk-results")
        expect(results.locator("h1")).to_have_text("3 of 3 done")
        expect(bar).to_be_hidden()
        # The results of the undoing say what was undone.
        results.evaluate("(shown) => { shown.dataset.before = 'yes'; }")
        results.get_by_role("button", name="Undo").click()
        expect(page.locator("#bulk-results:not([data-before]) h1")).to_have_text("3 of 3 undone")
        assert serious(page) == []
        # On the list there is nothing to go back to.
        expect(results.get_by_role("link", name="Back to the inbox")).to_have_count(0)
        results.get_by_role("button", name="Close").click()
        expect(results).to_have_count(0)
        # The focus is in the list again, not lost with the card.
        expect(page.locator("#list-pane .row .what a").first).to_be_focused()


def test_a_bulk_action_is_sent_once_and_keeps_what_is_picked_meanwhile(chromium: Browser, desk: ServedDesk) -> None:
    with page_of(chromium, desk, "Ming", viewport=DESKTOP) as page:
        page.goto(desk.url)
        sent: list[Route] = []

        def hold(route: Route) -> None:
            sent.append(route)

        page.route("**/bulk", hold)
        # Given a list that cannot be fetched again.
        page.route(
            "**/*", lambda route: route.abort() if "x-omniyard-poll" in route.request.headers else route.fallback()
        )
        first, second = page.locator("input.pick").nth(0), page.locator("input.pick").nth(1)
        first.check()
        with page.expect_request("**/bulk"):
            page.locator("#bulk button[value=take]").click()
        second.check()
        sent[0].continue_()
        expect(page.locator("#bulk-results h1")).to_have_text("1 of 1 done")
        expect(first).not_to_be_checked()
        expect(second).to_be_checked()
        expect(page.locator("#bulk .bulk-count")).to_have_text("1 selected")
        assert len(sent) == 1


def test_the_numbers_of_the_queues_change_with_a_bulk_action_and_its_undo(chromium: Browser, desk: ServedDesk) -> None:
    def waiting() -> tuple[str, str]:
        shown = page.locator('#queues [data-view="unassigned"] .count').inner_text()
        return shown, page.locator('#list-pane [data-of="unassigned"]').inner_text()

    with page_of(chromium, desk, "Ming", viewport=DESKTOP) as page:
        # What the page shows by itself, without news of the stream.
        page.route("**/desk/stream*", lambda route: route.fulfill(content_type="text/event-stream", body=": none\n\n"))
        page.goto(f"{desk.url}/?view=unassigned")
        before = waiting()
        page.locator("input.pick").first.check()
        page.locator("#bulk button[value=take]").click()
        results = page.locator("#bulk-results")
        expect(results.locator("h1")).to_have_text("1 of 1 done")
        assert waiting() == (str(int(before[0]) - 1), str(int(before[1]) - 1))
        results.get_by_role("button", name="Undo").click()
        expect(results.locator("h1")).to_have_text("1 of 1 undone")
        assert waiting() == before


def test_two_cases_of_one_customer_become_one_in_chinese_in_the_dark(chromium: Browser, desk: ServedDesk) -> None:
    with page_of(chromium, desk, "Li", language="zh-CN", viewport=DESKTOP, color_scheme="dark") as page:
        page.goto(f"{desk.url}/conversations/CASE00004")
        page.locator("#propose a").click()
        dialog = page.locator("dialog[open]")
        expect(dialog.locator("h1")).to_have_text("合并会话")
        expect(dialog.locator("input[name=keep]:checked")).to_have_value("CASE00005")
        assert not overflows(page)
        assert serious(page) == []
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)

        page.goto(f"{desk.url}/conversations/CASE00004")
        page.locator("#propose a").click()
        dialog.get_by_role("button", name="合并", exact=True).click()
        page.wait_for_url("**/conversations/CASE00005")
        expect(page.locator(".toast")).to_contain_text("已合并")
        expect(page.locator("article.message")).to_have_count(4)
        page.locator(".toast button.undo").click()
        page.wait_for_url("**/conversations/CASE00005")
        expect(page.locator("article.message")).to_have_count(2)

        page.get_by_role("link", name="客户资料").click()
        page.wait_for_url("**/people/*")
        page.fill("#edit-contact [name=labels]", "vip")
        page.locator("#edit-contact button").click()
        expect(page.locator(".toast")).to_contain_text("已保存")
        assert not overflows(page)
        assert serious(page) == []
