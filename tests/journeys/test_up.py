"""`omniyard up` as a person uses it: started, killed, started again, stopped; with real processes."""

from __future__ import annotations

import json
import os
import re
import signal
import smtplib
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from cli.processes.leftovers import find_leftovers
from tests.servers.ports import free_port

_READY_SECONDS = 150
# A child that heeds no signal is killed after so many seconds.
_GRACE_SECONDS = 10
_TOKEN = re.compile(r"oy_\w+")
_CONFIG = """
[omniyard]
name = "Test desk"
listen = "127.0.0.1:{web}"
data = "{data}"

[channels.mail]
kind = "smtp"
listen = "127.0.0.1:{smtp}"

[[routes]]
name = "everything"
team = "front-line"
"""


class _Up:
    """One running `omniyard up`, its output, and requests to its desk."""

    def __init__(self, process: subprocess.Popen[str], *, web: int, smtp: int) -> None:
        self.process, self.web, self.smtp = process, web, smtp
        self.printed = ""
        self.opened_within = 0.0
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.printed += line

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        end = time.monotonic() + _READY_SECONDS
        while not condition():
            assert time.monotonic() < end, f"{what} did not happen:\n{self.printed}"
            assert self.process.poll() is None, f"it ended before {what}:\n{self.printed}"
            time.sleep(0.05)

    def wait_until_open(self) -> None:
        began = time.monotonic()
        # On a machine that starts it in more than twenty seconds the screen says that the desk does not answer yet.
        self.wait_for(lambda: "Ctrl-C" in self.printed, "the opening")
        self.wait_for(self.answers, "an answer")
        self.opened_within = time.monotonic() - began

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.web}/readyz", timeout=60) as answer:
                return answer.status == HTTPStatus.OK
        except OSError:
            return False

    def token(self) -> str:
        # It stands below the frame, on the last lines of the screen.
        self.wait_for(lambda: _TOKEN.search(self.printed), "the token")
        found = _TOKEN.search(self.printed)
        assert found
        return found[0]

    def child(self, name: str) -> int:
        found = re.search(rf"\b{name} (\d+)", self.printed)
        assert found
        return int(found[1])

    def conversations(self, token: str) -> list[dict[str, Any]]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.web}/api/v1/conversations", headers={"Authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["conversations"]

    def send(self, subject: str) -> None:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "customer@example.com", "support@example.com", subject
        mail.set_content("Where is my money?")
        try:
            with smtplib.SMTP("127.0.0.1", self.smtp, timeout=60) as client:
                client.send_message(mail)
        except smtplib.SMTPResponseException as error:
            pytest.fail(f"the mail was refused ({error}):\n{self.printed}")

    def finish(self) -> int:
        code = self.process.wait(timeout=120)
        self._reader.join()
        return code


