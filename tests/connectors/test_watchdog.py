"""The watchdog ends the process when a loop hangs, and only then."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from connectors.base import Batch, Connector, Cursor, Health, Polled
from connectors.channel_loops import PollLane
from connectors.daemon import Daemon
from connectors.email.sandbox.parent import Guard
from connectors.watchdog import STOOD_STILL, Watchdog
from store.db.engine import Database
from tests.servers.memory_keeper import MemoryKeeper
from workers.broker.doorbell import Bell
from workers.intake.intake import Intake


def test_a_loop_that_is_heard_of_in_time_is_not_bitten():
    bitten = threading.Event()
    watchdog = Watchdog(bite=bitten.set)
    watchdog.start()
    # Over before the watch ends, and forgotten before that.
    watchdog.expect("ends", within=1.5)
    watchdog.forget("ends")
    for _ in range(6):
        watchdog.expect("lives", within=60)
        time.sleep(0.4)
    watchdog.stop()
    assert not bitten.is_set()


def test_a_loop_that_stands_still_is_bitten():
    bitten = threading.Event()
    watchdog = Watchdog(bite=bitten.set)
    watchdog.start()
    watchdog.expect("hangs", within=0.1)
    assert bitten.wait(60)
    watchdog.stop()


def test_a_bite_ends_the_process_and_leaves_the_stacks():
    program = (
        "import time; from connectors.watchdog import Watchdog\n"
        "dog = Watchdog(); dog.start(); dog.expect('hangs', within=0.1)\n"
        "def where_it_hangs(): time.sleep(60)\n"
        "where_it_hangs()"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=120, check=False)
    assert ended.returncode == STOOD_STILL
    assert b"where_it_hangs" in ended.stderr


class _QuietConnector:
    """A channel in which nothing happens."""

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self._closed = threading.Event()

    def fetch(self, cursor: Cursor | None) -> Batch:
        return Batch(channel=self.channel)

    def settle(self, batch: Batch) -> None:
        """Do nothing."""

    def wait(self, seconds: float) -> None:
        self._closed.wait(seconds)

    def probe(self) -> Health:
        return Health(ok=True, findings=())

    def close(self) -> None:
        self._closed.set()


class _Hurried(Watchdog):
    """A watchdog on a machine where a call may take a second, and a step fifteen."""

    def expect(self, loop: str, *, within: float) -> None:
        super().expect(loop, within=within / 60)


def test_thirty_channels_that_load_their_readers_in_turn_are_not_bitten():
    # Given: all load at the same time, one after the other, in more time than one call may take.
    class SlowKeeper(MemoryKeeper):
        turn = threading.Lock()

        def prepare(self, channel: str) -> None:
            with self.turn:
                time.sleep(0.15)

    bitten = threading.Event()
    keeper = SlowKeeper()
    names = {f"box{number}" for number in range(30)}
    daemon = Daemon(
        keeper,
        polled=[Polled(connector=_QuietConnector(name), poll=0.3) for name in sorted(names)],
        watchdog=_Hurried(bite=bitten.set),
    )
    running = threading.Thread(target=daemon.run_until_stopped)
    running.start()
    # Then
    deadline = time.monotonic() + 120
    while {report.channel for report in keeper.reports} != names and time.monotonic() < deadline:
        time.sleep(0.05)
    daemon.stop()
    running.join()
    assert {report.channel for report in keeper.reports} == names
    assert not bitten.is_set()


def test_no_more_readers_load_at_once_than_there_are_processors(tmp_path: Path):
    loading, most, lock = 0, 0, threading.Lock()

    class SlowGuard(Guard):
        def warm(self) -> None:
            nonlocal loading, most
            with lock:
                loading += 1
                most = max(most, loading)
            time.sleep(0.02)
            with lock:
                loading -= 1

    names = [f"box{number}" for number in range(30)]
    intake = Intake(Database.at(tmp_path / "x.db"), bell=Bell(lambda: ""), mail=names, new_guard=SlowGuard)
    with ThreadPoolExecutor(30) as threads:
        list(threads.map(intake.prepare, names))
    assert 0 < most <= (os.cpu_count() or 1)


class _Paused:
    """A connector whose provider forbids the next poll for 15 minutes."""

    channel = "x"

    def __init__(self) -> None:
        self.waited: list[float] = []

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)

    def pause(self) -> float:
        return 900.0


def test_a_loop_that_waits_for_the_end_of_a_rate_limit_does_not_stand_still() -> None:
    expected: list[float] = []
    watchdog = cast("Watchdog", SimpleNamespace(expect=lambda _loop, *, within: expected.append(within)))
    connector, unused = _Paused(), cast("Any", None)
    lane = PollLane(
        cast("Connector", connector), poll=60.0, keeper=unused, renewal=unused, watchdog=watchdog, reach=lambda _: None
    )
    lane._sleep()
    assert connector.waited == [60.0]
    assert expected[-1] > 900.0
