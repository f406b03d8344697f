"""The supervisor of `omniyard up`, tested with real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from cli.processes.leftovers import end_leftovers, find_leftovers, marked, only_one
from cli.processes.supervisor import BEFORE_ANOTHER_TRY, BEFORE_RESTART, Supervisor
from router.backoff import Backoff
from router.errors import Conflict

_SLEEPER = "import time\nprint('ready', flush=True)\ntime.sleep(600)"


class _SpokenLines:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, name: str, line: str) -> None:
        self.lines.append(f"{name}: {line}")


class _Once:
    """Ends the supervisor's loop, as Ctrl-C would, when the condition holds or after a minute."""

    def __init__(self, condition: Callable[[], bool]) -> None:
        self._condition, self._end = condition, time.monotonic() + 60

    def __call__(self) -> None:
        if self._condition() or time.monotonic() > self._end:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def spoken():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield _SpokenLines()
    for number, handler in before.items():
        signal.signal(number, handler)


def _supervisor(
    spoken: _SpokenLines, tmp_path: Path, *, once: dict[str, Backoff] | None = None, **programs: str
) -> Supervisor:
    commands = {
        name: lambda _, program=program: [sys.executable, "-c", textwrap.dedent(program)]
        for name, program in programs.items()
    }
    return Supervisor(commands, environment={**os.environ, **marked(tmp_path)}, speak=spoken, once=once)


def _all_gone(data: Path) -> bool:
    # A kill is asynchronous: the process exists until the kernel ends it.
    end = time.monotonic() + 60
    while find_leftovers(data) and time.monotonic() < end:
        time.sleep(0.02)
    return find_leftovers(data) == []


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [
        (1, 1.0),  # the first end may be an accident
        (2, 2.0),
        (5, 16.0),
        (6, 30.0),  # capped: after the cause is repaired, the wait is half a minute at most
        (10_000, 30.0),  # and no number of failures overflows
    ],
)
def test_the_pause_before_a_restart_doubles_up_to_half_a_minute(failures: int, seconds: float):
    assert BEFORE_RESTART.after(failures).total_seconds() == seconds


def test_lines_of_children_are_relayed_with_their_name_also_without_a_newline(spoken: _SpokenLines, tmp_path: Path):
    supervisor = _supervisor(spoken, tmp_path, talker="print('one'); print('two', end='')")
    supervisor.run(each_tick=_Once(lambda: "talker: two" in spoken.lines))
    supervisor.stop()
    assert spoken.lines[:2] == ["talker: one", "talker: two"]


def test_a_child_that_dies_starts_again_and_a_line_says_so(spoken: _SpokenLines, tmp_path: Path):
    supervisor = _supervisor(spoken, tmp_path, worker="print('alive', flush=True); raise SystemExit(7)")
    supervisor.run(each_tick=_Once(lambda: spoken.lines.count("worker: alive") == 2))
    supervisor.stop()
    assert "worker: ended with exit code 7 and starts again in 1 s" in spoken.lines


def test_what_has_done_its_work_does_not_start_again_unless_it_failed(spoken: _SpokenLines, tmp_path: Path):
    program = """
        import pathlib
        tries = pathlib.Path("{tries}")
        tries.touch()
        tries.write_text(tries.read_text() + "x")
        raise SystemExit(len(tries.read_text()) == 1)
    """.replace("{tries}", str(tmp_path / "tries"))
    tries = tmp_path / "tries"
    supervisor = _supervisor(spoken, tmp_path, once={"lesson": BEFORE_RESTART}, lesson=program)
    ended_at: list[float] = []

    def is_over() -> bool:
        if not ended_at and tries.exists() and tries.read_text() == "xx" and not supervisor.processes():
            ended_at.append(time.monotonic())
        # The pause before a third try would be two seconds.
        return bool(ended_at) and time.monotonic() - ended_at[0] > 2.5

    supervisor.run(each_tick=_Once(is_over))
    supervisor.stop()
    assert tries.read_text() == "xx"
    assert [line for line in spoken.lines if line.startswith("lesson")] == [
        "lesson: ended with exit code 1 and starts again in 1 s"
    ]


