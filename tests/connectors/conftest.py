"""A mailbox of its own for each test, on a real server; and a clock."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from connectors.email.imap.connector import ImapConnector
from router.settings.channels.mail import ImapSettings
from router.settings.secret import Secret
from tests import forks
from tests.connectors.stopped_clock import StoppedClock
from tests.servers import mailservers
from tests.servers.mailproxies import ImapProxy
from tests.servers.mailservers import MailServer

_users = itertools.count(1)


@dataclass
class Mailbox:
    """One user's INBOX."""

    server: MailServer
    user: str

    def uid(self, nth: int) -> int:
        """Return the UID that the server gives to the n-th mail of a new mailbox."""
        return nth + (100 if self.server.kind == "pymap" else 0)

    def deliver(self, *subjects: str) -> None:
        """Let mails arrive, in order."""
        self.server.deliver(self.user, [mail(subject) for subject in subjects])


def mail(subject: str, body: str = "Hello.") -> bytes:
    """Return a small mail."""
    return (
        f"From: Li <li@customer.example>\r\nTo: support@wallet.example\r\nSubject: {subject}\r\n"
        f"Message-ID: <{subject}@customer.example>\r\n\r\n{body}\r\n"
    ).encode()


@pytest.fixture(scope="session")
def dovecot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    """One Dovecot for the whole run."""
    if not mailservers.dovecot_installed():
        pytest.skip("Dovecot is not installed (tests/install-machine-parts.sh installs it)")
    server = mailservers.start_dovecot(tmp_path_factory.mktemp("dovecot"))
    yield server
    server.stop()


@pytest.fixture
def dovecot_mailbox(dovecot: MailServer) -> Mailbox:
    """A mailbox whose files a test may spoil."""
    return Mailbox(dovecot, f"user{next(_users)}")


@pytest.fixture(params=["dovecot", "pymap"])
def mailbox(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Mailbox]:
    """A mailbox on each server in turn."""
    if request.param == "dovecot":
        yield Mailbox(request.getfixturevalue("dovecot"), f"user{next(_users)}")
        return
    server = mailservers.start_pymap(tmp_path, launch=forks.start)
    yield Mailbox(server, "support")
    server.stop()


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., ImapConnector]]:
    """Make connectors to a mailbox, through a proxy or not; all are closed at the end."""
    monkeypatch.setenv("MAIL_PASSWORD", mailservers.PASSWORD)
    opened: list[ImapConnector] = []

    def make(mailbox: Mailbox, *, through: ImapProxy | None = None, clock=None, **options) -> ImapConnector:
        if "oauth_token" not in options:
            options.setdefault("password", Secret("env:MAIL_PASSWORD"))
        options = {"host": "127.0.0.1", "security": "none", "port": mailbox.server.port} | options
        if through:
            options["port"] = through.port
        settings = ImapSettings(kind="imap", username=mailbox.user, **options)
        connector = ImapConnector("support-mail", settings, **({"clock": clock} if clock else {}))
        opened.append(connector)
        return connector

    yield make
    for connector in opened:
        connector.close()


@pytest.fixture
def proxy() -> Iterator[Callable[..., ImapProxy]]:
    """Put a proxy before a mailbox; all are stopped at the end."""
    started: list[ImapProxy] = []

    def make(mailbox: Mailbox, *, port: int = 0, **options) -> ImapProxy:
        started.append(ImapProxy(port or mailbox.server.port, **options))
        return started[-1]

    yield make
    for each in started:
        each.stop()


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()
