"""The customers' pages in a real browser: axe finds nothing serious, and the pages update themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal
from uuid import UUID

import pytest
from playwright.sync_api import Browser, FilePayload, ViewportSize

from api.app import create_app
from router.conversation_status import Status
from router.settings import read_settings
from store.conversations.sla import change_status
from store.db.engine import Database
from tests.api.browser.journey import PATIENCE, expect, serious
from tests.api.conftest import TOML
from tests.migrated import new_database
from tests.served_app import serve_app
from workers.routing.brain import build_brain
from workers.routing.route import MessageRouter

# Milliseconds: CASE_MILLISECONDS of api/static/customer.js.
_NEXT_LOOK = 10_000
_FORM = '[channels.form]\nkind = "web"\naddress = "help@desk.example"\nsend = { outbox = true }\n'


# Its URL, its database, and what routes its messages.
Served = tuple[str, Database, MessageRouter]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    # A browser fills a form faster than a person; `test_pages.py` says what becomes of that.
    monkeypatch.setattr("api.services.visitors._QUICKEST", timedelta(0))
    settings = read_settings(TOML.format(data=tmp_path, more=_FORM, rate=0))
    database = new_database(tmp_path / "omniyard.db")
    app = create_app(settings, database=database)
    with serve_app(app) as url:
        yield url, database, MessageRouter(database, build_brain(settings))
    database.close()


def test_a_customer_writes_follows_and_rates_their_case(chromium: Browser, desk: Served) -> None:
    url, database, router = desk
    findings: list[str] = []
    page = chromium.new_context(locale="zh-CN", color_scheme="dark").new_page()
    page.set_default_timeout(PATIENCE)
    page.clock.install()
    page.on("console", lambda message: findings.append(message.text))

    def look() -> None:
        # Do not check a page that is about to be replaced.
        page.wait_for_load_state("load")
        page.mouse.move(0, 0)
        findings.extend(serious(page))

    # When a visitor writes
    page.goto(f"{url}/help")
    look()
    page.goto(f"{url}/contact")
    look()
    # Nothing is said of answers before anything is written, and again when it is deleted.
    suggested = page.locator("[data-suggestions]")
    expect(suggested).to_have_text("")
    page.fill("#message", "斑马过马路")
    page.clock.fast_forward(_NEXT_LOOK)
    expect(suggested).not_to_have_text("")
    page.fill("#message", "")
    page.clock.fast_forward(_NEXT_LOOK)
    expect(suggested).to_have_text("")
    page.fill("#email", "li@example.com")
    page.fill("#message", "退款还没有到账")
    page.click("form.card button")
    page.wait_for_selector("main a[href*='/case/']")
    look()
    page.click("main a")
    expect(page.locator(".phase")).to_have_text("已收到，正在分派")
    look()
    # And it is routed and closed
    assert router.route_oldest()
    with database.write() as connection:
        case = connection.exec_driver_sql("SELECT id FROM conversation").scalar_one()
        at = datetime.now(UTC) + timedelta(seconds=1)
        change_status(connection, conversation_id=UUID(case), status=Status.RESOLVED, at=at)
    # Then the page shows that without a reload at its next look, and accepts a rating
    page.clock.fast_forward(_NEXT_LOOK)
    page.wait_for_selector(".phase.closed")
    look()
    page.check('input[name="score"][value="5"]')
    page.click("[data-rating] button")
    expect(page.locator("[data-rating]")).to_contain_text("5 分")
    look()
    assert findings == []


@pytest.mark.parametrize(("locale", "width", "scheme"), [("zh-CN", 390, "light"), ("en-GB", 1440, "dark")])
def test_a_customer_proves_the_address_reads_and_adds(
    chromium: Browser,
    desk: Served,
    locale: str,
    width: int,
    scheme: Literal["light", "dark"],
) -> None:
    url, database, router = desk
    findings: list[str] = []
    size = ViewportSize(width=width, height=844)
    page = chromium.new_context(locale=locale, color_scheme=scheme, viewport=size).new_page()
    page.set_default_timeout(PATIENCE)
    page.clock.install()
    page.on("console", lambda message: findings.append(message.text))

    def look() -> None:
        page.wait_for_load_state("load")
        page.mouse.move(0, 0)
        findings.extend(serious(page))
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        findings.extend([f"{wide} px too wide: {page.url}"] if wide else [])

    # Given a visitor's message that is routed
    page.goto(f"{url}/contact")
    page.fill("#email", "li@example.com")
    page.fill("#message", "退款还没有到账")
    page.click("form.card button")
    page.click("main a[href*='/case/']")
    assert router.route_oldest()
    page.reload()
    # When they ask for a code and enter it
    look()
    page.fill("#address", "Li@example.com")
    page.click("#see button")
    page.wait_for_selector("#code")
    look()
    with database.read() as connection:
        sent = connection.exec_driver_sql("SELECT text FROM outbound WHERE kind = 'code'").scalar_one()
    page.fill("#code", str(re.findall(r"\b[0-9]{6}\b", sent)[0]))
    page.click("#see form[action$='/open'] button")
    # Then they read what they wrote, and add to it with a file
    expect(page.locator("[data-words]")).to_contain_text("退款还没有到账")
    look()
    page.fill("#message", "订单号 20261120")
    page.set_input_files("#files", [FilePayload(name="回单.png", mimeType="image/png", buffer=b"\x89PNG")])
    page.click("[data-answer] button")
    page.wait_for_selector("#is-sent")
    look()
    assert router.route_oldest()
    page.clock.fast_forward(_NEXT_LOOK)
    page.wait_for_selector("text=回单.png")
    assert findings == []
