"""What the chat says of emergencies before a visitor writes: the operator's words, general ones, or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI

from router.settings import Settings, read_settings
from tests.api.chat.conftest import CHAT, SECRET, chat_toml
from tests.app_client import AppClient

NOTICE = '[emergency]\nnotice = { en = "An allergic reaction? Call 112 first.", zh = "过敏反应请先拨打急救电话。" }\n'


@pytest.fixture
def written() -> str:
    return ""


@pytest.fixture
def settings(tmp_path: Path, written: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("CHAT_IDENTITY_SECRET", SECRET)
    monkeypatch.setenv("OTHER_IDENTITY_SECRET", SECRET[::-1])
    text = chat_toml(tmp_path, chat=CHAT)
    if written == "no emergency":
        return read_settings(text.replace("emergency = true\n", "", 1))
    return read_settings(text.replace("[[routes]]", f"{written}[[routes]]", 1))


@pytest.fixture
def page(app: FastAPI, portal: BlockingPortal) -> Iterator[AppClient]:
    with AppClient(app, portal, headers={"Accept": "text/html", "Accept-Language": "en"}) as client:
        yield client


@pytest.mark.parametrize(
    ("written", "language", "said"),
    [
        (NOTICE, "en", "An allergic reaction? Call 112 first."),
        (NOTICE, "zh", "过敏反应请先拨打急救电话。"),
        ("", "en", "Is it an emergency? Write it here"),
        ("", "zh", "紧急情况请直接写在这里"),
    ],
)
def test_the_notice_is_the_operators_or_general(page: AppClient, language: str, said: str) -> None:
    text = page.get("/chat/site", headers={"Accept-Language": language}).text
    assert said in text
    assert "data-danger" in text
    # No desk but a wallet's own file speaks of accounts.
    assert "Account stolen" not in text


@pytest.mark.parametrize("written", ["no emergency"])
def test_a_desk_without_an_emergency_says_nothing_of_one(page: AppClient) -> None:
    assert "data-danger" not in page.get("/chat/site").text
