"""A process that is killed at a step that is not on a message's path, or while many senders wait: nothing is lost."""

from __future__ import annotations

import os
import signal
import smtplib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from cli.processes.leftovers import find_leftovers, marked
from router.classify.array_file import Arrays, kept_arrays
from store.db.engine import Database
from store.tables.messages import InboundRow
from tests import forks
from tests.desk import Desk
from tests.servers.ports import free_port
from workers.training.model_store import ModelFolder, StoredModel

_SENDERS: Final = 12
_STEPS: Final = ("accept.written", "accept.after")


@pytest.fixture
def desk(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Desk]:
    (tmp_path / "omniyard.db").write_bytes(migrated_sqlite.read_bytes())
    database = Database.at(tmp_path / "omniyard.db")
    yield Desk(database, tmp_path)
    database.close()


def _send(port: int, number: int) -> int:
    """Send a mail until it is accepted, and a second copy where the answer was lost; return how many got 250."""
    mail = f"From: c{number}@customer.example\r\nSubject: Number {number}\r\n\r\nWords of {number}.\r\n".encode()
    end, accepted = time.monotonic() + 120, 0
    while not accepted and time.monotonic() < end:
        with suppress(OSError, smtplib.SMTPException), smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
            client.sendmail(f"c{number}@customer.example", ["support@desk.example"], mail)
            accepted += 1
        if not accepted:
            time.sleep(0.02)
    return accepted


@pytest.mark.timeout(300)
def test_many_senders_whose_batch_dies_before_or_after_its_commit_are_each_kept_once(desk: Desk) -> None:
    port, marks = free_port(), desk.folder / "marks"
    marks.mkdir()
    config = desk.folder / "channels.toml"
    channel = f'[channels.mail]\nkind = "smtp"\nlisten = "127.0.0.1:{port}"'
    config.write_text(desk.text.replace('[channels.mail]\nkind = "smtp"', channel).replace(":2526", f":{free_port()}"))
    environment = os.environ | {
        "OMNIYARD_CONFIG": str(config),
        "OMNIYARD_FAILPOINTS": ",".join(f"{step}=kill" for step in _STEPS),
        "OMNIYARD_FAILPOINT_MARKS": str(marks),
    }
    running = forks.start(["-m", "connectors"], env=environment)
    with ThreadPoolExecutor(_SENDERS) as pool:
        answers = [pool.submit(_send, port, number) for number in range(_SENDERS)]
        while not all(each.done() for each in answers):
            if running.poll() is not None:
                assert running.returncode == -signal.SIGKILL
                running = forks.start(["-m", "connectors"], env=environment)
            time.sleep(0.05)
    running.kill()
    running.wait()

    assert {each.name for each in marks.iterdir()} == set(_STEPS)
    assert [each.result() for each in answers] == [1] * _SENDERS
    assert len(desk.rows(InboundRow)) == len(set(desk.rows(InboundRow, "source_key"))) == _SENDERS


# Kills its process at the nth call of a function, before or after it is done.
_KILLED: Final = """
import os, signal
from pathlib import Path
name, number, when = os.environ["STEP"].split()
folder, calls = Path(os.environ["FOLDER"]), []
holder = Path if name == "replace" else os
done = getattr(holder, name)
def act(*values, **named):
    calls.append(name)
    if len(calls) == int(number) and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    found = done(*values, **named)
    if len(calls) == int(number):
        os.kill(os.getpid(), signal.SIGKILL)
    return found
setattr(holder, name, act)
"""
_WRITES_ARRAYS: Final = """
import numpy as np
from router.classify.array_file import kept_arrays
kept_arrays(folder / "kept.arrays", lambda: {"table": np.arange(1000)})
"""
_WRITES_MODEL: Final = """
from router.classify import model_file
from workers.training.model_store import ModelFolder, StoredModel
model_file.to_bytes = lambda model: b"weights"
ModelFolder.load = lambda self, version: None
about = StoredModel.model_validate_json(os.environ["ABOUT"])
models = ModelFolder(folder)
models.keep(about, about=about)
models.activate(about.version, desk="", at=about.trained_at)
"""


def _killed(program: str, step: str, folder: Path, **more: str) -> None:
    folder.mkdir()
    done = forks.run(["-c", _KILLED + program], env=os.environ | {"STEP": step, "FOLDER": str(folder)} | more)
    assert done.returncode == -signal.SIGKILL, done.stderr


def test_a_shared_file_whose_writer_was_killed_is_whole_or_absent(tmp_path: Path) -> None:
    for step in ("fchmod 1 before", "fsync 1 before", "link 1 before", "link 1 after"):
        folder = tmp_path / step.replace(" ", "-")
        made: list[str] = []
        _killed(_WRITES_ARRAYS, step, folder)

        def read(made: list[str] = made) -> Arrays:
            made.append("again")
            return {"table": np.arange(1000)}

        arrays, mapped = kept_arrays(folder / "kept.arrays", read)
        assert mapped, step
        assert np.array_equal(arrays["table"], np.arange(1000)), step
        assert made == ([] if step == "link 1 after" else ["again"]), step


def test_a_model_whose_writer_was_killed_is_whole_or_absent_and_in_force_only_when_it_is_whole(tmp_path: Path) -> None:
    about = StoredModel(
        version="1", desk="", trained_at=datetime.now(UTC), examples=1, corrections=0, encoder=None, report={}
    )
    # The weights, what describes them, and which model is in force: each is written, synchronised and named.
    steps = [f"{name} {number} before" for number in (1, 2, 3) for name in ("fsync", "replace")]
    found = {}
    for step in (*steps, "replace 3 after"):
        folder = ModelFolder(tmp_path / step.replace(" ", "-"))
        _killed(_WRITES_MODEL, step, folder.path, ABOUT=about.model_dump_json())
        models, choice = folder.models(), folder.in_force()
        assert all((folder.path / f"{each.version}.npz").read_bytes() == b"weights" for each in models), step
        found[step] = (len(models), choice.version if choice else "")
    assert [*found.values()] == [(0, "")] * 4 + [(1, "")] * 2 + [(1, "1")]


_PREPARES: Final = """
import os, signal, time
from cli.processes.template import Template
template = Template(["json.tool"], names=["json"], environment=dict(os.environ))
template.open()
while os.environ["WHEN"] == "ready" and template.is_awaited("json"):
    time.sleep(0.01)
print(template.process_id, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_template_ends_with_an_up_that_is_killed_before_it_has_handed_it_over(tmp_path: Path) -> None:
    for when in ("at once", "ready"):
        done = forks.run(["-c", _PREPARES], env=os.environ | marked(tmp_path) | {"WHEN": when})
        assert done.returncode == -signal.SIGKILL, done.stderr
        end = time.monotonic() + 60
        while find_leftovers(tmp_path) and time.monotonic() < end:
            time.sleep(0.02)
        assert find_leftovers(tmp_path) == [], when
