"""The page of a case calls a missing fact as the operator does, and so does the question that asks for it."""

from __future__ import annotations

from typing import Any

import pytest

from store.db.engine import Database
from tests.api.conftest import settings_in
from tests.api.pages.case_page import CASE, MORE
from tests.app_client import AppClient
from tests.inbox_builder import NOON, Builder

TITLE = '[facts.transaction]\ntitle = { en = "the order number", zh = "订单号" }\n'


@pytest.fixture
def settings(tmp_path: Any) -> Any:
    return settings_in(tmp_path / "data", more=MORE + TITLE)


@pytest.mark.parametrize(
    ("language", "chip"), [("en", '<span class="chip high">the order number</span>'), ("zh", "订单号</span>")]
)
def test_what_is_missing_is_called_as_the_operator_does(
    browser: AppClient, database: Database, language: str, chip: str
) -> None:
    # Given a case of an English customer that lacks the number
    with database.write() as connection:
        build = Builder(connection)
        opened = build.conversation(reference="K7QF2MXD4", channel="out", waiting_since=NOON)
        build.message(opened, channel="out", rfc_message_id="first@example.com")
    # When an agent opens it
    page = browser.get(CASE, headers={"Accept-Language": language}).text
    # Then the chip is in the agent's language, the question and the ready text in the customer's
    assert chip in page
    assert "please tell us the order number. Please never send passwords" in page
    assert "K7QF2MXD4: the order number please.</textarea>" in browser.get(f"{CASE}?canned=receipt").text
