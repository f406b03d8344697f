"""The whole desk on loopback, as operators run it: a mailbox, a broker, a database, connectors and workers.

Used by the benchmarks and by the tests that kill processes; every part is a separate process and ends with the rig.
"""

from __future__ import annotations

import contextlib
import http
import os
import shutil
import signal
import smtplib
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, Protocol

import sqlalchemy as sa

from benchmarks.mailbox import AUTHSERV_ID
from benchmarks.process_costs import cpu_seconds
from router.errors import OmniyardError
from store.db.engine import Database
from store.db.migrate import upgrade
from store.desk.agents import add_agent
from store.desk.assignment import set_duty
from store.inbound import cursors
from store.tables.agents import SkillKind
from tests.servers.mailservers import MailServer, start
from tests.servers.ports import free_port
from tests.servers.postgres import Postgres, running_postgres
from workers.broker.embedded import EmbeddedBroker

ROOT: Final = Path(__file__).resolve().parents[1]
USER: Final = "support"
CHANNEL: Final = "mailbox"
_STOP_SECONDS: Final = 25
# At most: on a busy machine its start takes seconds.
_BROKER_SECONDS: Final = 120
_SMTP_TRIES_SECONDS: Final = 600

MAILBOX: Final = """
[channels.{channel}]
kind = "imap"
host = "127.0.0.1"
port = {port}
security = "none"
username = "{user}"
password = "env:OMNIYARD_RIG_PASSWORD"
address = "support@desk.example"
calendar = "{calendar}"
poll = "1s"
page = {page}
"""


