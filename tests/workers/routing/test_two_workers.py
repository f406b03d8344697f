"""Two workers at once: what concerns one customer is decided one after the other."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from store.db.engine import Database
from tests.desk import TOML
from tests.workers.routing.batch_desk import CHAT, SAID, BatchDesk
from workers.routing.route import MessageRouter

_WAITING = sa.text(
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> BatchDesk:
    if database.is_sqlite:
        pytest.skip("SQLite has one writer at a time")
    (tmp_path / "secret").write_text("123:abc")
    return BatchDesk(database, tmp_path, toml=TOML.replace("\n[calendars.office]", CHAT, 1))


def test_a_customer_who_says_the_same_by_mail_and_by_chat_at_once_has_one_case(
    desk: BatchDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.route(desk.mail("ann", "first", subject="Another matter"))
    desk.know_as("ann")
    decided, second_reads, go = threading.Event(), threading.Event(), threading.Event()

    def reach(name: str) -> None:
        if threading.current_thread().name == "by mail" and name == "route.decided":
            decided.set()
            assert go.wait(60)
        if threading.current_thread().name == "by chat" and name == "route.locked":
            second_reads.set()

    monkeypatch.setattr("workers.routing.route.reach", reach)
    workers = [
        threading.Thread(target=MessageRouter(desk.database, desk.brain).route_oldest, name=name)
        for name in ("by mail", "by chat")
    ]
    desk.accept(desk.mail("ann", "mailed", subject="Transfer", text=SAID))
    workers[0].start()
    assert decided.wait(60)
    desk.accept(desk.line("ann", "said", SAID))
    workers[1].start()
    while not second_reads.is_set() and not _waits(desk.database):
        time.sleep(0.01)
    go.set()
    for each in workers:
        each.join(60)

    assert desk.places() == {"ann.first": "ann.first", "ann.mailed": "ann.mailed", "ann.said": "ann.mailed"}


def _waits(database: Database) -> bool:
    with database.read() as connection:
        return bool(connection.execute(_WAITING).scalar_one())
