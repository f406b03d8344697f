"""The chats on the desk's one stream: what the visitor of an open conversation does, and who waits."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from api.pages.live.chat_news import LiveChatNews
from api.services.desk_stream import DeskLook, DeskNotice, DeskReader
from store.db.bulk import table_of
from store.db.engine import Database
from store.tables.messages import ConversationRow
from tests.api.chat.agent_requests import answer
from tests.api.chat.conftest import ChatVisitor, Hands
from tests.api.conftest import MovingClock
from tests.app_client import AppClient

ALL = DeskReader(agent_id=uuid4(), name="Ann", sees_only=None, language="en")
RISK = DeskReader(agent_id=uuid4(), name="Bo", sees_only=frozenset({"risk"}), language="zh")


class Stream:
    """The source, looked at by hand."""

    def __init__(self, app: FastAPI, database: Database, clock: MovingClock) -> None:
        self.news, self.database, self.clock = LiveChatNews(app.state.desk), database, clock

    def look(self, *, fresh: tuple[DeskReader, ...] = ()) -> list[DeskNotice]:
        self.news._next_at = 0.0
        look = DeskLook(events=(), readers=[ALL, RISK], now=self.clock(), fresh=fresh)
        with self.database.read() as connection:
            return list(self.news(connection, look))

    def received(self, kind: str) -> list[dict[str, Any]]:
        """Return what the agent who sees all hears now."""
        return [json.loads(each.data["en"]) for each in self.look() if each.kind == kind and each.is_for(ALL)]


@pytest.fixture
def stream(app: FastAPI, database: Database, clock: MovingClock) -> Stream:
    return Stream(app, database, clock)


@pytest.fixture
def case(visitor: ChatVisitor, hands: Hands, database: Database) -> tuple[UUID, str]:
    visitor.begin(name="Wu Min")
    visitor.write("my refund is late")
    hands.work()
    table = table_of(ConversationRow)
    with database.read() as connection:
        row = connection.execute(sa.select(table.c.id, table.c.reference)).one()
    return row.id, row.reference


def test_an_open_chat_tells_new_lines_typing_and_what_was_read_once_each(
    stream: Stream, case: tuple[UUID, str], visitor: ChatVisitor, client: AppClient, hands: Hands
) -> None:
    assert stream.received("chat") == [], "no agent has it open"
    client.get(f"/conversations/{case[1]}/pulse", headers={"X-Omniyard-Poll": "1"})
    (first,) = stream.received("chat")
    assert (first["id"], first["last"], first["read"]) == (str(case[0]), 1, 0)
    assert stream.received("chat") == [], "nothing changed"
    visitor.post("marks", typing=True)
    assert stream.received("chat")[0]["said"] == "The visitor is typing"
    answer(client, case[1], "How can I help?")
    hands.work()
    assert stream.received("chat")[0]["last"] == 3
    visitor.post("marks", seen=3, read=3)
    assert stream.received("chat")[0]["read"] == 3
    visitor.write("thank you")
    assert stream.received("chat")[0]["last"] == 4
    # A page that is opened now hears the state; others hear nothing again
    (notice,) = [each for each in stream.look(fresh=(ALL,)) if each.kind == "chat"]
    assert (notice.is_for(ALL), notice.is_for(RISK)) == (True, False)


def test_a_change_among_those_who_wait_goes_only_to_their_team(
    stream: Stream, case: tuple[UUID, str], visitors: Callable[..., ChatVisitor], client: AppClient, hands: Hands
) -> None:
    (notice,) = stream.look()
    assert json.loads(notice.data["en"]) == {"waiting": [[case[1], False]]}
    assert (notice.is_for(ALL), notice.is_for(RISK)) == (True, False)
    assert stream.look() == []
    other = visitors()
    other.begin()
    other.write("hello")
    hands.work()
    assert len(stream.received("chats")[0]["waiting"]) == 2
    answer(client, case[1], "How can I help?")
    hands.work()
    assert len(stream.received("chats")[0]["waiting"]) == 1
