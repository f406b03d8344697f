"""Start, kill and restart the processes of a rig; a seed decides which one dies when."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

import redis

from benchmarks.rig import Rig

_OURS: Final = {
    "connectors-a": "connectors",
    "connectors-b": "connectors",
    "worker-a": "workers",
    "worker-b": "workers",
    "web": "api",
}
_BROKER_ABSENT_SECONDS: Final = 6.0
_STALL_SECONDS: Final = 4.0


class Killer:
    """Harms a running rig. chance: seeded by the run."""

    def __init__(self, rig: Rig, *, chance: random.Random) -> None:
        self._rig, self._chance = rig, chance
        self._timers: list[threading.Timer] = []

    def start_all(self) -> None:
        """Start two of each daemon, the web process and the broker."""
        self._rig.start_broker()
        for name, module in _OURS.items():
            self._rig.start(name, module)

    def harm(self, times: int) -> Counter[str]:
        """Do harm `times` times, half a second to two seconds apart; return how often each kind was done."""
        done: Counter[str] = Counter()
        for _ in range(times):
            time.sleep(self._chance.uniform(0.5, 2.0))
            name, act = self._chance.choice(self._choices())
            act()
            done[name] += 1
        for timer in self._timers:
            timer.join()
        return done

    def _choices(self) -> list[tuple[str, Callable[[], None]]]:
        choices: list[tuple[str, Callable[[], None]]] = [
            *((module, lambda name=name: self._kill_ours(name)) for name, module in _OURS.items() for _ in range(2)),
            ("broker killed", self._kill_broker),
            ("broker emptied", self._empty_broker),
            ("broker stalled", self._stall_broker),
            ("broker absent", self._remove_broker),
        ]
        return [*choices, *[("postgresql", self._kill_postgres)] * 2] if self._rig.postgres else choices

    def _kill_ours(self, name: str) -> None:
        self._rig.kill(name)
        self._rig.start(name, _OURS[name])

    def _kill_broker(self) -> None:
        if "broker" in self._rig.processes:
            self._rig.kill("broker")
            self._rig.start_broker()

    def _remove_broker(self) -> None:
        if "broker" in self._rig.processes:
            self._rig.kill("broker")
            self._later(_BROKER_ABSENT_SECONDS, self._rig.start_broker)

    def _empty_broker(self) -> None:
        if "broker" in self._rig.processes:
            with redis.Redis.from_url(self._rig.broker.url, socket_timeout=5) as client:
                client.flushall()

    def _stall_broker(self) -> None:
        if "broker" in self._rig.processes:
            pid = self._rig.processes["broker"].pid
            os.kill(pid, signal.SIGSTOP)
            self._later(_STALL_SECONDS, lambda: _continue(pid))

    def _kill_postgres(self) -> None:
        if self._rig.postgres:
            self._rig.postgres.kill()
            self._rig.postgres.start()

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        timer = threading.Timer(seconds, act)
        timer.start()
        self._timers.append(timer)


def _continue(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        # It was killed while it was stalled.
        return
