"""Every step of a message's path is killed, failed and frozen in turn: nothing is lost, nothing happens twice.

Each place acts once per action, over all restarts; a run ends when every place was reached and the books balance.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest
import sqlalchemy as sa

from benchmarks.chaos.ledger import read_ledger
from benchmarks.mailbox import make_mailbox
from benchmarks.rig import CHANNEL, USER, Rig, is_drained, running_rig, submit, wait_until
from router.errors import TransientError
from router.reason import Reason, ReasonKey
from store.db.bulk import table_of
from store.inbound.quarantine import replay
from store.tables.messages import ConversationRow, InboundRow, InboundState
from store.tables.operations import LeaseRow
from tests import forks
from tests.servers.postgres import find_binaries
from workers.runtime.failpoints import (
    ALARM,
    ANSWERING,
    CALLS,
    CHAT,
    CLOSING,
    FILES,
    GENERATING,
    NAMES,
    RELEASING,
    SENDING,
    UNDOING,
    WEBHOOKS,
)

# `test_sending_failpoints.py` kills the sending. In `tests/workers/chores/`, `test_webhooks.py` kills the delivery of
# webhooks, `test_unanswered_alarms.py` the escalation of batches and `test_close_silent.py` the closing of cases.
_ELSEWHERE = {
    *SENDING,
    *UNDOING,
    *CHAT,
    *WEBHOOKS,
    *ALARM,
    *RELEASING,
    *CLOSING,
    *ANSWERING,
    *CALLS,
    *FILES,
    *GENERATING,
}
_PLACES = [name for name in NAMES if name not in _ELSEWHERE]
_POLLING = {name for name in _PLACES if name.startswith(("own", "fetch", "accept", "settle", "bell"))}
_MODULES = {"connectors": "connectors", "worker": "workers"}
# While one dies or is frozen, another continues and takes over its work.
_PAIRS = {**_MODULES, "connectors-b": "connectors", "worker-b": "workers"}
_LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
# Longer than every lease of this rig: a channel's is one `takeover`, a batch's two.
_FROZEN = 2.2
# The shipped model does not fit, so keywords classify: a worker that starts a hundred times loads no encoder.
_ONE_CATEGORY_MORE = "[categories.of_this_rig]\n"
# More places act in routing than a message may have attempts; a message that meets them all goes to a person.
_GIVEN_UP = {
    Reason(ReasonKey.WORKERS_DIED).line,
    Reason(ReasonKey.ROUTING_FAILED, {"error": "FailpointError"}).line,
}


@pytest.fixture(params=["sqlite", "postgresql"])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    if request.param == "postgresql" and find_binaries() is None:
        pytest.skip("PostgreSQL is not installed (tests/install-machine-parts.sh installs it)")
    with running_rig(request.param, page=5, takeover="1s", channels=_ONE_CATEGORY_MORE) as running:
        running.start_from_the_first_mail()
        running.start_broker()
        yield running


def reached(marks: Path) -> set[str]:
    return {path.name for path in marks.iterdir()}


def keep_running(rig: Rig, modules: Mapping[str, str] = _MODULES, *, environment: dict[str, str]) -> None:
    for name, module in modules.items():
        process = rig.processes.get(name)
        if process is None or process.poll() is not None:
            with (rig.folder / f"{name}.log").open("ab") as log:
                started = forks.start(["-m", module], env=rig.environment(environment), stdout=log, stderr=log)
            rig.processes[name] = started


def end_owner(rig: Rig) -> None:
    """Kill the process that owns the mailbox."""
    lease = table_of(LeaseRow).c
    with contextlib.suppress(TransientError), rig.database.read() as connection:
        owner = connection.execute(sa.select(lease.holder).where(lease.name == f"channel:{CHANNEL}")).scalar()
        for name in ("connectors", "connectors-b"):
            if owner and owner.endswith(f":{rig.processes[name].pid}"):
                rig.kill(name)


def replay_what_was_given_up(rig: Rig) -> None:
    """Replay the messages that four workers died of, as an operator would; each is in quarantine with its reason."""
    # Not by the list that operators see: the rows are sealed, and only the desk has the key.
    row = table_of(InboundRow).c
    given_up = sa.select(row.id, row.reason).where(row.state == InboundState.QUARANTINED)
    with rig.database.write() as connection:
        rows = connection.execute(given_up).all()
        assert {row.reason for row in rows} <= _GIVEN_UP
        replay(connection, [row.id for row in rows], by="operator")


def stir(rig: Rig) -> None:
    """Let every conversation be assigned and checked again, as agents and time would."""
    # A frozen process may hold SQLite's only lock; the next turn tries again.
    with contextlib.suppress(TransientError), rig.database.write() as connection:
        connection.execute(sa.update(table_of(ConversationRow)).values(assignee=None, watch_at=_LONG_AGO))


def try_every_place(rig: Rig, mails: Iterator[bytes], *, action: str, marks: Path) -> None:
    """Let every place act once, while mail arrives."""
    marks.mkdir()
    environment = {
        "OMNIYARD_FAILPOINTS": ",".join(f"{name}={action}" for name in _PLACES),
        "OMNIYARD_FAILPOINT_MARKS": str(marks),
    }
    for name in _PAIRS.keys() & rig.processes.keys():
        rig.kill(name)
    seen: set[str] = set()
    end = time.monotonic() + 300
    while seen != set(_PLACES) and time.monotonic() < end:
        if (reached(marks) - seen) & _POLLING and action == "raise":
            # Each failure doubles a failing channel's pause; the successor of its owner begins without one.
            end_owner(rig)
        seen = reached(marks)
        keep_running(rig, _PAIRS, environment=environment)
        rig.mail.deliver(USER, list(islice(mails, 1)))
        stir(rig)
        time.sleep(0.4)
    assert reached(marks) == set(_PLACES), action


@pytest.mark.timeout(900)
def test_whatever_dies_fails_or_freezes_at_every_step_nothing_is_lost_or_doubled(rig: Rig, tmp_path: Path) -> None:
    mailbox = make_mailbox(messages=300, seed=7, file_bytes=1000)
    mails = iter(mailbox.mails)
    for action in ("kill", "raise", f"hang:{_FROZEN}"):
        try_every_place(rig, mails, action=action, marks=tmp_path / action)

    woken_at = time.monotonic() + _FROZEN
    rig.mail.deliver(USER, list(mails))
    wait_until(lambda: is_drained(rig, len(mailbox.mails)), seconds=300, every=0.3)
    # The process that froze last wakes up, and must not write what another has written.
    wait_until(lambda: time.monotonic() > woken_at, seconds=60, every=0.3)
    replay_what_was_given_up(rig)
    wait_until(lambda: is_drained(rig, len(mailbox.mails)), seconds=60, every=0.3)
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
