"""The pages in a real browser: customers' content neither runs nor fetches, and the keyboard is enough."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from api.app import create_app
from store.db.engine import Database
from store.desk.agents import add_agent
from tests.api.browser.journey import enter_token
from tests.api.conftest import settings_in
from tests.inbox_builder import NOON, Builder
from tests.migrated import new_database
from tests.served_app import serve_app

MINUTE = timedelta(minutes=1)
# Each attack calls `stolen` or fetches from another host if a protection fails, as if the sanitiser had let it pass.
ATTACKS = (
    "<script>stolen()</script>",
    "<img src=x onerror=stolen()>",
    "<svg onload=stolen()><animate onbegin=stolen() attributeName=x></svg>",
    "<iframe srcdoc='<script>parent.stolen()</script>'></iframe>",
    "<a id=x href=\" javascript:stolen()\">click</a>",
    "<form action={THIEF}/><input autofocus onfocus=stolen()><button>x</button></form>",
    "<meta http-equiv=refresh content='0;url={THIEF}/'>",
    "<link rel=stylesheet href={THIEF}/x.css><link rel=prefetch href={THIEF}/p>",
    "<style>@import '{THIEF}/y.css';body{background:url({THIEF}/b.png)}</style>",
    "<img src={THIEF}/pixel.gif><video poster={THIEF}/v.jpg><object data={THIEF}/o>",
    "<base href={THIEF}/><img src=relative.png>",
    "{{constructor.constructor('stolen()')()}} ${stolen()} <%= stolen() %>",
    "\"><script>stolen()</script> '-stolen()-' `-stolen()-`",
)  # fmt: skip


@dataclass
class Desk:
    """A served desk with an agent's token."""

    url: str
    token: str
    database: Database


@dataclass
class Thief:
    """A server that no page may contact. asked: the requests that it got."""

    url: str
    asked: list[bytes] = field(default_factory=list)

    def attacks(self) -> list[str]:
        return [attack.replace("{THIEF}", self.url) for attack in ATTACKS]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    database = new_database(tmp_path / "omniyard.db")
    with database.write() as connection:
        token = add_agent(connection, name="Ming", role="agent")[1]
    app = create_app(settings_in(tmp_path), database=database, now=lambda: NOON)
    with serve_app(app) as url:
        yield Desk(url, token, database)
    database.close()


@pytest.fixture
def thief() -> Iterator[Thief]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        found = Thief(f"http://127.0.0.1:{listening.getsockname()[1]}")

        def note() -> None:
            with contextlib.suppress(OSError):
                while True:
                    visitor, _ = listening.accept()
                    with visitor:
                        visitor.settimeout(2)
                        found.asked.append(visitor.recv(1000).partition(b"\r\n")[0])
                        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"
                        visitor.sendall(head + found.attacks()[9].encode())

        thread = threading.Thread(target=note)
        thread.start()
        yield found
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(5)


@pytest.fixture
def page(chromium: Browser, desk: Desk) -> Iterator[Page]:
    """An agent's browser window, signed in with the form."""
    context = chromium.new_context(locale="en-GB")
    window = context.new_page()
    window.goto(desk.url)
    enter_token(window, desk.token)
    window.wait_for_url(f"{desk.url}/")
    yield window
    context.close()


def test_customers_content_neither_runs_nor_fetches(desk: Desk, page: Page, thief: Thief) -> None:
    # Given a conversation in which every text, and a mail's HTML that was not sanitised at all, is an attack
    attacks = thief.attacks()
    with desk.database.write() as connection:
        build = Builder(connection)
        conversation_id = build.conversation(reference="XSS000000", subject=attacks[1], labels=attacks)
        for attack in attacks:
            build.message(
                conversation_id, text=attack, quoted=attack, html=attack, sender_name=attack, sender_handle=attack,
                subject=attack, trace={"classification": attack, "later": [attack]},
            )  # fmt: skip
        build.quarantined(subject=attacks[0], reason=attacks[1])
    # When every page that shows it is opened, and every frame
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    page.add_init_script("window.hits = 0; window.stolen = () => { window.hits += 1; }")
    hits = []
    for path in ("/", "/quarantine", "/conversations/XSS000000"):
        page.goto(desk.url + path)
        hits.append(page.evaluate("window.hits"))
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    shown = page.locator("iframe").all()
    assert len(shown) >= len(attacks)
    for element in shown:
        element.scroll_into_view_if_needed()
        frame = element.element_handle().content_frame()
        assert frame
        frame.wait_for_url("**/messages/*/frame")
        frame.wait_for_load_state()
    # What a page does by itself after its load, such as to leave for another one.
    page.wait_for_timeout(500)
    # Then nothing ran, no other server was contacted, and the page has not navigated
    assert hits == [0, 0, 0]
    assert page.evaluate("window.hits") == 0
    assert not dialogs
    assert page.url == f"{desk.url}/conversations/XSS000000"
    assert thief.asked == []


def test_the_attacks_work_on_an_unprotected_page(page: Page, thief: Thief) -> None:
    # The same attack on a page without protection.
    with page.expect_response("**/pixel.gif"):
        page.goto(thief.url)
    assert any(line.startswith(b"GET /pixel.gif") for line in thief.asked)


def test_a_frame_opened_alone_has_the_same_restrictions(desk: Desk, page: Page, thief: Thief) -> None:
    with desk.database.write() as connection:
        build = Builder(connection)
        message_id = build.message(
            build.conversation(), html="<script>document.title='stolen'</script>" + thief.attacks()[9]
        )
    page.goto(f"{desk.url}/messages/{message_id}/frame")
    page.wait_for_timeout(500)
    assert page.title() != "stolen"
    assert thief.asked == []


def test_the_list_works_by_keyboard_and_updates_itself(desk: Desk, page: Page) -> None:
    with desk.database.write() as connection:
        build = Builder(connection)
        build.event(build.conversation(subject="first", last_message_at=NOON, reference="AAAAAAAAA"))
        build.event(build.conversation(subject="second", last_message_at=NOON - MINUTE, reference="BBBBBBBBB"))
    # An empty list fills without a reload.
    page.wait_for_selector("text=second")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/conversations/BBBBBBBBB")
    page.keyboard.press("u")
    page.wait_for_url(f"{desk.url}/")


def test_pages_obey_their_content_security_policy(desk: Desk, page: Page) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    with desk.database.write() as connection:
        build = Builder(connection)
        build.message(build.conversation(reference="AAAAAAAAA"), html="<p>hello</p>")
    for path in ("/", "/conversations/AAAAAAAAA", "/quarantine", "/channels", "/nowhere"):
        page.goto(desk.url + path)
    assert [line for line in said if "Content Security Policy" in line or "Refused" in line] == []
