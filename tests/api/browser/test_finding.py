"""The search box, filters and saved views in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, expect

from tests.api.browser.journey import PHONE, TABLET, ServedDesk, overflows, page_of, serious, serve
from tests.inbox_builder import Builder


def fill(build: Builder) -> None:
    case = build.conversation(reference="AAAAAAAAA", handle="wang.fang@example.com", name="王芳", subject="轉帳未到")
    message = build.message(case, subject="轉帳未到", text="我的錢沒有收到，金額 1,200.00 元", sender_name="王芳")
    build.attachment(message, name="轉帳憑證.pdf")
    for number in range(3):
        case = build.conversation(
            reference=f"BBBBBBBB{number}", handle=f"ann{number}@example.com", name=f"Ann {number}", subject="Refund",
            priority="urgent" if number else "low", labels=["vip"] if number else [],
            assignee=None if number else "Ming",
        )  # fmt: skip
        build.message(case, text=f"Where is my refund {number}?")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedDesk]:
    folder, now = tmp_path_factory.mktemp("finding"), datetime.now(UTC) - timedelta(hours=1)
    with serve(folder, roles={"Ming": "agent"}, fill=fill, now=now) as served:
        yield served


def test_results_show_while_one_types_and_keys_walk_through_them(chromium: Browser, desk: ServedDesk) -> None:
    with page_of(chromium, desk, "Ming", language="zh-CN", viewport=TABLET, color_scheme="dark") as page:
        page.keyboard.press("/")
        page.keyboard.type("转账")
        panel = page.locator("#find-panel")
        expect(panel.locator("mark").first).to_have_text("轉帳")
        assert serious(page) == []
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Escape")
        expect(panel).to_be_hidden()
        page.keyboard.press("Enter")
        page.wait_for_url("**/search?q=**")
        expect(page.locator("#found-files")).to_contain_text("附件")
        assert serious(page) == []
        page.get_by_role("link", name="轉帳未到").first.click()
        page.wait_for_url("**/conversations/AAAAAAAAA")


def test_the_cases_of_one_agent_are_chosen_by_keys_and_their_address_can_be_shared(
    chromium: Browser, desk: ServedDesk
) -> None:
    with page_of(chromium, desk, "Ming", language="zh-CN", viewport=TABLET) as page:
        page.goto(f"{desk.url}/?view=all")
        page.keyboard.press("f")
        expect(page.locator("[data-filters] select[name=team]")).to_be_focused()
        page.keyboard.press("Tab")
        expect(page.locator("[data-filters] select[name=assignee]")).to_be_focused()
        page.keyboard.type("Ming")
        expect(page.locator("#filter-chips .chip")).to_contain_text("负责人：Ming")
        expect(page.locator("ol.list > li")).to_have_count(1)
        page.wait_for_url("**/?*assignee=Ming*")
        assert serious(page) == []
        shared = page.url
        page.click("#filter-chips .chip")
        expect(page.locator("ol.list > li")).to_have_count(4)
        page.check("[data-filters] [name=unassigned]")
        expect(page.locator("#filter-chips .chip")).to_contain_text("只看未分配")
        expect(page.locator("ol.list > li")).to_have_count(3)
        page.goto(shared)
        expect(page.locator("ol.list > li")).to_have_count(1)


def test_filters_act_at_once_and_a_list_becomes_a_view_on_a_phone(chromium: Browser, desk: ServedDesk) -> None:
    with page_of(chromium, desk, "Ming", viewport=PHONE) as page:
        page.click("[data-filters] summary")
        page.select_option("select[name=priority]", "urgent")
        expect(page.locator("#filter-chips .chip")).to_contain_text("Priority: urgent")
        expect(page.locator("ol.list > li")).to_have_count(2)
        page.click(".save-view summary")
        page.fill(".save-view [name=name]", "Hot")
        page.click(".save-view button")
        expect(page.locator(".saved .view[aria-current]")).to_contain_text("Hot 2")
        assert not overflows(page)
        assert serious(page) == []
        page.click("#filter-chips .chip")
        expect(page.locator("ol.list > li")).to_have_count(4)
        expect(page.locator(".saved .view")).to_contain_text("Hot 2")
