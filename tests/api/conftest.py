"""The real application over a real database, and clients of each role."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI

from api.app import create_app
from api.http.permissions import Role
from router.settings import Settings, read_settings
from store.db.engine import Database
from store.desk.agents import add_agent
from tests.app_client import AppClient, started
from tests.inbox_builder import NOON

if TYPE_CHECKING:
    from playwright.sync_api import Browser

TOML = """
[omniyard]
name = "E-wallet support"
timezone = "Asia/Shanghai"
data = "{data}"
requests_per_second = {rate}
{more}
[channels.support-mail]
kind = "smtp"
address = "support@desk.example"

[teams.payments]
title = "Payments"
[teams.risk]
title = "Risk"

[categories.failed_transaction]
title = {{ en = "Failed transaction", zh = "交易失败" }}
[categories.refund]
title = {{ en = "Refund", zh = "退款" }}

[[routes]]
name = "everything"
team = "payments"
"""
OUT = """
[channels.out]
kind = "smtp"
listen = "127.0.0.1:2526"
address = "help@desk.example"
[channels.out.send]
host = "127.0.0.1"
security = "none"
"""
"""For `settings_in`: a channel whose answers leave at once, by a mail server of this machine."""


# All SQL is in the store, whose tests run on both databases; here both are asked where rows become answers.
ON_BOTH = {
    "test_changes",
    "test_contacts",
    "test_conversations",
    "test_quarantine",
    "test_health",
    "test_replies",
    "test_edges",
    "test_drafts",
    "test_ready_texts",
    "test_undone_changes",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out PostgreSQL where an API test is about something else."""
    here = f"{Path(__file__).parent}{os.sep}"
    items[:] = [
        item for item in items if not str(item.path).startswith(here) or item.path.stem in ON_BOTH or _is_cheap(item)
    ]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A real browser for the module's tests, each with windows of its own."""
    # Imported here, because most tests need no browser, and it takes a while.
    from tests.api.browser.journey import browser as open_browser  # noqa: PLC0415

    with open_browser() as opened:
        yield opened


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Close the windows that a test left open in a browser of its module, because it failed or because it forgot.

    Their streams would slow the tests that follow, which then fail too.
    """
    named = item.funcargs.values() if isinstance(item, pytest.Function) else ()
    browsers = [each for each in named if isinstance(getattr(each, "contexts", None), list)]
    older = [context for browser in browsers for context in browser.contexts]
    try:
        return (yield)
    finally:
        for context in [context for browser in browsers for context in browser.contexts]:
            if context not in older:
                context.close()


def _is_cheap(item: pytest.Item) -> bool:
    called = getattr(item, "callspec", None)
    return called is None or called.params.get("database_url") != "postgresql"


@pytest.fixture
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash the passwords of a test at little cost: a hash takes a fifth of a second, and some tests need many.

    `tests/store/desk/test_passwords.py` holds what it costs at the desk.
    """
    monkeypatch.setattr("store.desk.passwords._COST", 2)


class MovingClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at

    def move(self, step: timedelta) -> None:
        self.at += step


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


def settings_in(folder: Path, *, more: str = "", rate: int = 0) -> Settings:
    return read_settings(TOML.format(data=folder, more=more, rate=rate))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path / "data")


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    """The event loop that every application of the run answers from."""
    with start_blocking_portal() as opened:
        yield opened


@pytest.fixture
def app(settings: Settings, database: Database, clock: MovingClock, portal: BlockingPortal) -> Iterator[FastAPI]:
    created = create_app(settings, database=database, now=clock)
    with started(created, portal):
        yield created


@pytest.fixture
def anonymous(app: FastAPI, portal: BlockingPortal) -> AppClient:
    return AppClient(app, portal)


@pytest.fixture
def token_of(database: Database) -> Callable[[str], str]:
    """Make an agent of a role and return the token."""
    made: dict[str, str] = {}

    def token(role: str) -> str:
        if role not in made:
            with database.write() as connection:
                made[role] = add_agent(connection, name=f"the {role}", role=role)[1]
        return made[role]

    return token


@pytest.fixture
def client_of(app: FastAPI, portal: BlockingPortal, token_of: Callable[[str], str]) -> Callable[[str], AppClient]:
    """A program that carries a token of a role."""
    return lambda role: AppClient(app, portal, headers={"Authorization": f"Bearer {token_of(role)}"})


@pytest.fixture
def client(client_of: Callable[[str], AppClient]) -> AppClient:
    """An administrator's program."""
    return client_of(Role.ADMIN)


@pytest.fixture
def browser(app: FastAPI, portal: BlockingPortal, token_of: Callable[[str], str]) -> AppClient:
    """An agent's browser, signed in."""
    opened = AppClient(app, portal, headers={"Accept": "text/html", "Accept-Language": "en"})
    form = {"token": token_of(Role.AGENT)}
    answer = opened.post("/sign-in", data=form, headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 303, answer.text
    return opened
