"""A batch whose writing another session's lock holds up: it is written again as a whole, not message by message."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from store.db.engine import Database
from store.tables.messages import ConversationRow, InboundRow
from tests.desk import Desk, envelope


@pytest.fixture
def desk(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    # Five seconds as shipped; read when a connection is made.
    for module in ("sqlite_engine", "postgresql_engine"):
        monkeypatch.setattr(f"store.db.dialects.{module}.LOCK_SECONDS", 1)
    database = Database(database_url)
    yield Desk(database, tmp_path)
    database.close()


class Holder:
    """Another session that takes its lock when a batch has been read."""

    def __init__(self, url: str) -> None:
        self._database = Database(url)
        self._held, self._free = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._hold)

    def reach(self, name: str) -> None:
        if name == "route.read" and not self._held.is_set():
            self._thread.start()
            assert self._held.wait(60)

    def let_go(self) -> None:
        self._free.set()
        self._thread.join(60)
        self._database.close()

    def _hold(self) -> None:
        with self._database.write() as connection:
            if not self._database.is_sqlite:
                connection.execute(sa.text("LOCK TABLE contact IN EXCLUSIVE MODE"))
            self._held.set()
            assert self._free.wait(60)


@pytest.fixture
def holder(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Holder:
    holder = Holder(database_url)
    monkeypatch.setattr("workers.routing.route.reach", holder.reach)
    return holder


def test_a_batch_that_a_lock_holds_up_is_written_once_more_as_a_whole(desk: Desk, holder: Holder) -> None:
    desk.accept(*(envelope(key) for key in "123"))

    with capture_logs() as logs:
        worker = threading.Thread(target=desk.router.route_oldest)
        worker.start()
        while not any(each["event"] == "route.again" for each in logs):
            assert worker.is_alive()
            time.sleep(0.01)
        holder.let_go()
        worker.join(60)

    assert desk.states() == dict.fromkeys("123", "routed")
    assert desk.rows(InboundRow, "attempts") == [1, 1, 1]
    assert len(desk.rows(ConversationRow, "id")) == 3


def test_a_lock_that_stays_leaves_the_messages_to_go_one_by_one(desk: Desk, holder: Holder) -> None:
    desk.accept(*(envelope(key) for key in "123"))

    desk.router.route_oldest()
    holder.let_go()
    assert desk.states() == dict.fromkeys("123", "received")

    desk.let_waits_end()
    desk.route()
    assert desk.states() == dict.fromkeys("123", "routed")
    assert len(desk.rows(ConversationRow, "id")) == 3
