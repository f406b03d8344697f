"""Daemons of `omniyard up` as forks of one process that has imported their modules; with real processes."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.processes.leftovers import find_leftovers, marked
from cli.processes.procfile import read_procfile
from cli.processes.supervisor import STOP_SIGNALS, Supervisor
from cli.processes.template import Template

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks are for Linux")

_PORTRAIT = """
    import json, os, random, signal, sys, threading, time
    def main():
        print(json.dumps({
            "is child": os.getppid() == int(os.environ["SUPERVISOR"]),
            "leads its session": os.getsid(0) == os.getpid() == os.getpgid(0),
            "name": __name__, "module": sys.modules["__main__"].main is main, "arguments": sys.argv,
            "shown": open("/proc/self/cmdline").read().rstrip("\\0").split("\\0"),
            "program": open("/proc/self/comm").read(),
            "folder": os.getcwd(), "umask": os.umask(0o77), "environment": dict(os.environ), "path": sys.path,
            "input": os.readlink("/proc/self/fd/0"), "one output": os.fstat(1) == os.fstat(2),
            "open": [at for at in range(3, 64) if os.path.exists(f"/proc/self/fd/{at}")],
            "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
            "handlers": [str(signal.getsignal(at)) for at in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)],
            "threads": threading.active_count(), "main thread": threading.current_thread().name,
            "imported in": "only here" if PROCESS == os.getpid() else "the template",
            "chance": random.random(),
        }), flush=True)
        time.sleep(600)
    if __name__ == "__main__":
        import portrait.memory
        PROCESS = portrait.memory.PROCESS
        main()
"""
_ALIVE = "if __name__ == '__main__': import time; print('alive', flush=True); time.sleep(600)"
_MEMORY = "import os\nPROCESS = os.getpid()\n"
# Seconds, at most: on a busy machine the imports of the real daemons took longer than an operator waits for them.
_PATIENCE = 240.0


class _Yard:
    """Programs of a test, and a supervisor that runs them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines: list[str] = []
        self.environment = {**os.environ, **marked(folder), "PYTHONPATH": f"{folder}:{Path(__file__).parents[2]}"}
        self.environment["SUPERVISOR"] = str(os.getpid())

    def write(self, name: str, program: str, **more: str) -> None:
        (self.folder / name).mkdir()
        for module, text in {"__init__": "", "__main__": program, **more}.items():
            (self.folder / name / f"{module}.py").write_text(textwrap.dedent(text))

    def supervisor(
        self,
        *names: str,
        forks: bool = True,
        patience: float = 30,
        longest_import: float = _PATIENCE,
        well_after: float = 60,
    ) -> tuple[Supervisor, Template]:
        speak = lambda name, line: self.lines.append(f"{name}: {line}")  # noqa: E731
        environment = self.environment
        template = Template(
            names,
            names=names if forks else (),
            environment=environment,
            patience=patience,
            longest_import=longest_import,
            complain=lambda line: speak("template", line),
        )
        commands = {name: lambda _, name=name: [sys.executable, "-m", name, "--quiet"] for name in names}
        running = Supervisor(commands, environment=environment, speak=speak, template=template, well_after=well_after)
        return running, template

    def count(self, line: str) -> int:
        return self.lines.count(line)

    def said(self, name: str) -> list[str]:
        return [line.partition(": ")[2] for line in self.lines if line.startswith(f"{name}: ")]


def _until(condition: Callable[[], object]) -> Callable[[], None]:
    end = time.monotonic() + _PATIENCE

    def check() -> None:
        if condition() or time.monotonic() > end:
            os.kill(os.getpid(), signal.SIGINT)

    return check


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[_Yard]:
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    yield _Yard(tmp_path)
    for number, handler in before.items():
        signal.signal(number, handler)
    for process in find_leftovers(tmp_path):
        os.kill(process, signal.SIGKILL)


def _portrait(yard: _Yard, *, forks: bool) -> dict[str, Any]:
    yard.lines.clear()
    supervisor, _ = yard.supervisor("portrait", forks=forks)
    supervisor.run(each_tick=_until(lambda: yard.lines))
    supervisor.stop()
    return json.loads(yard.said("portrait")[0])


