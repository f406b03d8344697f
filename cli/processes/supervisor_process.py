"""`python -m cli.processes.supervisor_process FD`: what the process of `omniyard up` becomes when all is prepared.

The preparation reads the settings and migrates the database; its libraries take 80 MB, which nothing needs afterwards.
So the process executes this program in its own place (execve): its id, its lock and its terminal stay.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from cli.processes.log_file import LogFile
from cli.processes.log_lines import LogLines
from cli.processes.screen import DeskOpening, show_apart
from cli.processes.supervisor import BEFORE_ANOTHER_TRY, STOP_SIGNALS, Command, Supervisor
from cli.processes.template import template_of
from router.errors import TransientError
from workers.broker.embedded import EmbeddedBroker

BROKER: Final = "broker"
LESSON: Final = "learning"
THRESHOLDS: Final = "answers"
_ONCE: Final = {LESSON: BEFORE_ANOTHER_TRY, THRESHOLDS: BEFORE_ANOTHER_TRY}
TEMPLATE: Final = "template"
_BROKER_SECONDS: Final = 10.0
_READY_SECONDS: Final = 20.0
# After this many failures, Redis starts without its append-only file: a corrupt one fails every time.
_HOPELESS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run.

    daemons: the names of the commands that are in the Procfile.  data: the embedded broker's folder, empty without one.
    lock: the descriptor of the held lock.  template: the process of the template and the descriptor of our end.
    """

    commands: Mapping[str, list[str]]
    daemons: Collection[str]
    environment: Mapping[str, str]
    opening: DeskOpening
    data: str
    lock: int
    template: tuple[int, int]


def become_supervisor(plan: Plan) -> None:
    """Execute this module in the place of the running program; does not return."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
        json.dump(asdict(plan), file)
        file.seek(0)
        for number in (file.fileno(), *_descriptors(plan)):
            os.set_inheritable(number, True)
        # A stop that comes now waits until the new program can handle it.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, "-m", "cli.processes.supervisor_process", str(file.fileno())])  # noqa: S606


def _descriptors(plan: Plan) -> list[int]:
    return [number for number in (plan.lock, plan.template[1]) if number >= 0]


def _handed_over(number: int) -> Plan:
    with open(number, encoding="utf-8") as file:
        said: dict[str, Any] = json.load(file)
    channels = tuple((name, reads) for name, reads in said["opening"].pop("channels"))
    plan = Plan(**{**said, "opening": DeskOpening(**said["opening"], channels=channels)})
    # Only this process holds the lock: what it starts may outlive it.
    for descriptor in _descriptors(plan):
        os.set_inheritable(descriptor, False)
    return plan


def _run(plan: Plan) -> None:
    broker = EmbeddedBroker(Path(plan.data)) if plan.data else None
    commands: dict[str, Command] = {BROKER: _restartable(broker)} if broker else {}
    commands |= {name: _always(words) for name, words in plan.commands.items()}
    lines = LogLines([*commands, TEMPLATE], file=LogFile(Path(plan.opening.log)))
    daemons = {name: plan.commands[name] for name in plan.daemons}
    template = template_of(daemons, environment=plan.environment, complain=partial(lines, TEMPLATE))
    template.adopt(*plan.template)
    supervisor = Supervisor(
        commands, environment=plan.environment, speak=lines, last=BROKER, once=_ONCE, template=template
    )
    # Before anything starts: a process inherits the signals that are blocked.
    supervisor.catch_signals()
    try:
        template.open()
        if broker:
            _start_broker(supervisor, broker=broker, lines=lines)
        supervisor.run(each_tick=_Reveal(supervisor, opening=plan.opening, lines=lines))
        lines.release()
        print("Stopping. Ctrl-C again does not wait.", file=sys.stderr)
    finally:
        supervisor.stop()
        lines.close()


def _always(words: list[str]) -> Command:
    return lambda _: words


def _restartable(broker: EmbeddedBroker) -> Command:
    def command(failures: int) -> list[str]:
        if failures >= _HOPELESS:
            broker.set_aside()
        return broker.prepare()

    return command


def _start_broker(supervisor: Supervisor, *, broker: EmbeddedBroker, lines: LogLines) -> None:
    supervisor.start(BROKER)
    try:
        broker.wait_until_ready(_BROKER_SECONDS)
    except TransientError as error:
        # The broker is only a doorbell: without it the sweep finds the work, and the supervisor starts it again.
        lines(BROKER, str(error))


class _Reveal:
    """Shows the screen once: when the desk answers, or when the wait for it ends."""

    def __init__(self, supervisor: Supervisor, *, opening: DeskOpening, lines: LogLines) -> None:
        self._supervisor, self._opening, self._lines = supervisor, opening, lines
        self._end = time.monotonic() + _READY_SECONDS
        self._shown = False

    def __call__(self) -> None:
        if self._shown:
            return
        ready = _is_ready(self._opening.desk)
        if ready or time.monotonic() > self._end:
            # What the processes said at their start stands above: the address and the first sign-in come last.
            self._lines.release()
            show_apart(self._opening, processes=self._supervisor.processes(), ready=ready)
            self._shown = True


def _is_ready(address: str) -> bool:
    connection = http.client.HTTPConnection(address, timeout=0.5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    _run(_handed_over(int(sys.argv[1])))
