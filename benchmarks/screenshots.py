"""Take the pictures of `docs/desk.md` and `docs/desk.zh.md`: a desk of invented customers, opened in a real browser.

Four of single pages, and ten of one agent's morning, which is worked through in order: in English (`morning-1.webp`
and so on) and on a Chinese desk (`morning-zh-1.webp`).

    python -m benchmarks.screenshots --folder docs/screenshots
"""

from __future__ import annotations

import argparse
import base64
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
from string import Template
from typing import Final

import uvicorn
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from api.app import create_app
from api.text.phrases import Language
from benchmarks.shown_desk import AGENTS, NAMES, SETTINGS, fill_desk
from router.settings import read_settings
from store.db.engine import Database
from store.db.migrate import upgrade
from store.desk.agents import add_agent
from store.desk.assignment import set_duty

_SIZE: Final[ViewportSize] = {"width": 1440, "height": 900}
# Name: path, language, theme, role of the signed-in agent.
_PICTURES: Final = {
    "inbox": ("/", "en", "light", "agent"),
    "conversation": ("/conversations/K7QF2MXD4", "en", "light", "agent"),
    "conversation-zh-dark": ("/conversations/P3NW8KRT2", "zh", "dark", "agent"),
    "supervisor": ("/supervisor", "en", "light", "supervisor"),
}
_TABLET: Final[ViewportSize] = {"width": 820, "height": 1000}
_PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
# What the agent writes on that morning: a note, an answer, and what is searched for.
_WRITTEN: Final = {
    "en": (
        "is the reversal certain? The customer waits for a date.",
        "The money comes back tomorrow before 18:00.",
        "refund",
    ),
    "zh": ("确定明天冲正吗？客户在等具体时间。", "您好，款项会在明天 18:00 前退回您的钱包。", "退款"),
}
# The morning of an agent, step by step: the window, the page, and what is done on it.
# A step presses a key, or an element, or types; `$...` is filled in from `_WRITTEN`.
_MORNING: Final = (
    (_SIZE, "/", ()),
    (_SIZE, "/conversations/P3NW8KRT2", ("press #actions [value=take]",)),
    (_SIZE, "/conversations/K7QF2MXD4", ("press #why summary",)),
    (_SIZE, "/conversations/K7QF2MXD4", ("key n", "type @$senior $note")),
    (_SIZE, "/conversations/K7QF2MXD4", ("press [for=mode-reply]", "press #ready-open")),
    (_SIZE, "/conversations/K7QF2MXD4", ("write $answer", "send")),
    (_TABLET, "/conversations/K7QF2MXD4", ("press [data-customer]",)),
    (_SIZE, "/conversations/X5RJ1MQG8", ("key s",)),
    (_SIZE, "/", ("key Control+k", "type $search")),
    (_PHONE, "/?language=zh&theme=dark", ()),
)
# As a web page encodes it: a tenth of the PNG, without another library.
_WEBP: Final = """async (png) => {
    const picture = new Image();
    picture.src = `data:image/png;base64,${png}`;
    await picture.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: picture.width, height: picture.height });
    canvas.getContext("2d").drawImage(picture, 0, 0);
    return canvas.toDataURL("image/webp", 0.82).split(",")[1];
}"""


def main() -> None:
    """Write one PNG per picture, and the morning."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("docs/screenshots"), help="where they are written")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        with _served("en") as (url, tokens):
            for name, (path, language, theme, role) in _PICTURES.items():
                _take(chromium, f"{url}{path}?language={language}&theme={theme}", tokens[role], folder / f"{name}.png")
                sys.stdout.write(f"{name}.png {(folder / f'{name}.png').stat().st_size // 1000} kB\n")
            _morning(chromium, url, tokens["agent"], folder, language="en")
        with _served("zh") as (url, tokens):
            _morning(chromium, url, tokens["agent"], folder, language="zh")
        chromium.close()


def _take(chromium: Browser, url: str, token: str, file: Path) -> None:
    page = chromium.new_context(viewport=_SIZE).new_page()
    page.goto(url)
    page.fill("#token", token)
    page.click("form.single-card button")
    page.wait_for_load_state("networkidle")
    page.goto(url)
    if page.locator("#panes").count():
        page.locator("#list-pane .row").first.wait_for()
    page.screenshot(path=file)
    page.context.close()


def _morning(chromium: Browser, url: str, token: str, folder: Path, *, language: Language) -> None:
    """Work through the morning, and keep a picture of each step."""
    locale, name = ("en-GB", "morning") if language == "en" else ("zh-CN", "morning-zh")
    note, answer, search = _WRITTEN[language]
    written = {"senior": AGENTS[language]["senior"], "note": note, "answer": answer, "search": search}
    page, canvas = chromium.new_context(viewport=_SIZE, locale=locale).new_page(), chromium.new_page()
    page.goto(f"{url}/sign-in")
    page.fill("#token", token)
    page.click("form.single-card button")
    page.wait_for_url(f"{url}/")
    for number, (size, path, steps) in enumerate(_MORNING, 1):
        page.set_viewport_size(size)
        page.goto(url + path)
        page.locator("#list-pane .row" if size["width"] > size["height"] else "main").first.wait_for()
        for step in steps:
            verb, _, what = step.partition(" ")
            _do(page, verb, Template(what).substitute(written))
        page.wait_for_timeout(700)
        webp = canvas.evaluate(_WEBP, base64.b64encode(page.screenshot()).decode())
        file = folder / f"{name}-{number}.webp"
        file.write_bytes(base64.b64decode(webp))
        sys.stdout.write(f"{file.name} {file.stat().st_size // 1000} kB\n")
    page.context.close()
    canvas.close()


def _do(page: Page, verb: str, what: str) -> None:
    if verb == "key":
        page.keyboard.press(what)
    elif verb == "press":
        page.locator(what).first.click()
    elif verb == "type":
        page.keyboard.type(what)
    elif verb == "write":
        page.check("#mode-reply", force=True)
        page.fill("#text", what)
    elif verb == "send":
        page.click("button[value=reply]")
        page.locator(".toast").wait_for()


@contextmanager
def _served(language: Language) -> Iterator[tuple[str, dict[str, str]]]:
    """Serve a desk with customers of a language; yield its address, and the token of each role."""
    with tempfile.TemporaryDirectory() as data:
        yield from _serve(Path(data), language=language)


def _serve(data: Path, *, language: Language) -> Iterator[tuple[str, dict[str, str]]]:
    settings = read_settings(SETTINGS.replace("FOLDER", str(data)).replace("NAME", NAMES[language]))
    database = Database.at(data / "omniyard.db")
    upgrade(database)
    with database.write() as connection:
        agents = AGENTS[language].items()
        tokens = {role: add_agent(connection, name=name, role=role)[1] for role, name in agents}
        set_duty(connection, name=AGENTS[language]["agent"], available=True)
        fill_desk(connection, now=datetime.now(UTC), language=language)
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
