"""A served desk and a real browser, for journeys through the pages. A plain module."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from api.app import create_app
from store.db.engine import Database
from store.db.migrate import upgrade
from store.desk.agents import add_agent
from tests.api.conftest import settings_in
from tests.inbox_builder import Builder

CHROMIUM = shutil.which("chromium")
_FLAGS = "--no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update"
DESKTOP, TABLET, PHONE = ({"width": w, "height": h} for w, h in ((1440, 900), (820, 1180), (390, 844)))


@dataclass(frozen=True)
class ServedDesk:
    """tokens: by the agent's name."""

    url: str
    database: Database
    tokens: Mapping[str, str]


@contextmanager
def serve(
    folder: Path, *, roles: Mapping[str, str], fill: Callable[[Builder], None], now: Any, more: str = ""
) -> Iterator[ServedDesk]:
    """Serve a desk with these agents. now: the newest moment of the rows."""
    database = Database.at(folder / "omniyard.db")
    upgrade(database)
    with database.write() as connection:
        tokens = {name: add_agent(connection, name=name, role=role)[1] for name, role in roles.items()}
        fill(Builder(connection, now=now))
    app = create_app(settings_in(folder, more=more), database=database)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield ServedDesk(f"http://127.0.0.1:{listening.getsockname()[1]}", database, tokens)
        server.should_exit = True
        thread.join(20)
    database.close()


@contextmanager
def browser() -> Iterator[Browser]:
    """Open Chromium; skip the test on a machine without one."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (tests/install-machine-parts.sh installs it)")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS.split())
        yield opened
        opened.close()


@contextmanager
def page_of(opened: Browser, desk: ServedDesk, name: str, *, language: str = "en-GB", **more: Any) -> Iterator[Page]:
    """Sign an agent in and give the page; afterwards nothing may have been written to its console."""
    page = opened.new_context(locale=language, **more).new_page()
    page.set_default_timeout(20_000)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{desk.url}/sign-in")
    page.fill("#token", desk.tokens[name])
    page.click("form.door button[type=submit]")
    page.wait_for_url(f"{desk.url}/")
    yield page
    page.context.close()
    assert [line for line in said if "favicon" not in line] == []


def serious(page: Page) -> list[str]:
    """Return axe's serious findings of the page."""
    return [
        f"{each['id']}: {node['html'][:150]}"
        for each in Axe().run(page).response["violations"]
        if each["impact"] in {"serious", "critical"}
        for node in each["nodes"][:3]
    ]


def overflows(page: Page) -> bool:
    """Return whether the page is wider than its window."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth + 1"))
