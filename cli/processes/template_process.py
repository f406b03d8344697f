"""`python -m cli.processes.template_process FD MODULE...`: imports the daemons' modules, then forks for each start.

The three daemons import mostly the same modules. Forks share these pages of memory, and import nothing twice.
Before the first fork nothing here may start a thread or open a file, a socket or a database: modules that do so when
they are imported make this process end, and the supervisor starts an interpreter for each daemon instead.
"""

from __future__ import annotations

import ctypes
import faulthandler
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

READY: Final = b"ready"
# With this signal the supervisor asks where an import stands; the answer comes in pieces on the connection.
WHERE: Final = signal.SIGUSR1
LONGEST_REQUEST: Final = 65_536
_PR_SET_PDEATHSIG: Final = 1
# Fields of /proc/<pid>/stat after the name, counted from 0 (proc(5), fields 48 and 49): where the arguments stand.
_ARGUMENTS: Final = slice(45, 47)
_ADOPTION_SECONDS: Final = 0.0005


def _wait_for_start(connection: socket.socket) -> list[str]:
    """Return the command line of a process to be, in a fork of this one; the process itself returns nothing."""
    supervisor = os.getppid()
    while True:
        request, descriptors, _, _ = socket.recv_fds(connection, LONGEST_REQUEST, 1)
        if not request:
            os._exit(0)
        between = os.fork()
        if between == 0:
            between = os.getpid()
            if os.fork():
                os._exit(0)
            _become_child(between, supervisor=supervisor, output=descriptors[0])
            words: list[str] = json.loads(request)
            _show(words)
            # This raises if the supervisor gave up this start.
            connection.send(str(os.getpid()).encode())
            connection.close()
            return words
        os.close(descriptors[0])
        os.waitpid(between, 0)


def _become_child(between: int, *, supervisor: int, output: int) -> None:
    """Make this process a child of the supervisor, as if the supervisor had started it.

    The process between the two has ended or ends now; then the kernel gives its child to the supervisor.
    """
    os.setsid()
    for number in (1, 2):
        os.dup2(output, number)
    os.close(output)
    while os.getppid() == between:
        time.sleep(_ADOPTION_SECONDS)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != supervisor:
        os._exit(1)


def _show(words: list[str]) -> None:
    """Let `ps` show the command line that an interpreter of its own would have."""
    with suppress(OSError, ValueError):
        stat = Path("/proc/self/stat").read_text(encoding="utf-8")
        start, end = map(int, stat.rpartition(")")[2].split()[_ARGUMENTS])
        text = b"\0".join(map(os.fsencode, words))[: end - start - 1].ljust(end - start, b"\0")
        with Path("/proc/self/mem").open("r+b", buffering=0) as memory:
            memory.seek(start)
            memory.write(text)


def _run(words: list[str]) -> None:
    """Run `python -m MODULE ARGUMENT...` in this process."""
    gc.enable()
    module = words[2]
    sys.argv = words[2:]
    # It runs under the name `__main__`, and its modules are there already.
    sys.modules.pop(f"{module}.__main__", None)
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _prepare(connection: socket.socket, modules: list[str]) -> None:
    # A collection would leave holes between the objects, which the forks fill: each a page that is no longer shared.
    gc.disable()
    faulthandler.register(WHERE, file=connection, all_threads=False)
    for module in modules:
        connection.send(module.encode())
        importlib.import_module(f"{module}.__main__")
    if len([*Path("/proc/self/task").iterdir()]) > 1:
        sys.exit("a module started a thread when it was imported")
    # Forks have their own use of the signal.
    faulthandler.unregister(WHERE)
    gc.freeze()
    connection.send(READY)


if __name__ == "__main__":
    _connection = socket.socket(fileno=int(sys.argv[1]))
    _prepare(_connection, sys.argv[2:])
    _run(_wait_for_start(_connection))
