"""The page of one case, as the tests of the pages fill in and send its forms. A plain module."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import urlencode

import httpx
import sqlalchemy as sa

from store.db.bulk import table_of
from store.db.engine import Database
from store.tables.messages import ConversationRow
from tests.api.conftest import OUT
from tests.app_client import AppClient

CASE = "/conversations/K7QF2MXD4"
DRAFT = f"{CASE}/draft"
FORM = "application/x-www-form-urlencoded"
OURS = {"Sec-Fetch-Site": "same-origin"}
# Nothing is planned for longer than a year ahead of the database's clock.
LATER = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}T09:00"
# A channel that sends the answers of the case at once, and a ready text.
MORE = (
    OUT
    + """
[desk]
undo_send = "0s"
[replies.receipt]
text = { en = "Dear customer, about {reference}: {missing_facts} please.", zh = "您好" }
"""
)


def hidden(page: str, name: str) -> str:
    """Return the value of the page's first field of that name."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, name
    return unescape(found.group(1))


def box(page: str) -> str:
    """Return the text in the page's answer box."""
    return unescape(page.partition('<textarea id="text"')[2].partition(">")[2].partition("</textarea>")[0])


def press(browser: AppClient, path: str, *, page: str | None = None, **fields: str) -> httpx.Response:
    """Send a form of the page as a browser does."""
    shown = page if page is not None else browser.get(CASE).text
    kept = {name: hidden(shown, name) for name in ("version", "key", "seen_at")}
    return browser.post(path, content=urlencode(kept | fields), headers={**OURS, "Content-Type": FORM})


def row(database: Database, model: type[Any] = ConversationRow, **where: object) -> Any:
    """Return the one row with these values."""
    table = table_of(model)
    with database.read() as connection:
        statement = sa.select(table).where(*(table.c[name] == value for name, value in where.items()))
        return connection.execute(statement).mappings().one()


def save_draft(browser: AppClient, text: str, **more: Any) -> dict[str, Any]:
    answer = browser.put(DRAFT, json={"text": text} | more, headers=OURS)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())
