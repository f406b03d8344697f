"""The desk in forced colours, at 200 % zoom, with its banner on a phone, and with a picture large over the page."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, expect

from connectors.base import RawMessage
from connectors.email.mime.normalise import normalise
from store.db.bulk import insert_rows, table_of
from store.db.ids import new_id
from store.tables.emergencies import EmergencyRow
from store.tables.messages import ConversationRow
from tests.api.browser import test_looks
from tests.api.browser.journey import DESKTOP, PHONE, Look, ServedDesk, looks, overflows, page_of, serve
from tests.inbox_builder import Builder

MAIN = {
    "list": "/",
    "conversation": "/conversations/BBBBBBBB1",
    "search": "/search?q=bank",
    "overview": "/supervisor",
    "agents": "/settings/agents",
}
CASE = "/conversations/DDDDDDDDD"
# Of two elements a style that only one may have, and whether they differ in it.
DIFFER = """([one, other, style, part]) => {
  const of = (selector) => getComputedStyle(document.querySelector(selector), part || null)[style];
  return of(one) !== of(other);
}"""
# What says which one is chosen, urgent or unread, by page: two selectors, a style, and the part of the element.
SIGNS: dict[str, list[tuple[str, str, str, str]]] = {
    "list": [
        (".nav a[aria-current]", ".nav a:not([aria-current])", "outlineStyle", ""),
        (".row .chip.emergency", ".row .chip.maybe", "backgroundColor", ""),
        (".row .chip.maybe", ".row .chip.emergency", "borderTopStyle", ""),
        (".row.danger", ".row:not(.danger):not(.maybe)", "backgroundColor", "::before"),
        (".row.unread > .dot", ".row.unread", "backgroundColor", ""),
        (".nav [data-view=emergencies] .count", ".nav [data-view=open] .count", "backgroundColor", ""),
    ],
    "conversation": [
        (".row.chosen", ".row:not(.chosen)", "outlineStyle", ""),
        (".tl a.now", ".tl a:not(.now)", "outlineStyle", ""),
        (".message.note", ".message:not(.note):not(.auto)", "borderTopStyle", ""),
    ],
    "search": [("#found mark", "#found .said, #found .hint", "backgroundColor", "")],
    "overview": [("main .tabs a[aria-current]", "main .tabs a:not([aria-current])", "borderBottomColor", "")],
    "agents": [("main .tabs a[aria-current]", "main .tabs a:not([aria-current])", "borderBottomColor", "")],
}


def png(*, width: int = 640, height: int = 400) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    lines = (b"\x00" + b"\x0d\x63\x61" * width) * height
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b"")
    )  # fmt: skip


def mail() -> bytes:
    picture = base64.encodebytes(png()).decode()
    return (
        "From: Li Wei <li@example.com>\r\nTo: support@desk.example\r\nSubject: Receipt\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="edge"\r\n\r\n--edge\r\nContent-Type: text/plain\r\n\r\nhere\r\n'
        "--edge\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n"
        f'Content-Disposition: attachment; filename="receipt.png"\r\n\r\n{picture}\r\n--edge--\r\n'
    ).encode()


def fill(build: Builder) -> None:
    test_looks.fill(build)
    table = table_of(ConversationRow)
    danger = build.connection.execute(sa.select(table.c.id).where(table.c.reference == "AAAAAAAAA")).scalar_one()
    insert_rows(
        build.connection,
        EmergencyRow,
        rows=[{"conversation_id": danger, "inbound_id": new_id(), "at": build.now, "by": ""}],
    )
    content = mail()
    raw = RawMessage(source_key="1:1", content=content, received_at=build.now)
    (picture,) = normalise(raw, channel="support-mail").attachments
    case = build.conversation(reference="DDDDDDDDD", subject="Receipt")
    names = ("name", "media_type", "size", "sha256", "part")
    message = build.message(case, mail=content, text="here")
    build.attachment(message, **{name: getattr(picture, name) for name in names})


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedDesk]:
    folder, now = tmp_path_factory.mktemp("contrast"), datetime.now(UTC) - timedelta(hours=1)
    with serve(folder, roles={"Root": "admin"}, fill=fill, now=now, more=test_looks.MORE) as served:
        yield served


@pytest.fixture(scope="module")
def forced(chromium: Browser, desk: ServedDesk) -> Iterator[Page]:
    with page_of(chromium, desk, "Root", viewport=DESKTOP, forced_colors="active") as page:
        yield page


@pytest.fixture(scope="module")
def zoomed(chromium: Browser, desk: ServedDesk) -> Iterator[Page]:
    # A window of 1440 by 900 at 200 %.
    with page_of(chromium, desk, "Root", viewport={"width": 720, "height": 450}, device_scale_factor=2) as page:
        yield page


def show(page: Page, desk: ServedDesk, path: str) -> None:
    page.goto(desk.url + path)
    if path.startswith("/conversations") or path == "/":
        page.locator("#list-pane .row").first.wait_for()


@pytest.mark.parametrize("name", MAIN)
def test_forced_colours_keep_what_is_chosen_urgent_or_unread(forced: Page, desk: ServedDesk, name: str) -> None:
    show(forced, desk, MAIN[name])
    lost = [each for each in SIGNS[name] if not forced.evaluate(DIFFER, list(each))]
    assert lost == []
    chips = forced.locator(".chip:visible").evaluate_all(
        "all => all.map(each => getComputedStyle(each).borderTopWidth)"
    )
    assert "0px" not in chips


def test_forced_colours_keep_the_focus_and_the_selection_of_a_row(forced: Page, desk: ServedDesk) -> None:
    show(forced, desk, "/")
    for key in ("j", "j", "x"):
        forced.keyboard.press(key)
    ring = forced.locator(".row .what a:focus-visible")
    assert ring.evaluate("each => getComputedStyle(each, '::after').outlineStyle") == "solid"
    expect(forced.locator(".row .pick:checked")).to_have_css("opacity", "1")


@pytest.mark.parametrize("name", MAIN)
def test_at_200_percent_nothing_is_cut_or_covered(zoomed: Page, desk: ServedDesk, name: str) -> None:
    show(zoomed, desk, MAIN[name])
    assert not overflows(zoomed)
    column = zoomed.locator(".brand-line, .top > .find, .top > .nav, .top > .who").evaluate_all(
        "all => all.map(each => each.getBoundingClientRect()).map(({ top, bottom }) => [top, bottom])"
    )
    below = sorted(column)
    assert all(one[1] <= other[0] + 1 for one, other in pairwise(below)), below
    room = zoomed.locator(".nav a").last
    room.scroll_into_view_if_needed()
    expect(room).to_be_in_viewport()
    tools = zoomed.locator(".brand-line .tool").evaluate_all(
        "all => all.map(each => each.getBoundingClientRect()).filter(box => document.elementFromPoint("
        "box.x + box.width / 2, box.y + box.height / 2)?.closest('.tool') === null).length"
    )
    assert tools == 0


def test_at_200_percent_the_answers_to_the_question_of_danger_are_in_sight(zoomed: Page, desk: ServedDesk) -> None:
    show(zoomed, desk, "/conversations/CCCCCCCCC")
    for button in zoomed.locator("#question .buttons button").all():
        # No ancestor cuts it, and nothing covers its lower edge
        seen = "each => { const { x, bottom, width } = each.getBoundingClientRect();"
        seen += " return document.elementFromPoint(x + width / 2, bottom - 3) === each; }"
        assert button.evaluate(seen)


@looks("phone-zh-light", "phone-en-dark", size="phone")
@pytest.mark.parametrize("case", ["AAAAAAAAA", "CCCCCCCCC"])
def test_on_a_phone_the_banner_of_danger_fills_the_width_above_the_head(
    chromium: Browser, desk: ServedDesk, look: Look, case: str
) -> None:
    with page_of(chromium, desk, "Root", **look.more) as page:
        page.goto(f"{desk.url}/conversations/{case}")
        banner, head = page.locator("#question").bounding_box(), page.locator("#head").bounding_box()
        assert banner
        assert head
        assert (banner["x"], banner["width"]) == (0, PHONE["width"])
        assert banner["y"] + banner["height"] == pytest.approx(head["y"], abs=1)


@looks("desktop-en-light", "phone-zh-dark")
def test_a_picture_opens_large_and_escape_gives_the_focus_back(
    chromium: Browser, desk: ServedDesk, look: Look
) -> None:  # fmt: skip
    words: Any = look.words
    with page_of(chromium, desk, "Root", **look.more) as page:
        page.goto(desk.url + CASE)
        link = page.locator(".pictures a")
        link.focus()
        page.keyboard.press("Enter")
        shown = page.locator("dialog.lightbox")
        expect(shown).to_be_visible()
        expect(shown).to_have_accessible_name("receipt.png")
        picture = shown.locator("img")
        expect(picture).to_have_js_property("naturalWidth", 640)
        box, window = picture.bounding_box(), page.viewport_size
        assert box
        assert window
        assert min(300, window["width"] - 100) < box["width"] <= window["width"]
        expect(shown.locator("button")).to_be_focused()
        assert (shown.locator("button").inner_text(), shown.locator("a").inner_text()) == (
            words("picture_close"),
            words("picture_tab"),
        )
        # A key of the desk does nothing behind it
        page.keyboard.press("e")
        page.keyboard.press("Escape")
        expect(shown).to_have_count(0)
        expect(link).to_be_focused()
        # By the button, and by a press next to it
        for close in (lambda: shown.locator("button").click(), lambda: page.mouse.click(3, 3)):
            link.click()
            expect(shown).to_be_visible()
            close()
            expect(shown).to_have_count(0)
        assert page.url == desk.url + CASE
