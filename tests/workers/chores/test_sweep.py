"""The sweep does all due work, and a failure does not stop the rest."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import pytest

from connectors.watchdog import Watchdog
from router.errors import TransientError
from store.db.engine import Database
from tests.desk import Desk, envelope
from workers.chores.chore_lane import PERIOD_SECONDS, ChoreLane
from workers.chores.sweep import Sweep
from workers.routing.route import MessageRouter


class Chore:
    def __init__(self, *results: int | Exception) -> None:
        self.results, self.turns = list(results), 0

    def once(self) -> int:
        self.turns += 1
        result = self.results.pop(0) if self.results else 0
        if isinstance(result, Exception):
            raise result
        return result


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    return Desk(database, tmp_path)


def sweep(desk: Desk, *chores: Chore) -> Sweep:
    # The clock stands, so that a turn of routing ends when nothing is due, and not because the machine is busy.
    return Sweep(desk.router, stopped=threading.Event(), watchdog=Watchdog(), chores=chores, clock=lambda: 0.0)


def test_due_messages_are_routed_without_a_bell(desk: Desk) -> None:
    desk.accept(envelope("1"), envelope("2"))

    assert sweep(desk).once() == 2
    assert set(desk.states().values()) == {"routed"}


def test_every_chore_runs_after_a_failure(desk: Desk) -> None:
    chores = [Chore(TransientError()), Chore(ZeroDivisionError()), Chore(3)]

    assert sweep(desk, *chores).once() == 3
    assert [chore.turns for chore in chores] == [1, 1, 1]


def test_a_chore_that_takes_long_keeps_no_other_waiting(desk: Desk) -> None:
    begun, goes_on, watchdog, promises = threading.Event(), threading.Event(), Watchdog(), Chore(1)

    class Slow:
        def once(self) -> int:
            begun.set()
            goes_on.wait()
            return 0

    lane = ChoreLane("slow", [Slow()], watchdog=watchdog)
    lane.start()
    assert begun.wait(60)

    assert sweep(desk, promises).once() == 1

    goes_on.set()
    lane.stop(seconds=60)


def test_a_lane_goes_on_after_a_failure_and_until_nothing_is_left() -> None:
    done = threading.Event()

    class Last(Chore):
        def once(self) -> int:
            found = super().once()
            if not self.results:
                done.set()
            return found

    chores = [Chore(ZeroDivisionError(), 1), Last(TransientError(), 2)]
    lane = ChoreLane("slow", chores, watchdog=Watchdog())
    lane.start()

    assert done.wait(60)
    lane.stop(seconds=60)
    assert [chore.turns >= 2 for chore in chores] == [True, True]


def test_a_message_of_a_dead_batch_is_routed_between_new_batches(desk: Desk) -> None:
    desk.accept(envelope("1"))
    desk.claim_and_die()
    desk.accept(envelope("2"))
    desk.let_waits_end()

    sweep(desk).once()

    assert set(desk.states().values()) == {"routed"}


class FloodedRouter(MessageRouter):
    """A router that always finds urgent messages, three times."""

    left = 3

    def route_urgent(self) -> int:
        self.left -= 1
        return int(self.left >= 0)

    def route_oldest(self) -> int:
        return self.route_urgent()


def test_an_ordinary_message_is_routed_in_a_round_though_urgent_ones_are_always_due(desk: Desk) -> None:
    desk.accept(envelope("1"))
    desk.router = FloodedRouter(desk.database, desk.brain)

    sweep(desk).once()

    assert set(desk.states().values()) == {"routed"}


class BusyRouter(MessageRouter):
    """A router that always finds a message; each round takes 0.3 s, and after `rounds` of them the worker is stopped.

    done: what was done, in this order.
    """

    def __init__(self, desk: Desk, *, rounds: int) -> None:
        super().__init__(desk.database, desk.brain)
        self.rounds, self.seconds, self.stopped = rounds, 0.0, threading.Event()
        self.done: list[str] = []

    def route_urgent(self) -> int:
        self.done.append("batch")
        self.seconds += 0.3
        if len(self.done) >= self.rounds:
            self.stopped.set()
        return 1

    def once(self) -> int:
        """Be a chore, of which nothing is due."""
        self.done.append("chore")
        return 0


def test_the_chores_run_while_messages_are_always_due(desk: Desk) -> None:
    router = BusyRouter(desk, rounds=11)

    chores: list[BusyRouter] = [router]
    Sweep(router, stopped=router.stopped, watchdog=Watchdog(), chores=chores, clock=lambda: router.seconds).run()

    # Four rounds are more than a second.
    turn = [*["batch"] * 4, "chore"]
    assert router.done == [*turn, *turn, "batch"]


class SlowRouter(MessageRouter):
    """A router that has each kind of message due for ever; each takes some seconds, as `seconds_of` says."""

    def __init__(self, desk: Desk, *, seconds_of: Mapping[str, float], turns: int) -> None:
        super().__init__(desk.database, desk.brain)
        self.seconds_of, self.turns, self.stopped = seconds_of, turns, threading.Event()
        self.seconds, self.done = 0.0, Counter[str]()
        self.chores_at: list[float] = []

    def _slow(self, kind: str) -> int:
        self.done[kind] += 1
        self.seconds += self.seconds_of.get(kind, 0.0)
        return int(kind in self.seconds_of)

    def route_urgent(self) -> int:
        return self._slow("urgent")

    def route_ordinary(self) -> int:
        return self._slow("ordinary")

    def route_alone(self) -> int:
        return self._slow("alone")

    def route_heavy(self) -> int:
        return self._slow("heavy")

    def once(self) -> int:
        """Be a chore, of which nothing is due."""
        self.chores_at.append(self.seconds)
        if len(self.chores_at) == self.turns:
            self.stopped.set()
        return 0


@pytest.mark.parametrize(
    "seconds_of",
    [{"alone": 0.3}, {"alone": 5.0}, {"urgent": 0.9, "ordinary": 0.9, "alone": 0.4, "heavy": 3.0}],
    ids=["fifty that died", "very slow ones", "each kind"],
)
def test_the_chores_run_every_second_or_after_each_slow_message_and_no_kind_starves(
    desk: Desk, seconds_of: dict[str, float]
) -> None:
    router = SlowRouter(desk, seconds_of=seconds_of, turns=12)

    chores: list[SlowRouter] = [router]
    Sweep(router, stopped=router.stopped, watchdog=Watchdog(), chores=chores, clock=lambda: router.seconds).run()

    waits = [after - before for before, after in pairwise([0.0, *router.chores_at])]
    # An urgent message, and one of another kind that began within the second.
    assert max(waits) <= 1.0 + sum(sorted(seconds_of.values())[-2:])
    assert len(router.chores_at) == router.turns
    assert all(router.done[kind] >= 3 for kind in ("urgent", "ordinary", "alone", "heavy"))


class Pauses(threading.Event):
    """Is set by the first wait."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds.append(timeout)
        self.set()
        return True


def test_a_sweep_at_rest_waits_five_seconds_after_each_pass(desk: Desk) -> None:
    stopped, chore = Pauses(), Chore(1, 0)
    desk.accept(envelope("1"))

    Sweep(desk.router, stopped=stopped, watchdog=Watchdog(), chores=[chore]).run()

    assert (chore.turns, stopped.seconds) == (2, [PERIOD_SECONDS])
