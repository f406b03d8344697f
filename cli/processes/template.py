"""Start daemons as forks of one process that has imported their modules. Linux only."""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Final, Protocol

from cli.processes.template_process import LONGEST_REQUEST, READY, WHERE

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36
# Import takes two seconds on quiet cores.
_LONGEST_IMPORT_SECONDS: Final = 60.0
_WHERE_SECONDS: Final = 1.0
_INNERMOST: Final = re.compile(rb'File "(.+)", line (\d+)[^\n]*\n')
_TOO_LONG: Final = (
    "the import of {module} has not ended after {seconds} s{place}; expected: all modules within {limit:g} s. "
    "Each process gets an interpreter of its own now, where the same import may hang too"
)


def say_nothing(_: str) -> None:
    """Drop a sentence."""


class Running(Protocol):
    """A started process; `subprocess.Popen` is one."""

    @property
    def pid(self) -> int:
        """Its process id."""

    @property
    def stdout(self) -> IO[bytes] | None:
        """The end from which its output is read."""

    def wait(self) -> int:
        """Return its exit code, or the negative number of the signal, as soon as it has ended."""

    def send_signal(self, number: int, /) -> None:
        """Send a signal."""


@dataclass(frozen=True, slots=True)
class Fork:
    """A child of this process that the template has made. See `Running`."""

    pid: int
    stdout: IO[bytes]

    def wait(self) -> int:
        """See `Running`."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def send_signal(self, number: int, /) -> None:
        """See `Running`."""
        os.kill(self.pid, number)


class _Adopted:
    """A child that was started before this process executed its present program. See `subprocess.Popen`."""

    def __init__(self, process_id: int) -> None:
        self.pid = process_id
        self._code: int | None = None

    def poll(self) -> int | None:
        """Return its exit code if it has ended."""
        if self._code is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if ended else None
        return self._code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it, unless it has ended."""
        self.send_signal(signal.SIGKILL)

    def wait(self) -> int:
        """Return its exit code as soon as it has ended."""
        if self._code is None:
            self._code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self._code


