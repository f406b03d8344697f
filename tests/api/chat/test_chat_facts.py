"""What all visitors of a chat see alike: a reading that was overtaken is not kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI

from api.services.chats import Chats
from store.db.engine import Database
from tests.api.chat.conftest import ChatVisitor
from tests.api.conftest import MovingClock

PATIENCE = 60.0


class SlowReader:
    """A thread that has read the queue and does not go on before it may."""

    def __init__(self, database: Database) -> None:
        self._name, self._has_read, self._goes_on = "slow reader", threading.Event(), threading.Event()
        self._threads = ThreadPoolExecutor(1, self._name)
        sa.event.listen(database.engine, "after_cursor_execute", self._pause)

    def _pause(self, _connection: object, _cursor: object, statement: str, *_: Any) -> None:
        if threading.current_thread().name.startswith(self._name) and "waiting_since IS NOT NULL" in statement:
            self._has_read.set()
            assert self._goes_on.wait(PATIENCE)

    def around(self, read: Callable[[], object], changes: Callable[[], object]) -> None:
        """Let the changes happen after `read` has asked the database and before it returns."""
        reading = self._threads.submit(read)
        assert self._has_read.wait(PATIENCE)
        changes()
        self._goes_on.set()
        reading.result(PATIENCE)
        self._threads.shutdown()


def test_a_slow_reading_of_the_queue_does_not_hide_who_has_just_written(
    app: FastAPI, database: Database, clock: MovingClock, visitor: ChatVisitor
) -> None:
    chats: Chats = app.state.desk.chats
    visitor.begin()
    chats.facts.forget("site")

    SlowReader(database).around(
        lambda: chats.facts.of("site", now=clock()), lambda: visitor.write("where is my refund?")
    )

    assert visitor.state()["place"] == 1


def test_a_slow_reading_of_the_queue_does_not_replace_a_newer_one(
    app: FastAPI, database: Database, clock: MovingClock, visitor: ChatVisitor
) -> None:
    chats: Chats = app.state.desk.chats
    visitor.begin()
    chats.facts.forget("site")

    def write_and_read() -> None:
        visitor.write("where is my refund?")
        assert visitor.state()["place"] == 1

    SlowReader(database).around(lambda: chats.facts.of("site", now=clock()), write_and_read)

    assert visitor.state()["place"] == 1
