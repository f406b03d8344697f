"""Do one event of the plan to a running fleet, and make it good again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.fleet.brokers import Brokers
from benchmarks.fleet.count import Window
from benchmarks.fleet.databases import Databases
from benchmarks.fleet.desk import FleetDesk
from benchmarks.fleet.network import Network
from benchmarks.fleet.next_release import make_next_release
from benchmarks.fleet.plan import (
    BROKERS,
    DATABASES,
    MASTER,
    OURS,
    PRIMARY,
    REPLICA,
    STANDBY,
    WATCH,
    WEBS,
    Event,
    Happening,
)
from benchmarks.rig import wait_until

# How long the harness takes to be sure that the primary is gone, as a watcher such as Patroni would.
DETECT_SECONDS: Final = 5.0
_WHOLE_SECONDS: Final = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Every part of a running fleet. is_working: whether each path has done work since a time."""

    network: Network
    databases: Databases
    brokers: Brokers
    desk: FleetDesk
    webs_ready: Callable[[], int]
    is_working: Callable[[float], bool]
    folder: Path

    def is_whole(self) -> bool:
        """Return whether every part is there: standbys, replica, webs, and our processes on each host."""
        servers = self.databases.streams() and self.brokers.is_complete()
        return servers and self.webs_ready() == len(WEBS) and self.desk.is_up()

    def happen(self, event: Event) -> Window:
        """Do an event, hold it, make it good again, and wait until the fleet is whole and works on every path."""
        start = time.time()
        _DO[event.what](self, event)
        healed = time.time()
        wait_until(self.is_whole, seconds=_WHOLE_SECONDS, every=0.5)
        wait_until(lambda: self.is_working(healed), seconds=_WHOLE_SECONDS, every=0.5)
        return Window(name=event.name, start=start, end=time.time())

    def host_of(self, role: str) -> str:
        """Return the host that has a role now, or the host of that name."""
        primary, master = self.databases.primary, self.brokers.master() or BROKERS[0]
        standbys = [name for name in DATABASES if name != primary]
        roles = {
            PRIMARY: primary,
            STANDBY: standbys[0],
            "the first standby": standbys[0],
            "the second standby": standbys[1],
            MASTER: master,
            REPLICA: next(name for name in BROKERS if name != master),
        }
        return roles.get(role, role)


def _kill(fleet: Fleet, event: Event) -> None:
    name = fleet.host_of(event.one)
    fails_over = event.one == PRIMARY
    fleet.network.hosts[name].kill()
    if fails_over:
        time.sleep(DETECT_SECONDS)
        fleet.databases.promote()
    time.sleep(max(event.holds - (DETECT_SECONDS if fails_over else 0), 0))
    fleet.network.hosts[name].plug()
    if name in OURS:
        fleet.desk.processes.pop(name).wait()
        fleet.desk.start(name)
    elif name in (*BROKERS, WATCH):
        fleet.brokers.start(name)
    elif fails_over:
        fleet.databases.join(name)
    else:
        fleet.databases.start(name)


def _cut(fleet: Fleet, event: Event) -> None:
    one, other = fleet.host_of(event.one), fleet.host_of(event.other)
    fleet.network.cut(one, other, event.how)
    try:
        time.sleep(event.holds)
    finally:
        fleet.network.heal(one, other)


def _switch_database(fleet: Fleet, _: Event) -> None:
    old = fleet.databases.primary
    fleet.databases.stop(old)
    fleet.databases.promote()
    fleet.databases.join(old)


def _switch_broker(fleet: Fleet, _: Event) -> None:
    before = fleet.brokers.master()
    fleet.brokers.fail_over()
    wait_until(lambda: fleet.brokers.master() not in {before, None}, seconds=_WHOLE_SECONDS, every=0.2)


def _shift_clock(fleet: Fleet, event: Event) -> None:
    for clock in (event.how, ""):
        fleet.desk.stop(event.one)
        fleet.desk.start(event.one, clock=clock)
        time.sleep(event.holds if clock else 0)


def _upgrade(fleet: Fleet, _: Event) -> None:
    place = make_next_release(fleet.folder)
    fleet.desk.migrate(place)
    for name in OURS:
        fleet.desk.code[name] = place
        fleet.desk.stop(name)
        fleet.desk.start(name)
        # The next host follows when this one works, as an operator would do it.
        since = time.time()
        wait_until(fleet.is_whole, seconds=_WHOLE_SECONDS, every=0.5)
        wait_until(lambda since=since: fleet.is_working(since), seconds=_WHOLE_SECONDS, every=0.5)  # type: ignore[misc]


_DO: Final[dict[Happening, Callable[[Fleet, Event], None]]] = {
    Happening.KILL: _kill,
    Happening.CUT: _cut,
    Happening.SWITCH_DATABASE: _switch_database,
    Happening.SWITCH_BROKER: _switch_broker,
    Happening.CLOCK: _shift_clock,
    Happening.UPGRADE: _upgrade,
}
