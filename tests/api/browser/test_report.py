"""The supervisor's comparison in a real browser."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import expect

from tests.api.browser.journey import DESKTOP, PHONE, browser, overflows, page_of, serious, serve
from tests.inbox_builder import Builder

DAY = timedelta(days=1)


def fill(build: Builder) -> None:
    for number in range(30):
        at = build.now - number * timedelta(hours=9)
        build.conversation(
            subject=f"Question {number}", handle=f"c{number}@example.com", team="risk" if number % 3 else "payments",
            assignee="Ming" if number % 2 else None, opened_at=at, last_message_at=at,
            replied_at=at + timedelta(minutes=7 * number) if number % 4 else None,
        )  # fmt: skip


def test_a_supervisor_compares_teams_and_takes_the_table_along(tmp_path: Path) -> None:
    roles, now = {"Zhao": "supervisor"}, datetime.now(UTC)
    with serve(tmp_path, roles=roles, fill=fill, now=now) as desk, browser() as chromium:
        with page_of(chromium, desk, "Zhao", language="zh-CN", viewport=DESKTOP) as page:
            page.click("text=概览")
            # A day is chosen, and the button shows it: the field alone does nothing.
            day = (now - 3 * DAY).date().isoformat()
            page.fill("input[name=since]", day)
            page.click(".filters button")
            page.wait_for_url(f"**since={day}**")
            page.click("text=对比分析")
            expect(page.locator("#groups tbody tr")).to_have_count(2)
            page.wait_for_load_state()
            page.fill("input[name=since]", day)
            page.click(".filters button")
            page.wait_for_url(f"**since={day}**")
            page.select_option("select[name=by]", "agent")
            page.wait_for_url("**by=agent**")
            expect(page.locator("#groups tbody")).to_contain_text("Ming")
            assert serious(page) == []
            with page.expect_download() as download:
                page.locator("a.csv[href*=groups]").click()
            text = Path(download.value.path()).read_text(encoding="utf-8-sig")
            assert text.splitlines()[0].startswith("客服,新会话")
            address = page.url
        with page_of(chromium, desk, "Zhao", viewport=PHONE, color_scheme="dark") as page:
            page.goto(address)
            expect(page.locator("h1")).to_have_text("Comparison")
            page.locator("details summary", has_text="As a table").first.click()
            assert serious(page) == []
            assert not overflows(page)
