"""Settings and sign-in by name, password and code in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, expect

from tests.api.browser.journey import PHONE, TABLET, ServedDesk, overflows, page_of, serious, serve
from tests.authenticator import code_at
from tests.inbox_builder import Builder


def fill(build: Builder) -> None:
    case = build.conversation(reference="AAAAAAAAA", subject="Refund")
    build.message(case)
    build.outbound(case, state="failed", kind="reply", author="Ming", error="550 no such user")
    build.quarantined(subject="Odd mail")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedDesk]:
    folder, now = tmp_path_factory.mktemp("settings"), datetime.now(UTC) - timedelta(hours=1)
    with serve(folder, roles={"Ming": "agent", "Root": "admin"}, fill=fill, now=now) as served:
        yield served


def test_an_agent_gets_a_password_and_signs_in_with_a_code(chromium: Browser, desk: ServedDesk) -> None:
    with page_of(chromium, desk, "Root", language="zh-CN", viewport=TABLET) as page:
        page.goto(f"{desk.url}/settings/agents")
        page.get_by_role("link", name="Ming", exact=True).click()
        page.locator("#duty [name=capacity]").fill("12")
        page.locator("#duty button").click()
        expect(page.locator(".toast")).to_contain_text("已保存")
        page.get_by_role("button", name="设置初始密码").click()
        password = page.locator("#once").inner_text()
        assert serious(page) == []
        assert not overflows(page)

        # Left first: a page that listens would be refused without its cookie, and say so.
        page.goto("about:blank")
        page.context.clear_cookies()
        page.goto(f"{desk.url}/sign-in?next=/settings/agents")
        page.fill("#name", "Ming")
        page.fill("#password", password)
        page.click("#by-password button")
        secret = page.locator("#secret").inner_text().replace(" ", "")
        assert serious(page) == []
        page.fill("#code", code_at(secret, now=datetime.now(UTC)))
        expect(page.locator("svg.qr")).to_be_visible()
        assert not overflows(page)
        page.click("#by-code button")
        expect(page.locator(".recovery li")).to_have_count(10)
        assert serious(page) == []
        assert not overflows(page)
        page.get_by_role("button", name="已保存，继续").click()
        page.wait_for_url("**/settings/agents")
        expect(page.locator(".me")).to_contain_text("Ming")


def test_a_failed_answer_is_tried_again_on_a_phone_in_the_dark(chromium: Browser, desk: ServedDesk) -> None:
    with page_of(chromium, desk, "Root", viewport=PHONE, color_scheme="dark") as page:
        page.goto(f"{desk.url}/settings/outbound")
        page.get_by_role("button", name="Try again").click()
        expect(page.locator(".toast")).to_contain_text("Done.")
        expect(page.locator(".empty")).to_be_visible()
