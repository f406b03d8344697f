"""Threads of one worker route batch after batch: in order, and none waits for one that hangs or for a heavy message."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from store.db.bulk import table_of
from store.db.engine import Database
from store.inbound.claims import LIGHT
from store.tables.messages import InboundRow
from tests.desk import Desk, envelope
from workers.routing import reading_turn
from workers.routing.reading_turn import ReadingTurn


def test_the_thread_that_waits_goes_before_the_one_that_has_just_had_the_turn() -> None:
    taken = ReadingTurn()
    order: list[str] = []
    waiting, entered = threading.Event(), threading.Event()

    def wait() -> None:
        waiting.set()
        with taken:
            order.append("waited")
            entered.set()

    other = threading.Thread(target=wait)
    with taken:
        other.start()
        assert waiting.wait(30)
        while not taken.waiting:
            pass
        order.append("first")
    with taken:
        order.append("again")
    other.join()

    assert entered.is_set()
    assert order == ["first", "waited", "again"]


def test_a_turn_that_was_passed_on_is_not_given_back_twice() -> None:
    taken, passed, left = ReadingTurn(), threading.Event(), threading.Event()

    def read_and_write() -> None:
        with taken:
            taken.pass_on()
            passed.set()
            left.wait(30)

    other = threading.Thread(target=read_and_write)
    other.start()
    assert passed.wait(30)
    with taken:
        left.set()
        other.join()
        assert taken.is_held
    assert not taken.is_held


def test_the_turn_is_taken_from_a_thread_that_hangs_and_the_others_wait_for_it_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading_turn, "_LONGEST_SECONDS", 0.2)
    taken, released = ReadingTurn(), threading.Event()
    entered = threading.Event()

    def hang() -> None:
        with taken:
            entered.set()
            released.wait(30)

    other = threading.Thread(target=hang)
    other.start()
    assert entered.wait(30)
    with taken:
        monkeypatch.setattr(reading_turn, "_LONGEST_SECONDS", 3600.0)
        # Its end does not give back what another thread has by now.
        released.set()
        other.join()
        assert taken.is_held
    # After it, no batch waits for the thread that hangs.
    for _ in range(3):
        with taken:
            pass
    assert not taken.is_held


def test_many_threads_take_turns_one_at_a_time_and_all_come_to_their_end() -> None:
    taken = ReadingTurn()
    inside: list[int] = []
    most: list[int] = []

    def work(number: int) -> None:
        for turns in range(50):
            with taken:
                inside.append(number)
                most.append(len(inside))
                inside.remove(number)
                if turns % 2:
                    taken.pass_on()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert (len(most), max(most), taken.is_held, taken.waiting) == (400, 1, False, 0)


@pytest.mark.parametrize(("weight", "keeps_others_waiting"), [(LIGHT, True), (LIGHT + 1, False)])
def test_a_heavy_message_leaves_the_turn_to_others(
    database: Database, tmp_path: Path, weight: int, keeps_others_waiting: bool
) -> None:
    desk = Desk(database, tmp_path)
    held: list[bool] = []
    desk.accept(envelope("1"))
    with database.write() as connection:
        connection.execute(sa.update(table_of(InboundRow)).values(weight=weight))

    def look(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        # A batch that has been read looks up its senders, and only then passes the turn on.
        if statement.startswith("SELECT") and "identity" in statement:
            held.append(desk.router._turn.is_held)

    sa.event.listen(database.engine, "before_cursor_execute", look)
    assert desk.router.route_oldest() == 1

    assert held[0] is keeps_others_waiting