class Template:
    """The process that has imported modules, and forks for each start.

    names: the processes that are started so, by `python -m MODULE`.  A template that ended or was closed is made again
    for the next start; one that ended before it was ready is not: then each process gets an interpreter of its own.
    patience: the seconds in which it must answer a request; a fork takes milliseconds.
    longest_import: the seconds in which it must have imported all modules; else each process gets an interpreter too.
    complain: gets the sentence that says so.
    """

    def __init__(
        self,
        modules: Collection[str],
        *,
        names: Collection[str],
        environment: Mapping[str, str],
        patience: float = 10.0,
        longest_import: float = _LONGEST_IMPORT_SECONDS,
        complain: Callable[[str], None] = say_nothing,
    ) -> None:
        self._patience, self._longest_import, self._complain = patience, longest_import, complain
        self._modules, self._names, self._environment = list(modules), frozenset(names), dict(environment)
        self._process: subprocess.Popen[bytes] | _Adopted | None = None
        self._ready, self._hopeless = False, not sys.platform.startswith("linux")
        self._opened_at, self._module, self._module_since = 0.0, "", 0.0

    @property
    def process_id(self) -> int:
        """The process, 0 without one."""
        return self._process.pid if self._process else 0

    def handed_over(self) -> tuple[int, int]:
        """Return what `adopt` needs when this process has executed another program; (0, -1) without a template."""
        return (self._process.pid, self._connection.fileno()) if self._process else (0, -1)

    def adopt(self, process_id: int, descriptor: int) -> None:
        """Take the template that the program before this one opened in this process."""
        if process_id:
            self._process, self._connection = _Adopted(process_id), socket.socket(fileno=descriptor)
            self._connection.setblocking(False)
            self._opened_at = self._module_since = time.monotonic()

    def is_awaited(self, name: str) -> bool:
        """Return whether this process must wait until the template has imported its modules; start the template."""
        if name not in self._names:
            return False
        self.open()
        if self._hopeless or self._is_ready():
            return False
        if time.monotonic() - self._opened_at > self._longest_import:
            self._give_up()
        return not self._hopeless

    def open(self, environment: Mapping[str, str] | None = None) -> None:
        """Start the template if it does not run. environment: for it and its forks; one with another is replaced."""
        if environment is not None and dict(environment) != self._environment:
            self.close()
            self._environment = dict(environment)
        if self._process is not None and self._process.poll() is not None:
            self._hopeless = self._hopeless or not self._is_ready()
            self.close()
        if self._process is None and not self._hopeless:
            self._open()

    def _is_ready(self) -> bool:
        with suppress(BlockingIOError, ConnectionError):
            while not self._ready and (said := self._connection.recv(LONGEST_REQUEST)):
                self._ready = said == READY
                self._module, self._module_since = said.decode(), time.monotonic()
        return self._ready

    def _give_up(self) -> None:
        seconds = round(time.monotonic() - self._module_since)
        module = self._module or "Python's own modules"
        self._complain(
            _TOO_LONG.format(module=module, seconds=seconds, place=self._place(), limit=self._longest_import)
        )
        self._hopeless = True
        self.close()

    def _place(self) -> str:
        """Return which line the template executes; empty if it does not say so."""
        if self._process is None:
            return ""
        self._process.send_signal(WHERE)
        self._connection.settimeout(_WHERE_SECONDS)
        said, found = b"", None
        with suppress(OSError):
            while found is None and (piece := self._connection.recv(LONGEST_REQUEST)):
                said += piece
                found = _INNERMOST.search(said)
        return f", at {found[1].decode(errors='replace')}:{int(found[2])}" if found else ""

    def start(self, name: str, words: list[str]) -> Fork | None:
        """Return the new process; None if this way is closed to it."""
        if name not in self._names or not self._ready:
            return None
        read, write = os.pipe()
        libc = ctypes.CDLL(None)
        try:
            # The fork's own parent ends at once; by this its new parent is this process. Not for longer: what dying
            # daemons leave must not come to us.
            libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)
            socket.send_fds(self._connection, [json.dumps(words).encode()], [write])
            self._connection.settimeout(self._patience)
            process_id = int(self._connection.recv(LONGEST_REQUEST))
        except (OSError, ValueError):
            os.close(read)
            self.close()
            return None
        finally:
            libc.prctl(_PR_SET_CHILD_SUBREAPER, 0)
            os.close(write)
        return Fork(process_id, os.fdopen(read, "rb", buffering=0))

    def close(self) -> None:
        """End the template; what it started stays."""
        if self._process:
            self._connection.close()
            self._process.kill()
            self._process.wait()
        self._process, self._ready = None, False

    def _open(self) -> None:
        self._connection, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._connection.setblocking(False)
        self._opened_at = self._module_since = time.monotonic()
        self._module = ""
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  (the Procfile's words)
                [sys.executable, "-m", "cli.processes.template_process", str(theirs.fileno()), *self._modules],
                stdin=subprocess.DEVNULL,
                # What the modules say when they are imported, an interpreter of a daemon's own would say again.
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=self._environment,
                start_new_session=True,
                preexec_fn=die_with(os.getpid()),  # noqa: PLW1509  (this process has one thread)
            )


def template_of(
    daemons: Mapping[str, list[str]], *, environment: Mapping[str, str], complain: Callable[[str], None] = say_nothing
) -> Template:
    """Return a template, not opened yet, for those of the commands that run a module. complain: see `Template`."""
    modules = {name: words[2] for name, words in daemons.items() if _is_module(words)}
    return Template(modules.values(), names=modules, environment=environment, complain=complain)


def _is_module(words: list[str]) -> bool:
    return words[:2] == [sys.executable, "-m"] and len(words) > len(("python", "-m"))


def die_with(parent: int) -> Callable[[], None] | None:
    """Return what a new process does so that the kernel ends it with its parent; None where there is no such way."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)

    def arrange() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        # The parent may have been killed before the line above took effect.
        if os.getppid() != parent:
            os._exit(1)

    return arrange
