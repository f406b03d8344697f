"""A case is merged, or put back, while a worker routes a message of its customer: both are whole, in either order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa

from store.conversations import merge as merging
from store.db.engine import Database, read_clock
from store.tables.messages import InboundRow, MessageRow
from tests.desk import Desk, envelope
from tests.workers.merged_alarms import (
    CALM,
    DANGER,
    ESCALATES,
    alarms,
    called,
    case,
    home_of,
    listed,
    opened,
    undo,
    wait,
)
from workers.routing.route import MessageRouter

_WAITING = sa.text(
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
)
# Where a worker stands when the merge begins: before it has locked the sender, and with its locks.
_PLACES = ("route.claimed", "route.read", "route.locked", "route.decided", "route.written")
_ORDINARY, _DANGER = "Do you need anything from me?", "Someone has hacked my wallet"
# Whether the merged case is the emergency, and what its customer writes meanwhile.
_NEWS = [(True, _ORDINARY), (True, _DANGER), (False, _ORDINARY), (False, _DANGER)]
_TIMES = 6


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    return Desk(database, tmp_path, toml=ESCALATES)


class Stop:
    """Holds the worker's thread at one place until it may go on."""

    def __init__(self, place: str) -> None:
        self._place, self.there, self.go = place, threading.Event(), threading.Event()

    def reach(self, name: str) -> None:
        if name == self._place and threading.current_thread().name.startswith("worker"):
            self.there.set()
            assert self.go.wait(60)


def merge(desk: Desk, source: UUID, target: UUID, *, held: Callable[[], None] = lambda: None) -> UUID:
    with desk.database.write() as connection:
        now = read_clock(connection)
        kept = merging.merge(connection, source_id=source, target_id=target, by="Ann", now=now)
        held()
    return kept


def waits_or_ends(desk: Desk, other: object) -> None:
    """Return once the other thread waits for a lock or has ended; SQLite's does not say that it waits."""
    while not desk.database.is_sqlite and not other.done():  # type: ignore[attr-defined]
        with desk.database.read() as connection:
            if connection.execute(_WAITING).scalar_one():
                return
        time.sleep(0.01)


def two_cases(desk: Desk, *, danger: bool) -> tuple[UUID, UUID]:
    """Return the case into which the message will come, and another one of its customer."""
    one, other = opened(desk, *((DANGER, CALM) if danger else (CALM, ("other", "My address", "I have moved house."))))
    return one, other


def write_to(desk: Desk, *, danger: bool, text: str, key: str = "news") -> None:
    first = DANGER if danger else CALM
    parent = (f"{first[0]}@customer.example",)
    desk.accept(envelope(key, subject=f"Re: {first[1]}", text=text, in_reply_to=parent))


def check(desk: Desk, *, home: UUID, danger: bool, text: str) -> None:
    """Every message is there once, in that case, and so is the alarm that calls, if there is danger."""
    assert {*desk.rows(InboundRow, "state")} == {"routed"}
    assert len(desk.rows(MessageRow)) == len(desk.rows(InboundRow)) == 3
    first = (DANGER if danger else CALM)[0]
    assert (home_of(desk, first), home_of(desk, "news")) == (home, home)
    is_urgent = danger or text == _DANGER
    assert [*alarms(desk)] == listed(desk) == ([home] if is_urgent else [])
    assert case(desk, home).status == "open"
    wait(desk)
    assert called(desk) == ([home] if is_urgent else [])


@pytest.mark.parametrize("place", _PLACES)
@pytest.mark.parametrize(("danger", "text"), _NEWS)
def test_a_case_is_merged_while_a_message_comes_into_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, place: str, danger: bool, text: str
) -> None:
    source, target = two_cases(desk, danger=danger)
    write_to(desk, danger=danger, text=text)
    stop = Stop(place)
    monkeypatch.setattr("workers.routing.route.reach", stop.reach)
    with ThreadPoolExecutor(1, "worker") as workers, ThreadPoolExecutor(1) as agents:
        routed = workers.submit(desk.router.route_oldest)
        assert stop.there.wait(60)
        merged = agents.submit(merge, desk, source, target)
        waits_or_ends(desk, merged)
        stop.go.set()
        assert routed.result(60) == 1
        kept = merged.result(60)

    check(desk, home=target, danger=danger, text=text)
    undo(desk, kept)
    assert home_of(desk, (DANGER if danger else CALM)[0]) == source
    assert len(desk.rows(MessageRow)) == 3
    # What came before the merge goes back; there is an alarm in each case with danger.
    dangers = ({source} if danger else set()) | ({home_of(desk, "news")} if text == _DANGER else set())
    assert {*alarms(desk)} == {*listed(desk)} == dangers


@pytest.mark.parametrize(("danger", "text"), _NEWS)
def test_a_message_comes_into_a_case_that_is_being_merged(desk: Desk, danger: bool, text: str) -> None:
    source, target = two_cases(desk, danger=danger)
    write_to(desk, danger=danger, text=text)
    with ThreadPoolExecutor(1, "worker") as workers:
        routed = []

        def held() -> None:
            routed.append(workers.submit(desk.router.route_oldest))
            waits_or_ends(desk, routed[0])

        merge(desk, source, target, held=held)
        routed[0].result(60)
    while MessageRouter(desk.database, desk.brain).route_oldest():
        pass

    check(desk, home=target, danger=danger, text=text)


@pytest.mark.parametrize(("danger", "text"), _NEWS)
def test_merges_and_undone_ones_race_with_messages(desk: Desk, danger: bool, text: str) -> None:
    source, target = two_cases(desk, danger=danger)
    for number in range(_TIMES):
        write_to(desk, danger=danger, text=text, key=f"news{number}")
        begin = threading.Barrier(2)

        def route(begin: threading.Barrier = begin) -> None:
            begin.wait(60)
            while desk.router.route_oldest() or desk.router.route_alone():
                pass

        def regroup(begin: threading.Barrier = begin) -> None:
            begin.wait(60)
            undo(desk, merge(desk, source, target))

        with ThreadPoolExecutor(2) as pool:
            for each in [pool.submit(route), pool.submit(regroup)]:
                each.result(120)
        desk.let_waits_end()
        while desk.router.route_oldest() or desk.router.route_alone():
            pass
        homes = [home_of(desk, f"news{before}") for before in range(number + 1)]
        assert {*homes} <= {source, target}
        assert len(desk.rows(MessageRow)) == len(desk.rows(InboundRow)) == 3 + number
        assert {*desk.rows(InboundRow, "state")} == {"routed"}
        urgent = ({source} if danger else set()) | ({*homes} if text == _DANGER else set())
        # Danger that is said again in a case has the alarm of this case.
        assert {*alarms(desk)} == {*listed(desk)} == urgent
    wait(desk)
    assert {*called(desk)} == urgent
