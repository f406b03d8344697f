"""An agent talks to a limited number of visitors at once; the next one gets a place when a chat ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from router.settings import Settings
from store.chat.endings import end_chat
from store.db.bulk import table_of
from store.db.engine import Database
from store.tables.chat import ChatSessionRow
from store.tables.operations import EventRow
from tests.workers.chores.chat_desk import ChatDesk, chat_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return chat_settings(tmp_path)


@pytest.fixture
def desk(database: Database, settings: Settings) -> ChatDesk:
    return ChatDesk(database, settings)


def test_an_agent_gets_as_many_chats_as_there_are_slots_and_the_rest_wait_in_order(desk: ChatDesk) -> None:
    desk.agent("Ann")
    visitors = [desk.visitor() for _ in range(4)]
    assert desk.chats() == {"Ann": 2}
    assert desk.waiting() == [each.id for each in visitors[2:]]
    # When one ends, the next one in turn is given
    with desk.database.write() as connection:
        end_chat(connection, visitors[0].id, by="visitor")
    assert desk.chats() == {"Ann": 2}
    assert desk.waiting() == [visitors[3].id]
    # An own number goes before the channel's
    desk.agent("Bo", chat_slots=0)
    desk.agent("Cy", chat_slots=1)
    assert desk.chats() == {"Ann": 2, "Cy": 1}
    assert desk.waiting() == []


def test_that_no_agent_is_there_is_reported_once(desk: ChatDesk) -> None:
    desk.visitor()
    for _ in range(3):
        assert desk.chats() == {}
    with desk.database.read() as connection:
        kinds = list(connection.execute(sa.select(table_of(EventRow).c.kind)).scalars())
    assert kinds.count("assignment.nobody") == 1


def test_a_visitor_who_is_gone_for_ten_minutes_takes_no_place(desk: ChatDesk) -> None:
    desk.agent("Ann")
    gone = desk.visitor()
    desk.visitor()
    assert desk.chats() == {"Ann": 2}
    table, long_ago = table_of(ChatSessionRow), datetime.now(UTC) - timedelta(minutes=11)
    with desk.database.write() as connection:
        left = sa.update(table).where(table.c.id == gone.id)
        connection.execute(left.values(heard_at=long_ago, here_until=long_ago))
    assert desk.chats() == {"Ann": 1}
    desk.visitor()
    assert desk.chats() == {"Ann": 2}
