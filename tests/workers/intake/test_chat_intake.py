"""A visitor's line on both databases: one however often it is sent, numbered without gaps whoever writes at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa

from router.settings import Settings, read_settings
from store.chat.cases import add_answer
from store.chat.line_log import VisitorLine, lines_after
from store.chat.visitor_sessions import ChatSession, NewChatSession, begin_session
from store.db.bulk import table_of
from store.db.engine import Database
from store.db.ids import new_id
from store.tables.chat import ChatLineRow
from store.tables.messages import InboundRow
from tests.desk import text_in
from workers.intake.chat_intake import ChatIntake
from workers.routing.brain import build_brain
from workers.routing.route import MessageRouter
from workers.runtime import failpoints

CHAT = '[channels.site]\nkind = "chat"\n[channels.mail]'


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings(text_in(tmp_path).replace("[channels.mail]", CHAT, 1))


@pytest.fixture
def session(database: Database) -> ChatSession:
    with database.write() as connection:
        return begin_session(connection, NewChatSession(channel="site", party="visitor"))[0]


@pytest.fixture
def armed(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Arm failpoints in this process."""
    failpoints._armed.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    failpoints._armed.cache_clear()


def line(client_id: str, text: str = "my refund is late") -> VisitorLine:
    return VisitorLine(client_id=client_id, text=text)


def rows(database: Database, model: type) -> list[sa.Row]:
    with database.read() as connection:
        return list(connection.execute(sa.select(table_of(model))).all())


def test_one_client_id_sent_50_times_in_parallel_is_one_line_with_50_equal_answers(
    database: Database, settings: Settings, session: ChatSession
) -> None:
    intake = ChatIntake(settings, database)
    with ThreadPoolExecutor(10) as pool:
        taken = list(pool.map(lambda _: intake.take(session, line("one-and-only"), now=datetime.now(UTC)), range(50)))
    assert len(set(map(repr, taken))) == 1
    assert (len(rows(database, InboundRow)), len(rows(database, ChatLineRow))) == (1, 1)


def test_visitor_and_agents_write_at_once_and_the_numbers_have_no_gaps(
    database: Database, settings: Settings, session: ChatSession
) -> None:
    intake, router = ChatIntake(settings, database), MessageRouter(database, build_brain(settings))
    intake.take(session, line("first-line"), now=datetime.now(UTC))
    assert router.route_oldest()
    with database.read() as connection:
        case = connection.execute(sa.text("SELECT conversation_id FROM chat_session")).scalar_one()

    def write(number: int) -> None:
        if number % 3:
            with database.write() as connection:
                about = _uuid(case)
                author = f"agent {number % 3}"
                add_answer(connection, about, outbound_id=new_id(), author=author, text=f"{number}", automatic=False)
        else:
            intake.take(session, line(f"line-{number:04}", f"{number}"), now=datetime.now(UTC))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(60)))
    with database.read() as connection:
        found = lines_after(connection, session.id, 0)
    assert [each.seq for each in found] == list(range(1, len(found) + 1))
    assert {each.text for each in found if each.kind != "notice"} == {"my refund is late", *map(str, range(60))}


@pytest.mark.parametrize("place", ["chat.before", "chat.written", "chat.after"])
def test_a_send_that_is_cut_anywhere_and_repeated_is_one_line(
    place: str, database: Database, settings: Settings, session: ChatSession, armed: pytest.MonkeyPatch
) -> None:
    intake = ChatIntake(settings, database)
    armed.setenv("OMNIYARD_FAILPOINTS", f"{place}=raise")
    with pytest.raises(failpoints.FailpointError):
        intake.take(session, line("cut-and-sent"), now=datetime.now(UTC))
    armed.delenv("OMNIYARD_FAILPOINTS")
    failpoints._armed.cache_clear()
    taken = intake.take(session, line("cut-and-sent"), now=datetime.now(UTC))
    assert taken.seq == 1
    assert (len(rows(database, InboundRow)), len(rows(database, ChatLineRow))) == (1, 1)


def _uuid(value: object) -> UUID:
    return value if isinstance(value, UUID) else UUID(str(value))
