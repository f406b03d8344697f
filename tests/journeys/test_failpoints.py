"""Every step of a message's path, killed and failed in turn: nothing is lost, nothing happens twice.

Each place acts once in a run, over all restarts; a run ends when every place was reached and the books are balanced.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from benchmarks.chaos import is_drained, submit
from benchmarks.ledger import read_ledger
from benchmarks.mailbox import make_mailbox
from benchmarks.rig import USER, Rig, running_rig, wait_until
from tests.postgres import find_binaries
from workers.failpoints import NAMES, SENDING, TELLING

# What leaves is killed in `test_sending_failpoints.py`, what tools are told in `tests/workers/test_webhooks.py`.
_PLACES = [name for name in NAMES if name not in {*SENDING, *TELLING}]
_POLLING = {name for name in _PLACES if name.startswith(("fetch", "accept", "settle", "bell"))}
# Where a process holds something that another may take over: a lease, a claim, locks.
_HELD = {"accept.before", "accept.written", "route.claimed", "route.read", "route.locked", "route.written"}
_MODULES = {"connectors": "connectors", "worker": "workers"}


@pytest.fixture(params=["sqlite", "postgresql"])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    if request.param == "postgresql" and find_binaries() is None:
        pytest.skip("PostgreSQL is not installed (tests/install-machine-parts.sh installs it)")
    with running_rig(request.param, page=5, takeover="2s") as running:
        running.start_from_the_first_mail()
        running.start_broker()
        yield running


def reached(marks: Path) -> set[str]:
    return {path.name for path in marks.iterdir()}


def keep_running(rig: Rig, *, environment: dict[str, str]) -> None:
    for name, module in _MODULES.items():
        process = rig.processes.get(name)
        if process is None or process.poll() is not None:
            rig.start(name, module, **environment)


@pytest.mark.timeout(900)
# A death is tried on both databases; what only fails is rolled back by the same lines on either.
@pytest.mark.parametrize(
    ("rig", "action"), [("sqlite", "kill"), ("postgresql", "kill"), ("postgresql", "raise")], indirect=["rig"]
)
def test_whatever_fails_at_every_step_nothing_is_lost_or_doubled(rig: Rig, tmp_path: Path, action: str) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    environment = {
        "OMNIYARD_FAILPOINTS": ",".join(f"{name}={action}" for name in _PLACES),
        "OMNIYARD_FAILPOINT_MARKS": str(marks),
    }
    mailbox = make_mailbox(messages=200, seed=7, file_bytes=1000)
    mails = iter(mailbox.mails)

    seen: set[str] = set()
    end = time.monotonic() + 300
    while seen != set(_PLACES) and time.monotonic() < end:
        if (reached(marks) - seen) & _POLLING and action == "raise":
            # Each failure doubles a sick channel's pause; a new process begins without one.
            rig.stop("connectors")
        seen = reached(marks)
        keep_running(rig, environment=environment)
        rig.mail.deliver(USER, list(islice(mails, 2)))
        time.sleep(0.5)
    assert reached(marks) == set(_PLACES)
    rig.mail.deliver(USER, list(mails))
    keep_running(rig, environment=environment)
    wait_until(lambda: is_drained(rig, len(mailbox.mails)), seconds=300, every=0.3)

    ledger = read_ledger(rig, mailbox, kills={})
    assert ledger.is_clean, ledger.figures()


# SQLite has one writer: who freezes with its lock in hand is what `test_database.py` tries.
@pytest.mark.timeout(900)
@pytest.mark.parametrize("rig", ["postgresql"], indirect=True)
def test_a_process_that_freezes_past_its_lease_changes_nothing_when_it_wakes(rig: Rig, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    environment = {
        "OMNIYARD_FAILPOINTS": ",".join(f"{name}=hang:6" for name in _HELD),
        "OMNIYARD_FAILPOINT_MARKS": str(marks),
    }
    mailbox = make_mailbox(messages=60, seed=9, file_bytes=1000)
    mails = iter(mailbox.mails)
    for name, module in (("connectors-b", "connectors"), ("worker-b", "workers")):
        rig.start(name, module, **environment)

    end = time.monotonic() + 300
    while reached(marks) != _HELD and time.monotonic() < end:
        keep_running(rig, environment=environment)
        rig.mail.deliver(USER, list(islice(mails, 1)))
        time.sleep(0.5)
    rig.mail.deliver(USER, list(mails))
    wait_until(lambda: is_drained(rig, len(mailbox.mails)), seconds=300, every=0.3)

    assert reached(marks) == _HELD
    ledger = read_ledger(rig, mailbox, kills={})
    assert ledger.is_clean, ledger.figures()


@pytest.mark.timeout(900)
def test_a_mail_server_that_hears_no_250_sends_again_and_nothing_is_doubled(rig: Rig, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    armed = {
        "OMNIYARD_FAILPOINTS": "accept.written=kill,accept.after=kill,bell.ring=kill",
        "OMNIYARD_FAILPOINT_MARKS": str(marks),
    }
    mailbox = make_mailbox(messages=20, seed=8, file_bytes=1000)
    keep_running(rig, environment=armed)

    for mail in mailbox.mails:
        submit(rig, mail, on_failure=lambda: keep_running(rig, environment=armed))
    wait_until(lambda: is_drained(rig, len(mailbox.mails)), seconds=300, every=0.3)

    assert reached(marks) == {"accept.written", "accept.after", "bell.ring"}
    ledger = read_ledger(rig, mailbox, kills={})
    assert ledger.is_clean, ledger.figures()
