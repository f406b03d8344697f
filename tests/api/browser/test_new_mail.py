"""An agent writes first, in a real browser: with ready texts by "/", and with files that are chosen and dropped."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, expect

from api.text.terms.starter_texts import STARTER_TEXTS
from tests.api.browser.journey import OUT_CHANNEL, PHONE, TABLET, ServedDesk, overflows, page_of, serious, serve
from tests.inbox_builder import Builder

# A file that is dragged onto the form.
DROP = """(form) => {
    const dragged = new DataTransfer();
    dragged.items.add(new File(["two"], "two.txt", { type: "text/plain" }));
    form.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: dragged }));
}"""


def fill(build: Builder) -> None:
    build.message(build.conversation(reference="AAAAAAAAA"))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedDesk]:
    folder, now = tmp_path_factory.mktemp("first"), datetime.now(UTC) - timedelta(hours=1)
    with serve(folder, roles={"Ming": "agent", "Zhao": "supervisor"}, fill=fill, now=now, more=OUT_CHANNEL) as served:
        yield served


def test_a_fresh_desk_takes_texts_over_and_a_first_mail_uses_them_with_files(
    chromium: Browser, desk: ServedDesk
) -> None:
    with page_of(chromium, desk, "Zhao", language="zh-CN", viewport=TABLET) as page:
        page.goto(f"{desk.url}/ready-texts")
        assert serious(page) == []
        assert not overflows(page)
        page.get_by_role("button", name="启用所选").click()
        expect(page.locator(".ready-list li")).to_have_count(len(STARTER_TEXTS))
        # The field of this page is none of the rail's, which is narrow.
        assert page.locator("[data-find-texts]").bounding_box()["width"] > 200  # type: ignore[index]
    with page_of(chromium, desk, "Ming", language="zh-CN", viewport=PHONE) as page:
        page.goto(f"{desk.url}/desk/new")
        assert serious(page) == []
        assert not overflows(page)
        page.fill("[name=to]", "wang@customer.example")
        page.fill("[name=subject]", "退款")
        page.focus("[name=text]")
        page.keyboard.press("/")
        page.keyboard.type("退款单号")
        page.keyboard.press("Enter")
        expect(page.locator("[name=text]")).to_have_value(STARTER_TEXTS[6].texts["zh"])
        page.set_input_files("#answer-file", {"name": "one.txt", "mimeType": "text/plain", "buffer": b"one"})
        page.locator("#new-mail").evaluate(DROP)
        assert page.locator("#answer-file").evaluate("(field) => field.files.length") == 2
        expect(page.locator("#answer-file")).to_be_visible()
        page.get_by_role("button", name="发送", exact=True).click()
        page.wait_for_url("**/conversations/*")
        expect(page.locator("article.outgoing .files li")).to_have_count(2)