class _Desk:
    """A folder with a configuration; several `up` may run in it one after the other."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "var"
        self.web, self.smtp = free_port(), free_port()
        self.config = folder / "channels.toml"
        self.config.write_text(_CONFIG.format(web=self.web, smtp=self.smtp, data=self.data))

    def start(self) -> _Up:
        command = [sys.executable, "-m", "cli", "up", "--config", str(self.config)]
        # Wide: in a narrow frame the number of a process may be cut by the end of a line.
        environment = {**os.environ, "COLUMNS": "200"}
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )
        return _Up(process, web=self.web, smtp=self.smtp)

    def is_quiet(self) -> bool:
        # A kill is asynchronous: a reader process exists until the kernel ends it.
        end = time.monotonic() + 60
        while find_leftovers(self.data) and time.monotonic() < end:
            time.sleep(0.02)
        return find_leftovers(self.data) == []

    @contextmanager
    def open(self) -> Iterator[_Up]:
        up = self.start()
        try:
            up.wait_until_open()
            yield up
        finally:
            up.process.send_signal(signal.SIGINT)
            up.finish()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[_Desk]:
    desk = _Desk(tmp_path)
    yield desk
    for process in find_leftovers(desk.data):
        os.kill(process, signal.SIGKILL)


def stop_wholly(process: int) -> None:
    """Stop a process, and return when each of its threads rests.

    On a busy machine it may not have run since the signal: the parent's death would reach it first, and while it still
    starts, without a handler for SIGTERM, it would die of it.
    """
    os.kill(process, signal.SIGSTOP)
    end = time.monotonic() + _READY_SECONDS
    while {state_of(thread) for thread in Path(f"/proc/{process}/task").iterdir()} != {"T"}:
        assert time.monotonic() < end, f"process {process} did not stop"
        time.sleep(0.01)


def state_of(thread: Path) -> str:
    """Return the state letter: the first field after the name (proc_pid_stat(5))."""
    return (thread / "stat").read_text().rpartition(")")[2].split()[0]


def test_a_desk_whose_start_was_killed_opens_again_and_takes_mail(desk: _Desk):
    # Given a desk whose parent was killed while one of its children could not hear that it should end
    first = desk.start()
    first.wait_until_open()
    token = first.token()
    stop_wholly(first.child("worker"))
    first.process.kill()
    first.finish()
    assert find_leftovers(desk.data)

    # When it is started again and a customer writes
    with desk.open() as second:
        second.wait_for(lambda: "that an earlier start had left running" in second.printed, "the note")
        second.send("my refund")

        # Then the mail is in the inbox, for the agent of the first start
        second.wait_for(lambda: second.conversations(token), "the mail's arrival")
        assert [row["subject"] for row in second.conversations(token)] == ["my refund"]
    assert not _TOKEN.search(second.printed), "a token is shown once"
    assert desk.is_quiet()


def test_a_stop_takes_seconds_and_leaves_nothing_running(desk: _Desk):
    up = desk.start()
    up.wait_until_open()
    before = time.monotonic()
    up.process.send_signal(signal.SIGINT)
    assert up.finish() == 0
    # Where a start lasts longer than the grace, a stop may too.
    assert time.monotonic() - before < max(_GRACE_SECONDS, up.opened_within)
    assert desk.is_quiet()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_start_that_is_stopped_as_soon_as_something_runs_leaves_nothing_running(desk: _Desk, number: int):
    # Where the tests run in the background they ignore SIGINT, and what they start would ignore it too.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    up = desk.start()
    signal.signal(signal.SIGINT, before)
    up.wait_for(lambda: find_leftovers(desk.data), "the first process")
    up.process.send_signal(number)
    up.finish()
    assert desk.is_quiet()


@pytest.mark.parametrize(
    ("place", "line", "said"),
    [
        ("[omniyard]", "[omniyard]\ncolour = 1", "colour"),  # known only when the settings are read
        ("data =", "data = 5 #", "data"),
        ("[omniyard]", "[omniyard", "not valid TOML"),
        ("[omniyard]", "omniyard = 5\n[else]", "omniyard"),
    ],
)
def test_a_wrong_configuration_is_explained_and_leaves_nothing_running(desk: _Desk, place: str, line: str, said: str):
    desk.config.write_text(desk.config.read_text().replace(place, line))
    up = desk.start()
    assert up.finish() == 3
    assert said in up.printed
    assert find_leftovers(desk.data) == []
    assert not desk.data.exists()


def test_a_process_that_dies_starts_again_and_a_line_says_so(desk: _Desk):
    with desk.open() as up:
        os.kill(up.child("worker"), signal.SIGKILL)
        up.wait_for(lambda: "was ended by SIGKILL and starts again in 1 s" in up.printed, "the notice")
        up.wait_for(lambda: up.printed.count("worker.started") == 2, "the second start")


def test_the_same_folder_cannot_be_opened_twice(desk: _Desk):
    with desk.open() as up:
        second = desk.start()
        assert second.finish() == 1
        assert f"already runs from {desk.data} (process {up.process.pid})" in second.printed


def test_an_address_that_is_taken_is_explained(desk: _Desk):
    with socket.create_server(("127.0.0.1", desk.smtp)):
        up = desk.start()
        assert up.finish() == 1
    assert f"127.0.0.1:{desk.smtp} is taken by process {os.getpid()}" in up.printed
    assert "change [channels.mail] listen" in up.printed
