"""Every page has the desk's name in its reader's language; what is the operator's has the English one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI

from router.settings import Settings, read_settings
from router.status_links import LinkKind
from store.db.bulk import table_of
from store.db.engine import Database
from store.desk.agents import add_agent
from store.desk.passwords import set_password
from store.tables.operations import OutboundRow
from tests.api.conftest import TOML, MovingClock
from tests.app_client import AppClient
from tests.inbox_builder import Builder

EN, ZH = "E-wallet support", "电子钱包客服"
OURS = {"Sec-Fetch-Site": "same-origin"}
MORE = """
[channels.site]
kind = "chat"
mail = "support-mail"
[channels.support-mail.send]
outbox = true
[replies.hello]
text = {{ en = "Thank you. {{desk}}", zh = "谢谢。{{desk}}" }}
"""
SIGNED_OUT = ["/sign-in", "/contact", "/help", "/chat/site", "/chat/site/demo", "/case/unknown"]
SIGNED_IN = ["/", "/outbox", "/signatures", "/nothing-here"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    place = TOML.index("[teams.payments]")
    toml = (TOML[:place] + MORE + TOML[place:]).format(data=tmp_path / "data", more="", rate=0)
    return read_settings(toml.replace(f'name = "{EN}"', f'name = {{ en = "{EN}", zh = "{ZH}" }}'))


def names_on(page: str) -> set[str]:
    return {name for name in (EN, ZH) if name in page}


@pytest.mark.parametrize(("language", "name"), [("en", EN), ("zh", ZH)])
def test_pages_have_the_name_in_the_readers_language(
    app: FastAPI, portal: BlockingPortal, browser: AppClient, language: str, name: str
) -> None:
    visitor = AppClient(app, portal, headers={"Accept": "text/html", "Accept-Language": language})
    shown = {path: names_on(visitor.get(path).text) for path in SIGNED_OUT}
    shown |= {path: names_on(browser.get(f"{path}?language={language}").text) for path in SIGNED_IN}
    assert shown == {path: {name} for path in (*SIGNED_OUT, *SIGNED_IN)}


def test_a_ready_reply_has_the_name_in_the_language_of_its_text(browser: AppClient, database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        case = build.conversation(reference="K7QF2MXD4", language="zh", team="payments")
        build.message(case, text="你好", trace={})
    page = browser.get("/conversations/K7QF2MXD4").text
    assert f"谢谢。{ZH}" in page
    assert f"· {EN}</title>" in page


@pytest.mark.parametrize(("language", "name"), [("en", EN), ("zh-Hant", ZH), ("ja", EN)])
def test_a_code_by_mail_has_the_name_in_the_language_of_the_case(
    app: FastAPI, portal: BlockingPortal, database: Database, clock: MovingClock, language: str, name: str
) -> None:
    with database.write() as connection:
        build = Builder(connection)
        case = build.conversation(reference="K7QF2MXD4", handle="li@example.com", language=language)
        build.message(case, mail=b"x", sender_handle="li@example.com", text="Hello", trace={})
    link = app.state.desk.visitors.write_link(LinkKind.CONVERSATION, case, now=clock())
    AppClient(app, portal).post(f"{link}/code", data={"address": "li@example.com"}, headers=OURS)
    with database.read() as connection:
        text = connection.execute(sa.select(table_of(OutboundRow).c.text)).scalar_one()
    assert names_on(text) == {name}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_authenticator_gets_the_english_name(
    app: FastAPI, portal: BlockingPortal, database: Database, language: str
) -> None:
    with database.write() as connection:
        add_agent(connection, name="Li Na", role="agent")
        set_password(connection, name="Li Na", password="a long enough password")
    reader = AppClient(app, portal, headers={"Accept": "text/html", "Accept-Language": language})
    form = {"name": "Li Na", "password": "a long enough password"}
    page = reader.post("/sign-in/password", data=form, headers=OURS).text
    assert re.findall(r"otpauth://totp/([^:%]+%20[^:%]+)%3A", page) == ["E-wallet%20support"]
    assert re.findall(r"issuer=([^\"&]+)", page) == ["E-wallet%20support"]
