"""Start, kill and restart the processes of a rig; a seed decides which one dies when."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

import redis

from benchmarks.rig import Rig, wait_until

_OURS: Final = {
    "connectors-a": "connectors",
    "connectors-b": "connectors",
    "worker-a": "workers",
    "worker-b": "workers",
    "web": "api",
}
_BROKER_ABSENT_SECONDS: Final = 6.0
_STALL_SECONDS: Final = 4.0
# At most, also on a busy machine.
_ANSWER_SECONDS: Final = 120
_START_SECONDS: Final = 600
# How many of our processes die although they are still starting.
_DIE_EARLY: Final = 0.25


class Killer:
    """Harms a running rig. chance: seeded by the run."""

    def __init__(self, rig: Rig, *, chance: random.Random) -> None:
        self._rig, self._chance = rig, chance
        self._timers: list[threading.Timer] = []
        # By process, how long its log was when it started.
        self._logged: dict[str, int] = {}

    def start_all(self) -> None:
        """Start two of each daemon, the web process and the broker."""
        self._rig.start_broker()
        for name in _OURS:
            self._start(name)

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
        # Were each killed whenever its turn comes, on a busy machine none would ever get as far as to work.
        if self._chance.random() >= _DIE_EARLY:
            wait_until(lambda: self._works(name), seconds=_START_SECONDS, every=0.1)
        self._rig.kill(name)
        self._start(name)

    def _start(self, name: str) -> None:
        log = self._log(name)
        self._logged[name] = log.stat().st_size if log.exists() else 0
        self._rig.start(name, _OURS[name])

    def _works(self, name: str) -> bool:
        """Return whether a process has said that it is open since it was started, or has ended by itself."""
        if self._rig.processes[name].poll() is not None:
            return True
        return b'"event"' in self._log(name).read_bytes()[self._logged[name] :]

    def _log(self, name: str) -> Path:
        return self._rig.folder / f"{name}.log"

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
            # It may be stalled, and then does not answer until it goes on.
            with redis.Redis.from_url(self._rig.broker.url, socket_timeout=_ANSWER_SECONDS) as client:
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