def test_a_fork_is_what_an_interpreter_of_its_own_would_be(yard: _Yard):
    yard.write("portrait", _PORTRAIT, memory=_MEMORY)
    (yard.folder / "portrait" / "__init__.py").write_text("import portrait.memory")
    fork, other, interpreter = (_portrait(yard, forks=forks) for forks in (True, True, False))
    assert [each.pop("imported in") for each in (fork, other, interpreter)] == [
        "the template",
        "the template",
        "only here",
    ]
    assert len({each.pop("chance") for each in (fork, other, interpreter)}) == 3
    assert fork == interpreter
    assert fork["is child"]
    assert fork["shown"] == [sys.executable, "-m", "portrait", "--quiet"]


def test_a_fork_that_dies_starts_again_and_its_exit_code_is_reported(yard: _Yard):
    yard.write("worker", "if __name__ == '__main__': print('alive', flush=True); raise SystemExit(7)")
    supervisor, _ = yard.supervisor("worker")
    supervisor.run(each_tick=_until(lambda: yard.count("worker: alive") == 2))
    supervisor.stop()
    assert "worker: ended with exit code 7 and starts again in 1 s" in yard.lines
    assert find_leftovers(yard.folder) == []


def test_a_killed_template_leaves_the_daemons_and_the_next_start_has_another_one(yard: _Yard):
    yard.write("worker", _ALIVE)
    supervisor, template = yard.supervisor("worker")
    seen: list[tuple[int, int]] = []

    def each_tick() -> None:
        if yard.count("worker: alive") == len(seen) + 1:
            seen.append((template.process_id, supervisor.processes()["worker"]))
            # The template first; then its fork still runs, and dies by our hand alone.
            os.kill(seen[-1][0], signal.SIGKILL)
            os.waitid(os.P_PID, seen[-1][0], os.WEXITED | os.WNOWAIT)
            os.kill(seen[-1][1], signal.SIGUSR1)
        stop()

    stop = _until(lambda: len(seen) == 2)
    supervisor.run(each_tick=each_tick)
    supervisor.stop()
    assert len({template for template, _ in seen}) == len({worker for _, worker in seen}) == 2
    assert "worker: was ended by SIGUSR1 and starts again in 1 s" in yard.lines
    assert find_leftovers(yard.folder) == []


def test_a_template_is_closed_when_every_fork_has_started_well_and_a_later_start_waits_for_no_other(yard: _Yard):
    yard.write("worker", _ALIVE)
    supervisor, template = yard.supervisor("worker", well_after=0)
    killed: list[int] = []
    templates: set[int] = set()

    def each_tick() -> None:
        if killed:
            templates.add(template.process_id)
        elif yard.lines and not template.process_id:
            killed.append(supervisor.processes()["worker"])
            os.kill(killed[0], signal.SIGUSR1)
        stop()

    stop = _until(lambda: yard.count("worker: alive") == 2)
    supervisor.run(each_tick=each_tick)
    again = supervisor.processes()["worker"]
    shown = Path(f"/proc/{again}/cmdline").read_text(encoding="utf-8")
    supervisor.stop()
    assert templates == {0}
    assert killed != [again]
    assert "worker" in shown
    assert find_leftovers(yard.folder) == []


def test_a_template_that_an_earlier_program_of_this_process_opened_is_adopted_and_ended(yard: _Yard):
    yard.write("worker", _ALIVE)
    earlier = Template(["worker"], names=["worker"], environment=yard.environment)
    earlier.open()
    process, descriptor = earlier.handed_over()
    assert find_leftovers(yard.folder, but=process) == []
    supervisor, template = yard.supervisor("worker")
    template.adopt(process, os.dup(descriptor))
    supervisor.run(each_tick=_until(lambda: yard.lines))
    assert template.process_id == process
    supervisor.stop()
    earlier.close()
    assert yard.lines == ["worker: alive"]
    assert find_leftovers(yard.folder) == []


def test_a_template_that_was_opened_for_another_environment_is_replaced(yard: _Yard):
    yard.write(
        "worker", "if __name__ == '__main__': import os, time; print(os.environ['WHO'], flush=True); time.sleep(600)"
    )
    supervisor, template = yard.supervisor("worker")
    template.open({**yard.environment, "WHO": "probable"})
    first = template.process_id
    template.open({**yard.environment, "WHO": "known"})
    second = template.process_id
    template.open({**yard.environment, "WHO": "known"})
    assert (template.process_id, first == second, Path(f"/proc/{first}").exists()) == (second, False, False)
    supervisor.run(each_tick=_until(lambda: yard.lines))
    supervisor.stop()
    assert yard.lines == ["worker: known"]


