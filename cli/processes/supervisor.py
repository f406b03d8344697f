"""Keep a set of processes running on one machine: start, restart with back-off, relay their lines, stop.

One thread does everything, on purpose: the kernel kills our children when the thread that started them is gone
(PR_SET_PDEATHSIG), and that must mean that `omniyard up` itself is gone.
"""

from __future__ import annotations

import contextlib
import math
import os
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cli.processes.template import Running, Template, die_with
from router.backoff import Backoff

# What to run, given how many times in a row it ended soon after its start.
Command = Callable[[int], list[str]]
# Gets the name of the process and one line.
Speaker = Callable[[str, str], None]

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# How often the processes are looked at while one is young; later their end, their lines and signals wake us.
_TICK_SECONDS: Final = 0.1
_CALM_SECONDS: Final = 5.0
# A process that lived this long had started well; after its end the back-off begins again from the start.
_WELL_AFTER_SECONDS: Final = 60.0
BEFORE_RESTART: Final = Backoff(first=timedelta(seconds=1), longest=timedelta(seconds=30))
# What runs once takes minutes of work at each try, and what stopped it (a full disk, too little memory) lasts.
BEFORE_ANOTHER_TRY: Final = Backoff(first=timedelta(seconds=30), longest=timedelta(hours=6), growth=4.0)
# A page that is being processed is finished within this; other work is found again by its lease.
_GRACE_SECONDS: Final = 10.0
_LONGEST_LINE: Final = 65_536


@dataclass(slots=True)
class _Child:
    name: str
    command: Command
    process: Running | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    failures: int = 0
    unfinished: bytes = b""