@pytest.mark.parametrize(("failures", "seconds"), [(1, 30), (2, 120), (4, 1_920), (6, 21_600), (10_000, 21_600)])
def test_minutes_of_work_are_tried_again_after_pauses_that_grow_to_hours(failures: int, seconds: float):
    assert BEFORE_ANOTHER_TRY.after(failures).total_seconds() == seconds


def test_work_that_fails_after_it_ran_for_long_pauses_longer_each_time(spoken: _SpokenLines, tmp_path: Path):
    # Each try outlives the time after which a daemon would count as well started.
    pauses = Backoff(first=timedelta(seconds=0.2), longest=timedelta(hours=6), growth=4.0)
    commands = {"lesson": lambda _: [sys.executable, "-c", "import time; time.sleep(0.2); raise SystemExit(1)"]}
    supervisor = Supervisor(
        commands,
        environment={**os.environ, **marked(tmp_path)},
        speak=spoken,
        once={"lesson": pauses},
        well_after=0.1,
    )
    supervisor.run(each_tick=_Once(lambda: len(spoken.lines) == 3))
    supervisor.stop()
    ends = "lesson: ended with exit code 1 and starts again in"
    assert spoken.lines == [f"{ends} {pause} s" for pause in ("0.2", "0.8", "3.2")]


def test_what_a_dead_child_left_running_ends_with_it(spoken: _SpokenLines, tmp_path: Path):
    program = f"""
        import subprocess, sys
        subprocess.Popen([sys.executable, "-c", {_SLEEPER!r}])
        raise SystemExit(1)
    """
    supervisor = _supervisor(spoken, tmp_path, worker=program)
    supervisor.run(each_tick=_Once(lambda: any("starts again" in line for line in spoken.lines)))
    supervisor.stop()
    assert _all_gone(tmp_path)


def test_stop_ends_everything_within_seconds(spoken: _SpokenLines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # What is not over by its first signal lasts longer than the test.
    monkeypatch.setattr("cli.processes.supervisor._GRACE_SECONDS", 600)
    supervisor = _supervisor(spoken, tmp_path, web=_SLEEPER, worker=_SLEEPER)
    supervisor.run(each_tick=_Once(lambda: len(spoken.lines) == 2))
    supervisor.stop()
    assert supervisor.processes() == {}
    assert find_leftovers(tmp_path) == []


def test_a_second_interrupt_kills_a_child_that_will_not_stop(
    spoken: _SpokenLines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("cli.processes.supervisor._GRACE_SECONDS", 600)
    stubborn = "import signal; signal.signal(signal.SIGTERM, lambda *_: print('no', flush=True))\n" + _SLEEPER
    supervisor = _supervisor(spoken, tmp_path, stubborn=stubborn)
    supervisor.run(each_tick=_Once(lambda: bool(spoken.lines)))
    os.kill(os.getpid(), signal.SIGINT)
    supervisor.stop()
    assert supervisor.processes() == {}


def test_children_end_when_their_killed_parent_is_gone(tmp_path: Path):
    program = f"""
        import os
        from cli.processes.supervisor import Supervisor
        Supervisor(
            {{"child": lambda _: [{sys.executable!r}, "-c", {_SLEEPER!r}]}},
            environment=os.environ,
            speak=lambda name, line: print(line, flush=True),
        ).run()
    """
    environment = {**os.environ, **marked(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], env=environment, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        assert len(find_leftovers(tmp_path)) == 2
        parent.kill()
    assert _all_gone(tmp_path)


def test_leftovers_are_ended_even_if_they_ignore_a_polite_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("cli.processes.leftovers._PATIENCE_SECONDS", 0.2)
    stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + _SLEEPER
    environment = {**os.environ, **marked(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", stubborn], env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert end_leftovers(tmp_path) == 1
        assert process.wait() == -signal.SIGKILL


def test_leftovers_of_another_data_folder_are_left_alone(tmp_path: Path):
    environment = {**os.environ, **marked(tmp_path / "other")}
    with subprocess.Popen([sys.executable, "-c", _SLEEPER], env=environment, stdout=subprocess.DEVNULL) as process:
        assert end_leftovers(tmp_path) == 0
        assert process.poll() is None
        process.kill()


def test_two_cannot_run_from_one_data_folder(tmp_path: Path):
    with only_one(tmp_path), pytest.raises(Conflict, match=f"process {os.getpid()}"), only_one(tmp_path):
        pass
    with only_one(tmp_path):
        pass
