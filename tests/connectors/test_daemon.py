"""The daemon with real mail servers and a keeper that fails, forgets and takes leases away."""

from __future__ import annotations

import os
import signal
import smtplib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors.base import Polled
from connectors.daemon import Daemon
from connectors.email.smtp.listener import SmtpGate
from connectors.watchdog import Watchdog
from router.errors import TransientError
from router.settings.channels.mail import SmtpSettings
from router.settings.secret import Secret
from tests.connectors.conftest import Mailbox, mail
from tests.servers.mailproxies import refusing
from tests.servers.mailservers import PASSWORD
from tests.servers.memory_keeper import MemoryKeeper
from tests.servers.ports import free_port

pytestmark = pytest.mark.usefixtures("dovecot")


# A server's silence lasts 60 seconds here, and a pause between polls longer: what ends within this was ended.
AT_ONCE = 15


def until(condition: Callable[[], object], *, seconds: float = 60) -> None:
    """Return once the condition holds; fail after a while."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


@pytest.fixture
def keeper() -> MemoryKeeper:
    return MemoryKeeper()


@pytest.fixture
def running(keeper) -> Iterator[Callable[..., Daemon]]:
    """Run daemons in threads; all are stopped at the end and must come to rest."""
    started: list[tuple[Daemon, threading.Thread, list[bool]]] = []

    def start(*connectors, poll: float = 0.1, gates=(), reach=lambda _: None, **options) -> Daemon:
        polled = [Polled(connector=connector, poll=poll) for connector in connectors]
        daemon = Daemon(keeper, polled=polled, gates=gates, reach=reach, renew_every=0.2, **options)
        rested: list[bool] = []
        thread = threading.Thread(target=lambda: rested.append(daemon.run_until_stopped()))
        thread.start()
        started.append((daemon, thread, rested))
        return daemon

    yield start
    for daemon, thread, rested in started:
        daemon.stop()
        thread.join(60)
        assert rested == [True]


def subjects(keeper: MemoryKeeper) -> list[bytes]:
    return [
        message.content.split(b"Subject: ")[1].split(b"\r\n")[0]
        for batch in keeper.batches
        for message in batch.messages
    ]


def test_mail_is_kept_in_order_and_reported(dovecot_mailbox, connect, keeper, running):
    running(connect(dovecot_mailbox))
    until(lambda: "support-mail" in keeper.cursors)
    dovecot_mailbox.deliver(*(f"n{number}" for number in range(250)))
    until(lambda: len(keeper.messages) == 250)
    assert subjects(keeper) == [b"n%d" % number for number in range(250)]
    until(lambda: keeper.reports[-1].ok and keeper.reports[-1].held == 250)


def test_the_channel_has_one_owner_and_another_takes_over(dovecot_mailbox, connect, keeper, running):
    # Given: two daemons, of which one owns the channel.
    first = running(connect(dovecot_mailbox))
    until(lambda: keeper.owned("support-mail"))
    second = running(connect(dovecot_mailbox), ask_again=0.2)
    # When
    first.stop()
    until(lambda: keeper.owners == 2)
    dovecot_mailbox.deliver("one")
    # Then
    until(lambda: len(keeper.messages) == 1)
    assert second is not first


def test_a_lease_that_is_lost_stops_the_polling_at_once(dovecot_mailbox, connect, keeper, running, monkeypatch):
    connector = connect(dovecot_mailbox)
    running(connector, poll=600)
    until(lambda: "support-mail" in keeper.cursors)
    closed = threading.Event()
    close = connector.close
    monkeypatch.setattr(connector, "close", lambda: (close(), closed.set()))
    # When
    keeper.steal("support-mail")
    # Then: the pause of ten minutes has ended, and mail is not asked for any more.
    assert closed.wait(AT_ONCE)
    dovecot_mailbox.deliver("one")
    time.sleep(0.3)
    assert not keeper.messages
    assert all(report.ok for report in keeper.reports)


def test_a_store_that_is_away_loses_nothing(dovecot_mailbox, connect, keeper, running):
    running(connect(dovecot_mailbox))
    until(lambda: "support-mail" in keeper.cursors)
    keeper.failing.set()
    dovecot_mailbox.deliver("one", "two")
    until(lambda: any(not report.ok for report in keeper.reports))
    keeper.failing.clear()
    until(lambda: subjects(keeper) == [b"one", b"two"])


def test_what_is_read_ahead_is_neither_lost_nor_doubled_when_the_store_goes_away(
    dovecot_mailbox, connect, keeper, running
):
    # Given: many batches wait, each of which is fetched while the one before it is kept.
    kept_before = []

    def reach(name: str) -> None:
        if name == "settle.before" and len(keeper.messages) >= 50 and not kept_before:
            kept_before.append(len(keeper.messages))
            keeper.failing.set()

    running(connect(dovecot_mailbox, page=10), reach=reach)
    until(lambda: "support-mail" in keeper.cursors)
    dovecot_mailbox.deliver(*(f"n{number}" for number in range(200)))
    # When: the store goes away with a batch kept and the next one in hand.
    until(lambda: any(not report.ok for report in keeper.reports))
    assert kept_before == [len(keeper.messages)]
    keeper.failing.clear()
    # Then
    until(lambda: len(keeper.messages) == 200)
    assert subjects(keeper) == [b"n%d" % number for number in range(200)]


def test_a_stop_ends_a_fetch_that_runs_ahead(dovecot_mailbox, connect, keeper, running, proxy):
    # Given: the server falls silent while a batch is being kept.
    through = proxy(dovecot_mailbox)
    daemon = running(connect(dovecot_mailbox, through=through, idle=False, page=10))
    until(lambda: "support-mail" in keeper.cursors)
    with keeper._lock:
        dovecot_mailbox.deliver(*(f"n{number}" for number in range(100)))
        time.sleep(0.5)
        through.stalled.set()
    time.sleep(0.3)
    # When
    daemon.stop()
    # Then
    until(lambda: not keeper.owned("support-mail"), seconds=AT_ONCE)


@pytest.mark.parametrize("step", ["fetch.after", "settle.before", "settle.after"])
def test_a_failure_at_any_step_is_made_up_for(dovecot_mailbox, connect, keeper, running, step):
    # Given: an error of ours, once, with a batch in hand.
    failures = []

    def reach(name: str) -> None:
        if name == step and "support-mail" in keeper.cursors and not failures:
            failures.append(name)
            raise RuntimeError(name)

    running(connect(dovecot_mailbox, after="seen"), reach=reach)
    until(lambda: "support-mail" in keeper.cursors)
    dovecot_mailbox.deliver("one", "two")
    # Then: each mail is kept, and marked as seen.
    until(lambda: len(keeper.messages) == 2 and failures)
    client = dovecot_mailbox.server.client(dovecot_mailbox.user)
    until(lambda: client.noop() and len(client.search(["SEEN"])) == 2)
    client.logout()


def test_a_sick_channel_backs_off_alone(dovecot_mailbox, connect, keeper, running, monkeypatch):
    # Given
    monkeypatch.setenv("WRONG", "hunter2")
    sick = connect(Mailbox(dovecot_mailbox.server, "sick"), password=Secret("env:WRONG"))
    sick._channel = "sick-mail"
    running(sick, connect(dovecot_mailbox))
    until(lambda: "support-mail" in keeper.cursors)
    # When
    dovecot_mailbox.deliver("one")
    # Then
    until(lambda: len(keeper.messages) == 1)
    until(lambda: [report.channel for report in keeper.reports if not report.ok] == ["sick-mail"])
    [said] = [report.error for report in keeper.reports if not report.ok]
    assert "password is refused" in said


def test_a_stop_ends_a_long_wait_within_a_second(dovecot_mailbox, connect, keeper, running):
    daemon = running(connect(dovecot_mailbox), poll=600)
    until(lambda: "support-mail" in keeper.cursors)
    time.sleep(0.3)
    daemon.stop()
    until(lambda: not keeper.owned("support-mail"), seconds=AT_ONCE)


def test_a_stop_ends_a_fetch_from_a_server_that_is_silent(dovecot_mailbox, connect, keeper, running, proxy):
    through = proxy(dovecot_mailbox)
    daemon = running(connect(dovecot_mailbox, through=through, idle=False))
    until(lambda: "support-mail" in keeper.cursors)
    through.stalled.set()
    time.sleep(0.5)
    daemon.stop()
    until(lambda: not keeper.owned("support-mail"), seconds=AT_ONCE)


def test_a_loop_that_hangs_is_bitten(dovecot_mailbox, connect, running, keeper, monkeypatch):
    # Given: steps may take a tenth of a second, and one hangs.
    monkeypatch.setattr("connectors.channel_loops._STEP", 0.1)
    bitten, free = threading.Event(), threading.Event()
    # Not before the first step has its bound.
    hang = {"fetch.after": 60}
    running(
        connect(dovecot_mailbox), reach=lambda name: free.wait(hang.get(name, 0)), watchdog=Watchdog(bite=bitten.set)
    )
    assert bitten.wait(60)
    free.set()


def test_a_gate_keeps_mail_and_a_second_process_waits_for_its_port(keeper, running, monkeypatch):
    # Given
    monkeypatch.setattr("connectors.channel_loops.ASK_AGAIN", 0.2)
    refused, taken_over = threading.Event(), threading.Event()
    settings = SmtpSettings(kind="smtp", listen=f"127.0.0.1:{free_port()}")
    host, _, port = settings.listen.partition(":")
    first = running(gates=[SmtpGate("desk-mail", settings)])
    until(lambda: keeper.reports)
    second = SmtpGate("desk-mail", settings)
    opened = second.open

    def open_second(take) -> None:
        try:
            opened(take)
        except TransientError:
            refused.set()
            raise
        taken_over.set()

    monkeypatch.setattr(second, "open", open_second)
    running(gates=[second])
    assert refused.wait(60)
    assert all(report.ok for report in keeper.reports)
    # When
    first.stop()
    # Then
    assert taken_over.wait(60)
    until(lambda: listens(host, int(port)))
    with smtplib.SMTP(host, int(port)) as client:
        client.sendmail("li@customer.example", ["support@wallet.example"], mail("one"))
    assert subjects(keeper) == [b"one"]


def listens(host: str, port: int) -> bool:
    try:
        smtplib.SMTP(host, port, timeout=2).close()
    except (OSError, smtplib.SMTPException):
        return False
    return True


def test_mail_that_cannot_be_kept_is_refused_for_now_and_the_gate_stays_open(keeper, running):
    settings = SmtpSettings(kind="smtp", listen=f"127.0.0.1:{free_port()}")
    host, _, port = settings.listen.partition(":")
    running(gates=[SmtpGate("desk-mail", settings)])
    until(lambda: keeper.reports)
    keeper.failing.set()
    with smtplib.SMTP(host, int(port)) as client:
        with pytest.raises(smtplib.SMTPDataError, match="451"):
            client.sendmail("li@customer.example", ["support@wallet.example"], mail("one"))
        keeper.failing.clear()
        client.sendmail("li@customer.example", ["support@wallet.example"], mail("one"))
    assert subjects(keeper) == [b"one"]


def test_a_move_that_fails_shows_in_the_report_while_mail_flows(dovecot_mailbox, connect, keeper, running, proxy):
    through = proxy(dovecot_mailbox, rule=refusing(rb"UID STORE"))
    running(connect(dovecot_mailbox, through=through, after="seen"))
    until(lambda: "support-mail" in keeper.cursors)
    dovecot_mailbox.deliver("one")
    until(lambda: any("mark or move" in report.error for report in keeper.reports))
    assert subjects(keeper) == [b"one"]


PROGRAM = """
import sys
from connectors.base import Polled
from connectors.daemon import Daemon
from connectors.email.imap.connector import ImapConnector
from router.settings.channels.mail import ImapSettings
from router.settings.secret import Secret
from tests.servers.memory_keeper import MemoryKeeper
settings = ImapSettings(kind="imap", host="127.0.0.1", port=int(sys.argv[1]), security="none",
                        username="signals", password=Secret("env:MAIL_PASSWORD"))
def reach(name):
    print("reached", name, flush=True)
    if sys.argv[2] == "hang" and name == "fetch.after":
        import time; time.sleep(600)
rested = Daemon(MemoryKeeper(), polled=[Polled(connector=ImapConnector("m", settings), poll=600)], reach=reach).run()
sys.exit(0 if rested else 1)
"""


@pytest.mark.parametrize(("doing", "status"), [("work", 0), ("hang", 128 + signal.SIGTERM)])
def test_one_signal_stops_cleanly_and_a_second_at_once(dovecot, doing, status):
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "MAIL_PASSWORD": PASSWORD, "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", PROGRAM, str(dovecot.port), doing]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, cwd=root)
    while line := process.stdout.readline():
        if b"reached fetch.after" in line:
            break
    process.send_signal(signal.SIGTERM)
    if doing == "hang":
        # The kernel makes one of two signals of which the first has not been heard: the second is sent until it is.
        until(lambda: process.send_signal(signal.SIGTERM) or process.poll() is not None)
    process.communicate(timeout=240)
    assert process.returncode == status
