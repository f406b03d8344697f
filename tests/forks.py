"""Processes for tests, without the second or two in which each interpreter imports the house.

One process with all imports (`python -m tests.forks`) forks what a test starts: a real process with its own number,
environment, folder, output and exit code. What a test says about the start itself uses `subprocess` instead.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from router.settings.files import load_settings, shipped_file
from tests.parsed_files import share_parsed_files

ROOT = Path(__file__).resolve().parents[1]
# What the processes of a desk import, at once or when they need it.
_PRELOADED = (
    "workers.runtime.plain_tracebacks",
    "workers.__main__",
    "connectors.__main__",
    "connectors.email.imap.connector",
    "connectors.email.smtp.listener",
    "connectors.email.smtp.sender",
    "api.__main__",
    "cli.__main__",
    "cli.commands.up",
    "cli.commands.classify",
    "cli.commands.model",
    "benchmarks.outbound.worker",
    "workers.answering.answerer",
    "workers.answering.library",
    "workers.answering.rephrase",
    "workers.generated.writer",
    "connectors.web.chat.sender",
    "holidays.countries.china",
    "holidays.groups",
    "encodings.idna",
    "psycopg",
    "sqlite3",
    # The mail server of some tests.
    "pymap.main",
    "pymap.backend.dict",
    "pymap.imap",
)
_LARGEST_REQUEST = 200_000
_INTEGER = 8


class Forked:
    """A process that was forked; what tests use of `subprocess.Popen`."""

    def __init__(self, pid: int, status: socket.socket) -> None:
        self.pid, self._status = pid, status
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._status], [], [], 0)[0]:
            self._end()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
            self._end()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _end(self) -> None:
        self.returncode = _integer(self._status)
        self._status.close()


def start(
    words: Sequence[str],
    *,
    cwd: Path = ROOT,
    env: Mapping[str, str] | None = None,
    stdin: IO[Any] | None = None,
    stdout: IO[Any] | None = None,
    stderr: IO[Any] | None = None,
) -> Forked:
    """Start `python WORDS`, which begin with "-m" or "-c", and a name or a program; files not given are /dev/null."""
    ours, theirs = socket.socketpair()
    asked = {"words": list(words), "cwd": str(cwd), "env": dict(os.environ if env is None else env)}
    with theirs, Path(os.devnull).open("r+b") as nothing:
        files = [(each or nothing).fileno() for each in (stdin, stdout, stderr)]
        socket.send_fds(_preloaded(), [json.dumps(asked).encode()], [theirs.fileno(), *files])
    return Forked(_integer(ours), ours)


def run(
    words: Sequence[str],
    *,
    cwd: Path = ROOT,
    env: Mapping[str, str] | None = None,
    given: bytes = b"",
    timeout: float = 120,
) -> subprocess.CompletedProcess[str]:
    """Run `python WORDS` to its end, as `start` does, and return what it said."""
    with tempfile.TemporaryFile() as into, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        into.write(given)
        into.seek(0)
        process = start(words, cwd=cwd, env=env, stdin=into, stdout=out, stderr=err)
        try:
            process.wait(timeout)
        finally:
            process.kill()
        said = []
        for file in (out, err):
            file.seek(0)
            said.append(file.read().decode())
        return subprocess.CompletedProcess(list(words), process.wait(), *said)


_opened: list[socket.socket] = []
_opening = threading.Lock()


def _preloaded() -> socket.socket:
    """Return the way to this run's one process with all imports; it ends with the run."""
    with _opening:
        if not _opened:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            command = [sys.executable, "-m", "tests.forks", str(theirs.fileno())]
            # Its own environment is the run's, as it was before any test changed it.
            process = subprocess.Popen(command, cwd=ROOT, pass_fds=[theirs.fileno()])
            theirs.close()
            atexit.register(process.wait)
            atexit.register(ours.close)
            _opened.append(ours)
        return _opened[0]


def _integer(way: socket.socket) -> int:
    received = way.recv(_INTEGER)
    if not received:
        raise RuntimeError("the process with all imports has died; its reason is in the output of the run")
    return int.from_bytes(received, "big", signed=True)


def _tell(way: int, number: int) -> None:
    # A test that ended does not listen any more.
    with contextlib.suppress(BrokenPipeError):
        os.write(way, number.to_bytes(_INTEGER, "big", signed=True))


def _serve(way: socket.socket) -> list[str] | None:
    """Fork at each request. Returns in each child, with its words; in the parent at the end of the run."""
    running: dict[int, tuple[int, int]] = {}
    while True:
        ready = select.select([way, *running], [], [])[0]
        for watched in [each for each in ready if each is not way]:
            pid, status = running.pop(watched)
            _tell(status, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
            os.close(status)
            os.close(watched)
        if way not in ready:
            continue
        request, files, _, _ = socket.recv_fds(way, _LARGEST_REQUEST, 4)
        if not request:
            return None
        pid = os.fork()
        if not pid:
            return _become(json.loads(request), files[1:])
        running[os.pidfd_open(pid)] = (pid, files[0])
        _tell(files[0], pid)
        for file in files[1:]:
            os.close(file)


def _become(asked: Mapping[str, Any], files: Sequence[int]) -> list[str]:
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    return list(asked["words"])


def _run(kind: str, what: str, *arguments: str) -> None:
    """Be `python -m NAME ...` or `python -c PROGRAM ...`."""
    sys.path[0] = str(Path.cwd()) if kind == "-m" else ""
    if kind == "-m":
        sys.argv = [what, *arguments]
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        sys.argv = [kind, *arguments]
        main = sys.modules["__main__"] = types.ModuleType("__main__")
        exec(compile(what, "<string>", "exec"), main.__dict__)


def main() -> None:
    """Import everything, then fork until the run ends."""
    way = socket.socket(fileno=int(sys.argv[1]))
    for name in _PRELOADED:
        importlib.import_module(name)
        if name.endswith("__main__"):
            # It runs as the main module of each process, and is not its own import.
            del sys.modules[name]
    if threading.active_count() > 1:
        raise RuntimeError(f"an import starts threads, and forks would lose them: {threading.enumerate()}")
    # Most of them read it.
    share_parsed_files()
    load_settings(shipped_file())
    gc.collect()
    gc.freeze()
    words = _serve(way)
    if words is not None:
        _run(*words)


if __name__ == "__main__":
    main()
