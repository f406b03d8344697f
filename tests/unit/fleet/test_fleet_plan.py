"""The plan and the counting of `benchmarks.fleet`, without a fleet: that needs root and is no part of `make test`."""

from __future__ import annotations

from itertools import product

import pytest

from benchmarks.fleet.count import Takeover, Window, grouped, longest_gap, takeovers
from benchmarks.fleet.network import why_not
from benchmarks.fleet.plan import (
    CUTS,
    MASTER,
    OURS,
    PRIMARY,
    REPLICA,
    STANDBY,
    WATCH,
    Happening,
    make_plan,
    talking_pairs,
)


def test_a_plan_kills_every_host_cuts_every_pair_and_does_everything_else_once() -> None:
    plan = make_plan(seed=1, hold=20)
    killed = {event.one for event in plan if event.what is Happening.KILL}
    assert killed == {*OURS, PRIMARY, STANDBY, MASTER, REPLICA, WATCH}
    cut = [event for event in plan if event.what is Happening.CUT]
    assert {(event.one, event.other) for event in cut} == set(talking_pairs())
    assert {event.how for event in cut} == set(CUTS)
    assert {event.what for event in plan} == set(Happening)
    assert plan[(len(plan) - 1) // 2].what is Happening.UPGRADE


def test_every_cut_cuts_each_pair_in_each_way() -> None:
    cut = [event for event in make_plan(seed=1, hold=20, every_cut=True) if event.what is Happening.CUT]
    assert {(event.one, event.other, event.how) for event in cut} == {
        (*pair, how) for pair, how in product(talking_pairs(), CUTS)
    }


def test_a_machine_that_cannot_run_a_fleet_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert why_not() == "it needs root, for network namespaces"
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setenv("PATH", "")
    assert why_not().startswith("it needs ip, tc, iptables, nsenter (Debian's iproute2")


def test_a_seed_decides_the_order() -> None:
    assert make_plan(seed=1, hold=20) == make_plan(seed=1, hold=20)
    assert make_plan(seed=1, hold=20) != make_plan(seed=2, hold=20)
    assert {event.what for event in make_plan(seed=1, hold=20, only=[Happening.CLOCK])} == {Happening.CLOCK}


@pytest.mark.parametrize(
    ("times", "longest"),
    [
        ([1.0, 9.0, 11.0, 12.0, 21.0, 30.0], 9.0),  # inside
        ([1.0, 25.0, 26.0], 24.0),  # over the whole window
        ([9.0, 19.0, 30.0], 11.0),  # over its end
        ([], 10.0),  # nothing ever
        ([9.5], 10.5),  # nothing afterwards: up to its end
    ],
)
def test_the_longest_standstill_touches_the_window(times: list[float], longest: float) -> None:
    assert longest_gap(times, start=10.0, end=20.0) == longest


def test_a_takeover_is_that_of_the_slowest_path_and_late_from_half_a_minute() -> None:
    windows = [Window(name="kill worker-a", start=10, end=20), Window(name="kill web-a", start=40, end=90)]
    paths = {"imap": [5.0, 12.0, 18.0, 24.0, 41.0, 60.0, 91.0], "sms": [9.0, 19.0, 21.0, 39.0, 75.0, 92.0]}
    found = takeovers(windows, paths=paths, waits=[(11.0, 2.5), (15.0, 1.0), (50.0, 33.0), (95.0, 60.0)])
    assert found == [
        Takeover(name="kill worker-a", seconds=10.0, path="sms", waited=2.5),
        Takeover(name="kill web-a", seconds=36.0, path="sms", waited=33.0),
    ]
    assert [each.is_in_time for each in found] == [True, False]


def test_the_table_has_one_line_a_kind_of_event() -> None:
    found = [Takeover(name="cut", seconds=seconds, path="imap", waited=seconds * 2) for seconds in (3.0, 1.0, 2.0)]
    assert grouped([*found, Takeover(name="kill", seconds=9.0, path="sms", waited=0.0)]) == [
        ("cut", 3, 2.0, 3.0, 6.0),
        ("kill", 1, 9.0, 9.0, 0.0),
    ]
