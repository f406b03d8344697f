"""A desk with a chat whose agents talk to a limited number of visitors at once. A plain module."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from router.settings import Settings, read_settings
from store.chat.line_log import VisitorLine
from store.chat.queue import waiting_in
from store.chat.slots import chats_by_agent
from store.chat.visitor_sessions import ChatSession, NewChatSession, begin_session
from store.db.engine import Database
from store.desk.agents import add_agent
from store.desk.assignment import set_duty
from store.tables.agents import SkillKind
from tests.desk import text_in
from workers.chores.assign import Assigner
from workers.intake.chat_intake import ChatIntake
from workers.routing.brain import build_brain
from workers.routing.route import MessageRouter

CHAT = '[channels.site]\nkind = "chat"\nteam = "front-line"\nslots = 2\n[channels.mail]'
TEAMS = '[teams.front-line]\ntitle = "Front line"\n'


def chat_settings(folder: Path) -> Settings:
    """Return the desk's file with a chat whose team gets its cases in turn."""
    text = text_in(folder).replace("[channels.mail]", CHAT, 1)
    assert TEAMS in text
    return read_settings(text.replace(TEAMS, f'{TEAMS}assign = "round_robin"\n'))


class ChatDesk:
    """Visitors who write, and the worker's two steps."""

    def __init__(self, database: Database, settings: Settings) -> None:
        brain = build_brain(settings)
        self.database, self.intake, self.router = (
            database,
            ChatIntake(settings, database),
            MessageRouter(database, brain),
        )
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
