"""A chat that ends while its case is merged: both happen, whichever comes first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from benchmarks.rig import wait_until
from store.chat import visitor_sessions
from store.chat.endings import end_and_close, end_chat
from store.conversations.merge import merge
from store.conversations.regroupings.undo import undo_regrouping as undo
from store.db.bulk import table_of
from store.db.engine import Database, read_clock
from store.tables.chat import ChatSessionRow
from store.tables.messages import ConversationRow
from tests.inbox_builder import Builder


def begun(database: Database) -> tuple[UUID, UUID, UUID]:
    """Return a chat whose answered case is pending, this case, and another one of the same customer."""
    with database.write() as connection:
        build = Builder(connection)
        case = build.conversation(reference="CCCCCCCCC", handle="wu@example.com", status="pending")
        contact = build.contacts["wu@example.com"]
        new = visitor_sessions.NewChatSession(channel="site", party="chat_visitor")
        session, _ = visitor_sessions.begin_session(connection, new)
        other = Builder(connection, contacts={"wu@example.com": contact}).conversation(
            reference="MMMMMMMMM", handle="wu@example.com"
        )
        visitor_sessions.change_session(connection, session.id, conversation_id=case, last_seq=1)
    return session.id, case, other


def status_of(database: Database, conversation_id: UUID) -> str:
    table = table_of(ConversationRow)
    with database.read() as connection:
        found = sa.select(table.c.status).where(table.c.id == conversation_id)
        return str(connection.execute(found).scalar_one())


def session_row(database: Database, session_id: UUID) -> Any:
    table = table_of(ChatSessionRow)
    with database.read() as connection:
        return connection.execute(sa.select(table).where(table.c.id == session_id)).one()


def wait_for_lock(database: Database) -> None:
    waiting = sa.text("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")

    def waits() -> bool:
        with database.read() as connection:
            return connection.execute(waiting).first() is not None

    wait_until(waits, seconds=60)


def test_the_answered_case_of_an_ended_chat_is_resolved_once(database: Database) -> None:
    session, case, _ = begun(database)
    for ends in (True, False):
        with database.write() as connection:
            assert end_and_close(connection, session, by="visitor") is ends
    assert status_of(database, case) == "resolved"


@pytest.mark.parametrize("danger", ["emergency", "possible_danger"])
def test_the_case_of_an_ended_chat_in_which_someone_may_be_in_danger_waits_for_an_agent(
    database: Database, danger: str
) -> None:
    session, case, _ = begun(database)
    table = table_of(ConversationRow)
    with database.write() as connection:
        connection.execute(sa.update(table).where(table.c.id == case).values({danger: True}))
        assert end_and_close(connection, session, by="idle")
    assert status_of(database, case) == "pending"


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_chat_ends_while_its_case_is_merged(database: Database) -> None:
    # Given a merge that holds the case, and not its chat yet
    session, case, other = begun(database)
    table = table_of(ConversationRow)

    def end() -> bool:
        with database.write() as connection:
            return end_and_close(connection, session, by="visitor")

    # When the visitor ends the chat, then the merge needs no lock that the visitor has
    with ThreadPoolExecutor(1) as pool:
        with database.write() as connection:
            connection.execute(sa.select(table.c.id).where(table.c.id == case).with_for_update()).all()
            ending = pool.submit(end)
            wait_for_lock(database)
            now = read_clock(connection)
            kept = merge(connection, source_id=case, target_id=other, by="Ann", now=now)
        assert ending.result() is True

    # Then both are done, and the merge can be undone
    assert (session_row(database, session).conversation_id, session_row(database, session).ended_by) == (
        other, "visitor",
    )  # fmt: skip
    with database.write() as connection:
        undo(connection, kept, by="Ann", now=read_clock(connection))
    assert session_row(database, session).conversation_id == case
    assert session_row(database, session).ended_by == "visitor"


def test_a_chat_that_an_agent_ends_leaves_its_case_to_the_agent(database: Database) -> None:
    session, case, _ = begun(database)
    with database.write() as connection:
        assert end_chat(connection, session, by="agent", name="Ann")
    assert status_of(database, case) == "pending"
