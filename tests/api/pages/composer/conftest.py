"""A case that waits for an answer, at a desk that sends answers by mail at once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from store.db.engine import Database
from tests.api.conftest import settings_in
from tests.api.pages.case_page import MORE
from tests.inbox_builder import Builder


@pytest.fixture
def settings(tmp_path: Any) -> Any:
    return settings_in(tmp_path / "data", more=MORE)


@pytest.fixture
def case(database: Database) -> UUID:
    with database.write() as connection:
        build = Builder(connection)
        opened = build.conversation(reference="K7QF2MXD4", channel="out")
        build.message(opened, channel="out", rfc_message_id="first@example.com")
        return opened
