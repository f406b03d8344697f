"""A served desk and a real browser, for journeys through the pages. A plain module."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from api.app import create_app
from api.text.phrases import Language, Words
from store.db.engine import Database
from store.desk.agents import add_agent
from tests.api.conftest import settings_in
from tests.inbox_builder import Builder
from tests.migrated import new_database
from tests.served_app import serve_app

CHROMIUM = shutil.which("chromium")
_FLAGS = "--no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update"
DESKTOP, TABLET, PHONE = ({"width": w, "height": h} for w, h in ((1440, 900), (820, 1180), (390, 844)))

_SIZES = {"desktop": DESKTOP, "tablet": TABLET, "phone": PHONE}
OUT_CHANNEL = """
[channels.out]
kind = "smtp"
listen = "127.0.0.1:2526"
address = "out@desk.example"
send = { outbox = true }
"""
# A machine that does much else at the same time is slow, not wrong.
PATIENCE = 60_000
expect.set_options(timeout=PATIENCE)


@dataclass(frozen=True)
class Look:
    """How an agent sees the desk: the size of the window, the language, the theme."""

    size: str
    language: Language
    theme: Literal["light", "dark"]

    def __str__(self) -> str:
        return f"{self.size}-{self.language}-{self.theme}"

    @property
    def words(self) -> Words:
        """The words of the desk in this language."""
        return Words(self.language)

    @property
    def more(self) -> dict[str, Any]:
        """What `page_of` needs for it."""
        locale = "zh-CN" if self.language == "zh" else "en-GB"
        return {"language": locale, "viewport": _SIZES[self.size], "color_scheme": self.theme}


ALL_LOOKS = [Look(*each) for each in product(_SIZES, ("en", "zh"), ("light", "dark"))]  # type: ignore[arg-type]
# `make journeys` takes each journey through all of them, `make test` through those that it names.
EVERY_LOOK = os.environ.get("OMNIYARD_JOURNEYS") == "all"


def looks(*usual: str, size: str = "") -> pytest.MarkDecorator:
    """Parametrise a journey by `look`: the usual ones, or all for `make journeys`; of one size if it names one."""
    chosen = [look for look in ALL_LOOKS if str(look) in usual or (EVERY_LOOK and size in {"", look.size})]
    return pytest.mark.parametrize("look", chosen, ids=str)


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
    database = new_database(folder / "omniyard.db")
    with database.write() as connection:
        tokens = {name: add_agent(connection, name=name, role=role)[1] for name, role in roles.items()}
        fill(Builder(connection, now=now))
    app = create_app(settings_in(folder, more=more), database=database)
    try:
        with serve_app(app) as url:
            yield ServedDesk(url, database, tokens)
    finally:
        database.close()


@contextmanager
def browser() -> Iterator[Browser]:
    """Open Chromium; skip the test on a machine without one."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (tests/install-machine-parts.sh installs it)")
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS.split()) as opened,
    ):
        yield opened


@contextmanager
def page_of(opened: Browser, desk: ServedDesk, name: str, *, language: str = "en-GB", **more: Any) -> Iterator[Page]:
    """Sign an agent in and give the page; afterwards nothing may have been written to its console.

    The window is closed also when a journey fails: its streams would slow those that follow in this browser.
    """
    said: list[str] = []
    with opened.new_context(locale=language, **more) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE)

        def note(message: ConsoleMessage) -> None:
            # An error page is a page: the browser writes its status down.
            if message.type == "error" and message.location.get("url") != page.url:
                said.append(message.text)

        page.on("console", note)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(f"{desk.url}/sign-in")
        enter_token(page, desk.tokens[name])
        page.wait_for_url(f"{desk.url}/")
        yield page
    complaints = [line for line in said if "favicon" not in line]
    assert complaints == [], complaints


def enter_token(page: Page, token: str) -> None:
    """Fill in the token on the sign-in form, and send it."""
    page.fill("#token", token)
    page.click("form.single-card button[type=submit]")


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


# What cannot be read: a text that is wider than its button, chip or cell; one that is cut and has no full version in
# reach; one that stands as a column of single letters.
_UNREADABLE = """() => {
    const found = [];
    const shown = (each) => {
        const box = each.getBoundingClientRect();
        return box.width > 2 && box.height > 2 && each.checkVisibility();
    };
    const name = (each) => `${each.tagName.toLowerCase()}.${each.className} ${each.textContent.trim().slice(0, 40)}`;
    const isWider = (each) => each.clientWidth && each.scrollWidth > each.clientWidth + 2;
    for (const each of document.querySelectorAll("button, .button, .chip, .count, th, td, label, h1, h2, summary")) {
        if (shown(each) && !each.querySelector("input") && isWider(each)) found.push(`spills: ${name(each)}`);
    }
    for (const each of document.querySelectorAll("body *")) {
        if (!shown(each) || each.closest(".hidden, option, select, svg")) continue;
        const style = getComputedStyle(each);
        const text = [...each.childNodes].filter((node) => node.nodeType === 3 && node.data.trim().length > 3);
        if (!text.length) continue;
        const isCut = style.overflowX !== "visible" && style.whiteSpace === "nowrap" && isWider(each);
        if (isCut && !each.closest("[title], .row, summary, .others, [role=option]")) found.push(`cut: ${name(each)}`);
        for (const node of text) {
            const range = document.createRange();
            range.selectNodeContents(node);
            const lines = [...range.getClientRects()].filter((box) => box.width > 0);
            const widest = Math.max(...lines.map((box) => box.width));
            if (lines.length > 3 && widest < 1.7 * parseFloat(style.fontSize)) found.push(`column: ${name(each)}`);
        }
    }
    return found.slice(0, 10);
}"""


def unreadable(page: Page) -> list[str]:
    """Return the texts that are cut, spill out of their box, or stand as a column of single letters."""
    return list(page.evaluate(_UNREADABLE))
