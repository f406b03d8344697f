"""A desk with a chat: the real application, a visitor's browser, and the worker's two steps by hand."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI

from connectors.registry import open_senders
from router.settings import Settings, read_settings
from store.db.engine import Database
from tests.api.conftest import TOML, MovingClock
from tests.app_client import AppClient
from workers.routing.brain import build_brain
from workers.routing.route import MessageRouter
from workers.sending.deliver import Deliverer, InFlight

CHAT = """
[channels.site]
kind = "chat"
calendar = "hours"
team = "payments"
origins = ["https://www.wallet.example"]
identity_secret = "env:CHAT_IDENTITY_SECRET"
files = 2
largest = 100000
[channels.other-site]
kind = "chat"
identity_secret = "env:OTHER_IDENTITY_SECRET"
[calendars.hours]
timezone = "Asia/Shanghai"
week = { mon-sun = ["24h"] }
dates = []
"""
SECRET = "the secret of the wallet's own server, 32 bytes"
SAME = {"Sec-Fetch-Site": "same-origin"}
MORE = """
[categories.account_security]
emergency = true
keywords = ["stolen", "被盗"]
[replies.danger]
text = {{ en = "Our risk team has your case.", zh = "风控已在处理。" }}
[replies.closed]
text = {{ en = "We open {{next_opening}}.", zh = "{{next_opening}} 开始服务。" }}
[[routes]]
name = "security, day and night"
when = {{ emergency = true }}
team = "risk"
priority = "urgent"
reply = "danger"
[[routes]]
name = "closed"
when = {{ open = false }}
team = "payments"
reply = "closed"
hold = true
"""


def chat_toml(folder: Path, *, chat: str = CHAT) -> str:
    """Return the desk's file with a chat."""
    routes = TOML.index("[[routes]]")
    return (TOML[:routes] + MORE + TOML[routes:]).format(data=folder / "data", more=chat, rate=0)


@pytest.fixture
def clock() -> MovingClock:
    """Routing compares with the database's clock."""
    clock = MovingClock()
    clock.at = datetime.now(UTC)
    return clock


@pytest.fixture
def chat() -> str:
    return CHAT


@pytest.fixture
def settings(tmp_path: Path, chat: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("CHAT_IDENTITY_SECRET", SECRET)
    monkeypatch.setenv("OTHER_IDENTITY_SECRET", SECRET[::-1])
    return read_settings(chat_toml(tmp_path, chat=chat))


class ChatVisitor:
    """A visitor's browser with the chat's own script, step by step."""

    def __init__(self, client: httpx.Client, chat: str = "site") -> None:
        self.client, self.path = client, f"/chat/{chat}"

    def begin(self, **said: object) -> dict[str, object]:
        answer = self.client.post(f"{self.path}/session", json=said, headers=SAME)
        answer.raise_for_status()
        return answer.json()

    def post(self, what: str, **said: object) -> httpx.Response:
        return self.client.post(f"{self.path}/{what}", json=said, headers=SAME)

    def write(self, text: str, *, client_id: str = "") -> httpx.Response:
        return self.post("lines", client_id=client_id or str(uuid4()), text=text)

    def lines(self, after: int = 0) -> list[dict[str, object]]:
        return self.client.get(f"{self.path}/lines", params={"after": after}).raise_for_status().json()["lines"]

    def state(self) -> dict[str, object]:
        return self.client.get(f"{self.path}/state").raise_for_status().json()


@pytest.fixture
def visitors(app: FastAPI, portal: BlockingPortal) -> Callable[..., ChatVisitor]:
    """Make a visitor's browser at an address."""
    return lambda peer="203.0.113.7", chat="site": ChatVisitor(
        AppClient(app, portal, peer=peer, headers={"Accept-Language": "en"}), chat
    )


@pytest.fixture
def visitor(visitors: Callable[..., ChatVisitor]) -> ChatVisitor:
    return visitors()


class Hands:
    """The worker: routes what came in, and sends what is due."""

    def __init__(self, database: Database, settings: Settings) -> None:
        brain = build_brain(settings)
        self.router = MessageRouter(database, brain)
        lanes = open_senders(settings)
        self.deliverer = Deliverer(
            database, brain, lane="chat", senders=lanes["chat"], in_flight=InFlight(), stopped=threading.Event()
        )

    def work(self) -> None:
        while self.router.route_oldest() or self.router.route_alone():
            pass
        self.deliverer.once()


@pytest.fixture
def hands(database: Database, settings: Settings) -> Hands:
    return Hands(database, settings)


def token(secret: str = SECRET, *, algorithm: str = "HS256", **claims: Any) -> str:
    """Return a token of the wallet's own server; a claim of None is left out."""
    usual = {
        "sub": "account-7",
        "aud": "site",
        "exp": int(time.time()) + 300,
        "name": "Wu Min",
        "email": "wu@example.com",
    }
    return jwt.encode({key: value for key, value in (usual | claims).items() if value is not None}, secret, algorithm)