class Launch(Protocol):
    """How a rig starts `python WORDS`."""

    def __call__(
        self, words: Sequence[str], *, cwd: Path, env: Mapping[str, str], stdout: IO[bytes], stderr: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        """Return the process."""


def start_python(
    words: Sequence[str], *, cwd: Path, env: Mapping[str, str], stdout: IO[bytes], stderr: IO[bytes]
) -> subprocess.Popen[bytes]:
    """Start an interpreter of its own."""
    return subprocess.Popen([sys.executable, *words], cwd=cwd, env=env, stdout=stdout, stderr=stderr)


class Served(Protocol):
    """What those who write to a desk need of it, and those who read its books: a rig's or a fleet's."""

    mail: MailServer
    smtp_port: int
    web_port: int

    @property
    def database(self) -> Database:
        """The desk's database."""


@dataclass(kw_only=True)
class Rig:
    """Running parts, and how to start, kill and query them.

    channels: additional TOML tables for the configuration.  secrets: the values that they name with "env:".
    calendar: when the mailbox is staffed; write the configuration again after a change.
    launch: `start_python`, as in a real desk, or the forks of the tests, which start sooner.
    """

    folder: Path
    database: Database
    mail: MailServer
    broker: EmbeddedBroker
    postgres: Postgres | None
    smtp_port: int
    web_port: int
    page: int = 100
    calendar: str = "office"
    takeover: str = "15s"
    public_url: str = ""
    channels: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    launch: Launch = start_python

    @property
    def config(self) -> Path:
        """The configuration that every process reads."""
        return self.folder / "channels.toml"

    def write_config(self) -> None:
        """Write this rig's configuration, based on the shipped file."""
        text = (ROOT / "config" / "channels.toml").read_text(encoding="utf-8")
        keys = [
            f'listen = "127.0.0.1:{self.web_port}"',
            f'data = "{self.folder / "var"}"',
            'database = "env:OMNIYARD_RIG_DATABASE"',
            f'takeover = "{self.takeover}"',
            f'authserv_id = "{AUTHSERV_ID}"',
            f'public_url = "{self.public_url}"' if self.public_url else "",
        ]
        text = text.replace("[omniyard]", "\n".join(["[omniyard]", *keys]), 1)
        # With its quotes: the port of the web, which stands there too, may begin with the same digits.
        text = text.replace('"127.0.0.1:2525"', f'"127.0.0.1:{self.smtp_port}"')
        # So that the assignment is killed and measured too.
        text = text.replace('#assign = "round_robin"', 'assign = "round_robin"', 1)
        channels = MAILBOX.format(
            channel=CHANNEL, port=self.mail.port, user=USER, page=self.page, calendar=self.calendar
        )
        self.config.write_text(text + channels + self.channels, encoding="utf-8")

    def environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of the processes."""
        return {
            **os.environ,
            **self.secrets,
            "OMNIYARD_CONFIG": str(self.config),
            "OMNIYARD_RIG_PASSWORD": self.mail.password,
            "OMNIYARD_RIG_DATABASE": self.database.url.render_as_string(hide_password=False),
            **extra,
        }

    def start(self, name: str, module: str, **extra: str) -> None:
        """Start `python -m module` under `name`; its output goes to a file of that name."""
        with (self.folder / f"{name}.log").open("ab") as log:
            environment = self.environment(extra)
            self.processes[name] = self.launch(["-m", module], cwd=ROOT, env=environment, stdout=log, stderr=log)

    def start_broker(self) -> None:
        """Start the embedded Valkey, and wait until it answers."""
        with (self.folder / "broker.log").open("ab") as log:
            self.processes["broker"] = subprocess.Popen(self.broker.prepare(), stdout=log, stderr=log)
        self.broker.wait_until_ready(_BROKER_SECONDS)

    def kill(self, name: str) -> None:
        """SIGKILL a process."""
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def stop(self, name: str) -> int:
        """SIGTERM a process and return its exit code."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(_STOP_SECONDS)

    def stop_all(self) -> None:
        """Stop every process, the last one started first; a process that does not stop in time is killed."""
        for name in reversed(list(self.processes)):
            process = self.processes[name]
            try:
                self.stop(name)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def is_serving(self) -> bool:
        """Return whether the web process answers and is ready."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.web_port}/readyz", timeout=5) as answer:
                return int(answer.status) == http.HTTPStatus.OK
        except OSError:
            return False

    def scalar(self, query: str) -> int:
        """Return the single number that a query selects."""
        with self.database.read() as connection:
            return int(connection.execute(sa.text(query)).scalar_one())

    def cpu_seconds(self) -> dict[str, float]:
        """Return the processor time of each part so far, by name."""
        servers = {"mail server": self.mail.process.pid} | ({"database": self.postgres.pid} if self.postgres else {})
        ours = {name: process.pid for name, process in self.processes.items()}
        return {name: cpu_seconds(process_id) for name, process_id in (ours | servers).items()}

    def start_from_the_first_mail(self) -> None:
        """Set the channel's cursor below the first mail, as if it had been polled when the mailbox was empty."""
        start_from_the_first_mail(self)


def start_from_the_first_mail(desk: Served) -> None:
    """Set the mailbox channel's cursor below the first mail, as if it had been polled when the mailbox was empty."""
    client = desk.mail.client(USER)
    epoch = client.folder_status("INBOX", ["UIDVALIDITY"])[b"UIDVALIDITY"]
    client.logout()
    with desk.database.write() as connection:
        cursors.move_cursor(connection, channel=CHANNEL, epoch=str(epoch), position="0", notice="")


def add_two_agents(database: Database) -> None:
    """Add two agents with room for everything."""
    with database.write() as connection:
        for name in ("Ann", "Bo"):
            add_agent(connection, name=name, role="agent")
            skills = {SkillKind.TEAM: ["front-line"]}
            set_duty(connection, name=name, available=True, capacity=1_000_000, skills=skills)


@contextlib.contextmanager
def running_rig(
    kind: str,
    *,
    page: int = 100,
    takeover: str = "15s",
    database_folder: Path | None = None,
    public_url: str = "",
    channels: str = "",
    secrets: Mapping[str, str] | None = None,
) -> Iterator[Rig]:
    """Build a rig on `kind` of database ("sqlite" or "postgresql"); none of our processes runs yet.

    database_folder: where SQLite keeps its file; the rig's own folder if not given.  The rest: see `Rig`.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="omniyard-rig-")))
        postgres = stack.enter_context(running_postgres(durable=True)) if kind == "postgresql" else None
        database = Database(postgres.url() if postgres else f"sqlite:///{(database_folder or folder) / 'omniyard.db'}")
        stack.callback(database.close)
        upgrade(database)
        add_two_agents(database)
        mail = start(folder)
        stack.callback(mail.stop)
        (folder / "var").mkdir()
        rig = Rig(
            folder=folder,
            database=database,
            mail=mail,
            broker=EmbeddedBroker(folder / "var"),
            postgres=postgres,
            smtp_port=free_port(),
            web_port=free_port(),
            page=page,
            takeover=takeover,
            public_url=public_url,
            channels=channels,
            secrets=secrets or {},
        )
        rig.write_config()
        stack.callback(keep_logs, folder)
        stack.callback(rig.stop_all)
        yield rig


def keep_logs(folder: Path) -> None:
    """Copy the processes' output to the folder that OMNIYARD_RIG_LOGS names, for the analysis of a failed run."""
    kept = os.environ.get("OMNIYARD_RIG_LOGS")
    if kept:
        Path(kept).mkdir(parents=True, exist_ok=True)
        for log in folder.glob("*.log"):
            shutil.copy(log, Path(kept) / log.name)


def wait_until(condition: Callable[[], bool], *, seconds: float, every: float = 0.02) -> None:
    """Return once `condition()` holds. Raises TimeoutError when it does not within `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds} s")
        time.sleep(every)


def _nothing() -> None:
    """Do nothing; the next attempt follows."""


def submit(rig: Served, mail: bytes, *, on_failure: Callable[[], None] = _nothing) -> None:
    """Submit a mail to the SMTP listener until it answers 250, as a mail server would."""
    end = time.monotonic() + _SMTP_TRIES_SECONDS
    while True:
        try:
            with smtplib.SMTP("127.0.0.1", rig.smtp_port, timeout=30) as client:
                client.sendmail("relay@customers.example", ["support@desk.example"], mail)
        except (OSError, smtplib.SMTPException):
            if time.monotonic() > end:
                raise
            on_failure()
            time.sleep(0.2)
        else:
            return


def is_drained(rig: Rig, mails: int) -> bool:
    """Return whether that many rows came in and none of them waits."""
    try:
        accepted = rig.scalar("SELECT count(*) FROM inbound")
        return accepted >= mails and rig.scalar("SELECT count(*) FROM inbound WHERE state = 'received'") == 0
    except OmniyardError:
        return False