def test_a_template_that_hangs_is_replaced_by_interpreters(yard: _Yard):
    yard.write("worker", _ALIVE)
    supervisor, template = yard.supervisor("worker", patience=0.2)
    template.open()
    while template.is_awaited("worker"):
        time.sleep(0.02)
    os.kill(template.process_id, signal.SIGSTOP)
    supervisor.run(each_tick=_until(lambda: yard.lines))
    supervisor.stop()
    assert yard.lines == ["worker: alive"]
    assert find_leftovers(yard.folder) == []


@pytest.mark.parametrize(
    ("at_import", "place"),
    [
        # As a module that asks a server which does not answer. Only the template imports it; the daemon runs.
        (
            "import socket; a, b = socket.socketpair(); __name__ == '__main__' or a.recv(1)",
            r", at \S+/slow/__main__\.py:2",
        ),
        # Stopped in the kernel, it cannot say where.
        ("import os, signal; __name__ == '__main__' or os.kill(os.getpid(), signal.SIGSTOP)", ""),
    ],
    ids=["waits", "stopped"],
)
def test_a_template_whose_import_hangs_is_given_up_with_a_sentence_and_replaced_by_interpreters(
    yard: _Yard, at_import: str, place: str, monkeypatch: pytest.MonkeyPatch
):
    if place:
        # It says where it stands as soon as it gets a turn.
        monkeypatch.setattr("cli.processes.template._WHERE_SECONDS", 60.0)
    hangs = yard.folder / "hangs"
    yard.write("worker", _ALIVE)
    yard.write("slow", f"\nimport pathlib; pathlib.Path({str(hangs)!r}).touch(); {at_import}\n{_ALIVE}")
    supervisor, template = yard.supervisor("worker", "slow", longest_import=600)
    stop = _until(lambda: len(yard.lines) == 3)

    def each_tick() -> None:
        # A busy machine imports slowly until there.
        if hangs.exists():
            template._longest_import = 1
        stop()

    supervisor.run(each_tick=each_tick)
    assert template.process_id == 0
    supervisor.stop()
    assert yard.count("worker: alive") == yard.count("slow: alive") == 1
    assert re.fullmatch(
        rf"the import of slow has not ended after \d+ s{place}; expected: all modules within 1 s\. "
        "Each process gets an interpreter of its own now, where the same import may hang too",
        *yard.said("template"),
    )
    assert find_leftovers(yard.folder) == []


@pytest.mark.parametrize(
    "at_import",
    [
        "if __name__ != '__main__': raise ValueError",  # it cannot be imported
        "import threading, time; threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",  # no fork then
    ],
)
def test_where_a_template_cannot_fork_each_daemon_gets_an_interpreter(yard: _Yard, at_import: str):
    yard.write("worker", f"{at_import}\n{_ALIVE}")
    supervisor, template = yard.supervisor("worker")
    supervisor.run(each_tick=_until(lambda: yard.lines))
    assert template.process_id == 0
    supervisor.stop()
    assert yard.lines == ["worker: alive"]


def test_the_real_daemons_start_no_thread_and_open_no_file_when_they_are_imported(yard: _Yard):
    modules = [daemon.command()[2] for daemon in read_procfile()]
    template = Template(modules, names=modules, environment=yard.environment, longest_import=_PATIENCE)
    while template.is_awaited(modules[0]):
        time.sleep(0.05)
    # A template that had refused to fork would be gone.
    folder = Path(f"/proc/{template.process_id}")
    assert len([*(folder / "task").iterdir()]) == 1
    files = [str(file.readlink()) for file in (folder / "fd").iterdir()]
    template.close()
    assert sorted(file.partition(":")[0] for file in files) == ["/dev/null", "/dev/null", "/dev/null", "socket"]


def test_a_stop_ends_forks_and_template_and_also_a_fork_that_heeds_no_signal(yard: _Yard):
    yard.write("worker", _ALIVE)
    yard.write(
        "deaf",
        """
        if __name__ == "__main__":
            import signal, time
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            print("alive", flush=True)
            time.sleep(600)
        """,
    )
    supervisor, _ = yard.supervisor("worker", "deaf")
    stop = _until(lambda: len(yard.lines) == 2)
    # The second signal does not wait for what ignores the first.
    supervisor.run(each_tick=lambda: [stop(), stop()])
    supervisor.stop()
    assert find_leftovers(yard.folder) == []