class Supervisor:
    """Runs named commands until it is stopped.

    commands: in the order of starting.  last: the name of the process that stops last, because the others need it.
    once: processes that are finished when they end with exit code 0; after another end they pause as said here, however
    long they worked.  template: forks for some of them; it is
    closed as soon as no process is younger than `well_after` seconds.
    """

    def __init__(
        self,
        commands: Mapping[str, Command],
        *,
        environment: Mapping[str, str],
        speak: Speaker,
        last: str = "",
        once: Mapping[str, Backoff] | None = None,
        template: Template | None = None,
        well_after: float = _WELL_AFTER_SECONDS,
    ) -> None:
        self._children = {name: _Child(name, command) for name, command in commands.items()}
        self._environment = dict(environment)
        self._speak = speak
        self._last, self._once = last, dict(once or {})
        self._template, self._well_after = template, well_after
        self._selector = selectors.DefaultSelector()
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._interrupts = 0

    def processes(self) -> dict[str, int]:
        """Return the process ids of the running processes."""
        return {child.name: child.process.pid for child in self._children.values() if child.process}

    def start(self, name: str) -> None:
        """Start one command now, before `run`."""
        self._start(self._children[name])

    def catch_signals(self) -> None:
        """Let `run` end by a signal from now on, also by one that was blocked until now."""
        for number in STOP_SIGNALS:
            signal.signal(number, self._interrupted)
        signal.set_wakeup_fd(self._waker.fileno())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)

    def run(self, *, each_tick: Callable[[], None] = lambda: None) -> None:
        """Keep everything running until SIGINT, SIGTERM or SIGHUP; a second signal kills what has not stopped."""
        self.catch_signals()
        while not self._interrupts:
            self._start_due()
            self._relay()
            self._reap()
            if self._template and self._is_calm():
                # It would only hold pages that every fork has replaced by its own (20 MB). A process that ends later
                # gets an interpreter: it imports its own modules alone, which takes half the time, and a new template
                # would share no page with the processes that run.
                self._template.close()
                self._template = None
            each_tick()

    def stop(self) -> None:
        """Stop everything: SIGTERM, and SIGKILL for processes that have not ended after the grace period."""
        if self._template:
            self._template.close()
        for children in ([c for c in self._children.values() if c.name != self._last], list(self._children.values())):
            self._end(children)
        signal.set_wakeup_fd(-1)
        self._selector.close()
        self._woken.close()
        self._waker.close()

    def _interrupted(self, *_: object) -> None:
        self._interrupts += 1

    def _start_due(self) -> None:
        for child in self._children.values():
            is_due = child.process is None and child.start_at <= time.monotonic()
            if is_due and not (self._template and self._template.is_awaited(child.name)):
                self._start(child)

    def _start(self, child: _Child) -> None:
        child.started_at = time.monotonic()
        words = child.command(child.failures)
        process = (self._template.start(child.name, words) if self._template else None) or self._interpreter(words)
        child.process = process
        assert process.stdout is not None  # noqa: S101  (both have a pipe)
        os.set_blocking(process.stdout.fileno(), False)
        self._selector.register(process.stdout, selectors.EVENT_READ, child)

    def _interpreter(self, words: list[str]) -> Running:
        return subprocess.Popen(  # noqa: S603  (the Procfile's words)
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            env=self._environment,
            # A separate process group: the terminal's Ctrl-C reaches only us; we signal a child with all it started.
            start_new_session=True,
            preexec_fn=die_with(os.getpid()),  # noqa: PLW1509  (this process has one thread)
        )

    def _relay(self) -> None:
        for key, _ in self._selector.select(self._patience()):
            if key.fileobj is self._woken:
                self._woken.recv(_LONGEST_LINE)
            else:
                self._read(key.data)

    def _patience(self) -> float:
        return _CALM_SECONDS if self._is_calm() and not self._interrupts else _TICK_SECONDS

    def _is_calm(self) -> bool:
        return all(self._is_settled(child) or self._rests(child) for child in self._children.values())

    def _rests(self, child: _Child) -> bool:
        """Return whether what runs once is finished, or tries again much later."""
        is_later = child.start_at > time.monotonic() + _CALM_SECONDS
        return child.process is None and child.name in self._once and is_later

    def _is_settled(self, child: _Child) -> bool:
        return child.process is not None and time.monotonic() - child.started_at > self._well_after

    def _read(self, child: _Child) -> None:
        if child.process is None or child.process.stdout is None:
            return
        words = child.process.stdout.read(65536)
        if words == b"":
            # The child closed its end; without this a dead child's pipe would be readable for ever.
            self._selector.unregister(child.process.stdout)
        *lines, child.unfinished = (child.unfinished + (words or b"")).split(b"\n")
        if len(child.unfinished) > _LONGEST_LINE:
            lines, child.unfinished = [*lines, child.unfinished], b""
        for line in lines:
            self._speak(child.name, line.decode(errors="replace"))

    def _reap(self) -> None:
        for child in self._children.values():
            if child.process is not None and (code := _ended(child.process)) is not None:
                self._gone(child)
                if code == 0 and child.name in self._once:
                    child.start_at = math.inf
                    continue
                pause = self._pause(child)
                child.start_at = time.monotonic() + pause
                self._speak(child.name, f"{_how_it_ended(code)} and starts again in {pause:g} s")

    def _pause(self, child: _Child) -> float:
        """Count a failure, and return the seconds until the next start."""
        lived = time.monotonic() - child.started_at
        lived_well = lived > self._well_after and child.name not in self._once
        child.failures = 1 if lived_well else child.failures + 1
        return self._once.get(child.name, BEFORE_RESTART).after(child.failures).total_seconds()

    def _gone(self, child: _Child) -> None:
        process, child.process = child.process, None
        if process is None or process.stdout is None:
            return
        if process.stdout in {key.fileobj for key in self._selector.get_map().values()}:
            self._selector.unregister(process.stdout)
        rest, child.unfinished = child.unfinished + (process.stdout.read() or b""), b""
        for line in rest.decode(errors="replace").splitlines():
            self._speak(child.name, line)
        process.stdout.close()

    def _end(self, children: list[_Child]) -> None:
        running = [child for child in children if child.process]
        for child in running:
            _signal(child, signal.SIGTERM)
        end = time.monotonic() + _GRACE_SECONDS
        while any(child.process for child in running):
            if time.monotonic() > end or self._interrupts > 1:
                for child in running:
                    _signal(child, signal.SIGKILL)
            self._relay()
            for child in running:
                if child.process is not None and _ended(child.process) is not None:
                    self._gone(child)


def _ended(process: Running) -> int | None:
    # Check before it is reaped: until then its process group id cannot be reused.
    if os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        return None
    # Kill what it started and did not end; otherwise its successor would meet it.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


def _signal(child: _Child, number: int) -> None:
    if child.process is not None:
        with contextlib.suppress(ProcessLookupError):
            if number == signal.SIGKILL:
                os.killpg(child.process.pid, number)
            else:
                child.process.send_signal(number)


def _how_it_ended(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
