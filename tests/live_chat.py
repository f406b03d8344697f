"""A desk with a chat on a real socket, and the operator's own page on another origin. A plain module."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from api.app import create_app
from api.desk import utc_now
from api.services.chats import Chats
from router.settings import Settings, read_settings
from store.db.engine import Database
from tests.api.chat.conftest import CHAT, SECRET, Hands, chat_toml
from tests.migrated import new_database
from tests.served_app import serve_app
from workers.chores.publish_events import Publisher


class HostPage(BaseHTTPRequestHandler):
    """The operator's own page, with the strictest policy under which it can embed anything."""

    desk = ""

    def do_GET(self) -> None:
        body = f"""<!doctype html><html lang="zh"><title>Wallet</title><h1>Wallet</h1>
        <script nonce="x" src="{self.desk}/chat/site/loader.js" async></script></html>""".encode()
        self.send_response(200)
        policy = f"default-src 'none'; script-src 'nonce-x'; style-src 'self'; frame-src {self.desk}"
        self.send_header("Content-Security-Policy", policy)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass
class LiveDesk:
    """url: of the desk.  host: of the operator's page."""

    url: str
    host: str
    database: Database
    hands: Hands
    chats: Chats


class LiveHands(Hands):
    """A worker that also numbers events, for the pages that follow the stream."""

    def __init__(self, database: Database, settings: Settings) -> None:
        super().__init__(database, settings)
        self.publisher = Publisher(database, takeover=timedelta(seconds=5))

    def work(self) -> None:
        super().work()
        self.publisher.once()


@contextmanager
def live_desk(folder: Path, *, now: Callable[[], datetime] = utc_now, more: str = "") -> Iterator[LiveDesk]:
    """Run both until the block ends. now: the desk's clock.  more: TOML for its file; `HOST` is the operator's page."""
    web = ThreadingHTTPServer(("127.0.0.1", 0), HostPage)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    host = f"http://localhost:{web.server_port}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHAT_IDENTITY_SECRET", SECRET)
        patch.setenv("OTHER_IDENTITY_SECRET", SECRET)
        chat = CHAT.replace("https://www.wallet.example", host).replace("files = 2", "per_hour = 999")
        settings = read_settings(chat_toml(folder, chat=chat + more.replace("HOST", host.removeprefix("http://"))))
        database = new_database(Path(settings.omniyard.data) / "omniyard.db")
        app = create_app(settings, database=database, now=now)
        chats: Chats = app.state.desk.chats
        with serve_app(app) as url:
            HostPage.desk = url
            yield LiveDesk(HostPage.desk, host, database, LiveHands(database, settings), chats)
            chats.stop()
        database.close()
    web.shutdown()
    web.server_close()


def heard(page: Page) -> list[str]:
    """Collect what the console says: a policy that is broken is reported there."""
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}).response
    return [f"{each['id']}: {[node['target'] for node in each['nodes']]}" for each in found["violations"]]
