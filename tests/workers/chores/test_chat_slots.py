"""An agent talks to a limited number of visitors at once; the next one gets a place when a chat ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from router.settings import Settings, read_settings
from store.chat.endings import end_chat
from store.chat.line_log import VisitorLine
from store.chat.queue import waiting_in
from store.chat.slots import chats_by_agent
from store.chat.visitor_sessions import ChatSession, NewChatSession, begin_session
from store.db.bulk import table_of
from store.db.engine import Database
from store.desk.agents import add_agent
from store.desk.assignment import set_duty
from store.tables.agents import SkillKind
from store.tables.chat import ChatSessionRow
from store.tables.operations import EventRow
from tests.desk import text_in
from workers.chores.assign import Assigner
from workers.intake.chat_intake import ChatIntake
from workers.routing.brain import build_brain
from workers.routing.route import Router

CHAT = '[channels.site]\nkind = "chat"\nteam = "front-line"\nslots = 2\n[channels.mail]'
TEAMS = '[teams.front-line]\ntitle = "Front line"\n'


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return chat_settings(tmp_path)


def chat_settings(folder: Path) -> Settings:
    """Return the desk's file with a chat whose team gets its cases in turn."""
    text = text_in(folder).replace("[channels.mail]", CHAT, 1)
    assert TEAMS in text
    return read_settings(text.replace(TEAMS, f'{TEAMS}assign = "round_robin"\n'))


class ChatDesk:
    """Visitors who write, and the worker's two steps."""

    def __init__(self, database: Database, settings: Settings) -> None:
        brain = build_brain(settings)
        self.database, self.intake, self.router = database, ChatIntake(settings, database), Router(database, brain)
        self.assigner = Assigner(database, brain)

    def visitor(self) -> ChatSession:
        with self.database.write() as connection:
            session = begin_session(connection, NewChatSession(channel="site", party="visitor"))[0]
        self.intake.take(session, VisitorLine(client_id="first-line", text="hello"), now=datetime.now(UTC))
        while self.router.route_oldest():
            pass
        return session

    def agent(self, name: str, **duty: int) -> None:
        with self.database.write() as connection:
            add_agent(connection, name=name, role="agent")
            set_duty(connection, name=name, available=True, skills={SkillKind.TEAM: ["front-line"]}, **duty)

    def chats(self) -> dict[str, int]:
        self.assigner.once()
        with self.database.read() as connection:
            return chats_by_agent(connection)

    def waiting(self) -> list[object]:
        with self.database.read() as connection:
            return list(waiting_in(connection, "site"))


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
