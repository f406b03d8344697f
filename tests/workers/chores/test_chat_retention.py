"""Chats are forgotten with their secrets; an open case keeps the way to its visitor."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from router.conversation_status import Status
from router.settings import Settings
from store.db.bulk import table_of
from store.db.engine import Database
from store.tables.agents import AgentRow
from store.tables.chat import ChatLineRow, ChatSessionRow
from store.tables.messages import ConversationRow, MessageRow
from store.tables.readers import PresenceRow
from tests.workers.chores.chat_desk import ChatDesk, chat_settings
from workers.chores.chat_retention import ChatForgetter


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return chat_settings(tmp_path)


@pytest.fixture
def desk(database: Database, settings: Settings) -> ChatDesk:
    return ChatDesk(database, settings)


def count(database: Database, model: type) -> int:
    with database.read() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(table_of(model))).scalar_one())


def test_chats_of_resolved_cases_are_forgotten_after_30_days_and_their_messages_stay(desk: ChatDesk) -> None:
    over, waiting, fresh = desk.visitor(), desk.visitor(), desk.visitor()
    table, case = table_of(ChatSessionRow), table_of(ConversationRow)
    long_ago = datetime.now(UTC) - timedelta(days=31)
    with desk.database.write() as connection:
        old = sa.update(table).where(table.c.id.in_([over.id, waiting.id]))
        connection.execute(
            old.values(heard_at=long_ago, changed_at=long_ago, address="203.0.113.7", email="a@b.example")
        )
        of_over = sa.select(table.c.conversation_id).where(table.c.id == over.id).scalar_subquery()
        connection.execute(sa.update(case).where(case.c.id == of_over).values(status=Status.RESOLVED))
    assert ChatForgetter(desk.database).once() == 1
    with desk.database.read() as connection:
        left = {row.id: row for row in connection.execute(sa.select(table))}
    assert set(left) == {waiting.id, fresh.id}
    # A secret and an address are of no use any more; the mail address still is
    assert left[waiting.id].secret_hash.startswith("none-")
    assert (left[waiting.id].address, left[waiting.id].email) == ("", "a@b.example")
    assert (count(desk.database, ChatLineRow), count(desk.database, MessageRow)) == (2, 3)
    assert ChatForgetter(desk.database).once() == 0


def test_rows_of_agents_who_left_a_page_are_deleted(desk: ChatDesk) -> None:
    desk.agent("Ann")
    desk.visitor()
    with desk.database.write() as connection:
        agent = connection.execute(sa.select(table_of(AgentRow).c.id)).scalar_one()
        case = connection.execute(sa.select(table_of(ConversationRow).c.id)).scalar_one()
        row = {"conversation_id": case, "agent_id": agent, "writing": False}
        past = datetime.now(UTC) - timedelta(minutes=1)
        connection.execute(sa.insert(table_of(PresenceRow)).values(**row, until=past))
    ChatForgetter(desk.database).once()
    assert count(desk.database, PresenceRow) == 0
