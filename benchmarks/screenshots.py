"""Take the pictures of `docs/desk.md`: a small desk of invented customers, opened in a real browser.

python -m benchmarks.screenshots [FOLDER]
"""

from __future__ import annotations

import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import uvicorn
from playwright.sync_api import Browser, ViewportSize, sync_playwright

from api.app import create_app
from benchmarks.shown_desk import SETTINGS, fill_desk
from router.settings import read_settings
from store.db.engine import Database
from store.db.migrate import upgrade
from store.desk.agents import add_agent

_SIZE: Final[ViewportSize] = {"width": 1440, "height": 900}
# Name: path, language, theme, role of the signed-in agent.
_PICTURES: Final = {
    "inbox": ("/", "en", "light", "Ming"),
    "conversation": ("/conversations/K7QF2MXD4", "en", "light", "Ming"),
    "conversation-zh-dark": ("/conversations/P3NW8KRT2", "zh", "dark", "Ming"),
    "supervisor": ("/supervisor", "en", "light", "Zhao"),
}


def main() -> None:
    """Write one PNG per picture."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data, _served(Path(data)) as (url, tokens), sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, (path, language, theme, agent) in _PICTURES.items():
            _take(chromium, f"{url}{path}?language={language}&theme={theme}", tokens[agent], folder / f"{name}.png")
            sys.stdout.write(f"{name}.png {(folder / f'{name}.png').stat().st_size // 1000} kB\n")
        chromium.close()


def _take(chromium: Browser, url: str, token: str, file: Path) -> None:
    page = chromium.new_context(viewport=_SIZE).new_page()
    page.goto(url)
    page.fill("#token", token)
    page.click("form.door button")
    page.wait_for_load_state("networkidle")
    page.goto(url)
    if page.locator("#panes").count():
        page.locator("#list-pane .row").first.wait_for()
    page.screenshot(path=file)
    page.context.close()


@contextmanager
def _served(data: Path) -> Iterator[tuple[str, dict[str, str]]]:
    settings = read_settings(SETTINGS.replace("FOLDER", str(data)))
    database = Database.at(data / "omniyard.db")
    upgrade(database)
    with database.write() as connection:
        roles = {"Ming": "agent", "Li": "senior", "Zhao": "supervisor"}
        tokens = {name: add_agent(connection, name=name, role=role)[1] for name, role in roles.items()}
        fill_desk(connection, now=datetime.now(UTC))
    app = create_app(settings, database=database)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", tokens
        app.state.desk.tail.stop()
        server.should_exit = True
        thread.join(20)
    database.close()


if __name__ == "__main__":
    main()
