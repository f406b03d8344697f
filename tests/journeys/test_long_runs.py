"""The parts of the runs that are no part of `make test`, so that a change of the desk cannot break them unseen.

A small run of `benchmarks.chaos`, the configuration and the queries of `benchmarks.fleet`, and the commands that the
Makefile and the documentation name.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import random
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import benchmarks
from benchmarks.chaos.__main__ import Amounts, Pace, run
from benchmarks.chaos.chats import PUBLIC_URL, Chats
from benchmarks.chaos.gates import Gates
from benchmarks.chaos.ledger import Ledger, read_ledger
from benchmarks.chaos.messengers import Messengers
from benchmarks.fleet.desk import TAKEOVER, FleetDesk
from benchmarks.fleet.network import Host
from benchmarks.fleet.plan import HOSTS
from benchmarks.fleet.running import Progress
from benchmarks.mailbox import make_mailbox
from benchmarks.rig import CHANNEL, Rig
from cli.processes.procfile import read_procfile
from router.settings import Settings
from router.settings.files import load_settings
from store.db.engine import Database
from tests import forks
from tests.desk import SMS, TOML, Desk, envelope
from tests.servers import mailservers
from tests.servers.mailservers import MailServer
from workers.broker.embedded import EmbeddedBroker

ROOT = Path(__file__).parents[2]
# What a command of the documentation ends with: the end of its code, of its line, or the beginning of a comment.
COMMAND = re.compile(r"python -m benchmarks\.(\w+)([^`#\n]*)")
PAGES = [ROOT / "Makefile", ROOT / "Containerfile", *ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
ALL_NOTHING = {"messages", "kills", "killed"}


@dataclass(frozen=True, kw_only=True)
class Written:
    """What the books of a run read; nothing listens on the ports."""

    database: Database
    mail: MailServer
    smtp_port: int = 9
    web_port: int = 9


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[MailServer]:
    server = mailservers.start(tmp_path)
    yield server
    server.stop()


def settings_in(file: Path, *, environment: Mapping[str, str]) -> Settings:
    """What a process reads that has this environment."""
    with pytest.MonkeyPatch.context() as patch:
        for key, value in environment.items():
            patch.setenv(key, value)
        return load_settings(file)


def wrong(ledger: Ledger) -> dict[str, object]:
    return {name: count for name, count in ledger.figures().items() if count and name not in ALL_NOTHING}


def test_a_small_chaos_run_of_every_channel_keeps_every_promise() -> None:
    amounts = Amounts(messages=20, chats=6, gates=9, messengers=8, lines=6)
    pace = Pace(arrival=2, takeover="3s", launch=forks.start)
    ledger = run(amounts, kills=4, database="sqlite", seed=1, pace=pace)
    assert (wrong(ledger), sum(ledger.kills.values())) == ({}, 4)


def test_the_ports_of_a_rig_are_its_own_whatever_their_digits(mail: MailServer, tmp_path: Path) -> None:
    with contextlib.closing(Database(f"sqlite:///{tmp_path / 'omniyard.db'}")) as database:
        rig = Rig(
            folder=tmp_path,
            database=database,
            mail=mail,
            broker=EmbeddedBroker(tmp_path),
            postgres=None,
            smtp_port=22252,
            # It begins as the listener of the shipped file does.
            web_port=25253,
        )
        rig.write_config()
        settings = settings_in(rig.config, environment=rig.environment({}))
    assert str(settings.omniyard.listen) == "127.0.0.1:25253"
    assert str(settings.channels["desk-mail"].listen) == "127.0.0.1:22252"


def test_the_books_of_a_run_name_all_that_is_not_there(database: Database, mail: MailServer) -> None:
    # Given a desk without any message, after customers have written on every channel that keeps count of it
    chance = random.Random(1)
    customers = [Chats(messages=3, chance=chance), Gates(messages=3, chance=chance)]
    customers.append(Messengers(messages=4, chance=chance))
    with contextlib.ExitStack() as stack:
        for some in customers:
            stack.callback(some.close)
        mailbox = make_mailbox(messages=20, seed=1, file_bytes=10)
        # When the books are read
        ledger = read_ledger(Written(database=database, mail=mail), mailbox, kills={}, customers=customers)
    # Then
    assert not ledger.is_clean
    assert wrong(ledger) == {
        "lost": mailbox.messages,
        "missing_conversations": mailbox.conversations + 10,
        "unrecognised": mailbox.redeliveries,
        "chats_lost": 3,
        "gates_lost": 3,
        "messengers_lost": 4,
        "messengers_apart": 5,
    }


def test_every_host_of_a_fleet_can_read_its_configuration(mail: MailServer, tmp_path: Path) -> None:
    hosts = {name: Host(name=name, ip=f"10.77.0.{place}", namespace=name) for place, name in enumerate(HOSTS, start=2)}
    with (
        contextlib.closing(Chats(messages=0, chance=random.Random(1))) as chats,
        contextlib.closing(Database(f"sqlite:///{tmp_path / 'omniyard.db'}")) as database,
    ):
        desk = FleetDesk(
            folder=tmp_path,
            hosts=hosts,
            mail=mail,
            database=database,
            broker_url="redis://127.0.0.1:9/0",
            web_port=9,
            smtp_port=9,
            channels=chats.config,
            secrets=chats.secrets,
        )
        desk.write_config(public_url=PUBLIC_URL)
        for name in HOSTS:
            settings = settings_in(desk.config(name), environment=desk.environment(name))
            assert settings.omniyard.takeover.total_seconds() == float(TAKEOVER.removesuffix("s")), name
            assert {"mailbox", "desk-mail", *chats.channels} <= settings.channels.keys(), name


# The mailbox of a rig, and the listener of the shipped file.
THREE_PATHS = """
[channels.mailbox]
kind = "imap"
host = "127.0.0.1"
username = "support"
password = "env:MAILBOX_PASSWORD"
address = "support@desk.example"
[channels.desk-mail]
kind = "smtp"
listen = "127.0.0.1:2527"
address = "desk@desk.example"
"""


class Reader:
    """A database as the primary of a fleet is read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self._database.read() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_fleet_sees_when_each_path_worked_and_how_long_a_message_waited(database: Database, tmp_path: Path) -> None:
    # Given a desk with the channels of three paths, and none of them has worked
    progress = Progress(databases=Reader(database))
    desk = Desk(database, tmp_path, toml=TOML + THREE_PATHS + SMS)
    assert (progress.is_drained(0), progress.is_drained(1), progress.is_working(0)) == (True, False, False)
    # When each accepts a message
    desk.accept(*(envelope(channel, channel=channel) for channel in (CHANNEL, "desk-mail", "sms")))
    # Then all of them wait
    assert (progress.is_drained(3), progress.is_working(0), progress.waits()) == (False, False, [])
    # When they are routed
    desk.route()
    # Then
    assert (progress.is_drained(3), progress.is_drained(4), progress.is_working(0)) == (True, False, True)
    assert progress.is_working(time.time() + 3600) is False
    worked = {name: len(times) for name, times in progress.paths().items()}
    assert worked == {"imap": 1, "smtp": 1, "sms": 1, "x": 0, "telegram": 0, "routing": 3}
    assert [wait >= 0 for _, wait in progress.waits()] == [True] * 3


def test_every_process_of_the_image_was_imported_when_it_was_built() -> None:
    # Its root is read-only: what was not imported then is compiled at each start.
    text = (ROOT / "Containerfile").read_text(encoding="utf-8")
    (line,) = re.findall(r'-c "import ([^"]+)"', text)
    wanted = {f"{entry.arguments[2]}.__main__" for entry in read_procfile(ROOT / "Procfile")} | {"cli.main"}
    assert wanted <= set(line.split(", "))
    assert [name for name in line.split(", ") if importlib.util.find_spec(name) is None] == []


def commands() -> Mapping[str, set[str]]:
    """The options of each measurement that the documentation names."""
    named: dict[str, set[str]] = {}
    for page in PAGES:
        for name, arguments in COMMAND.findall(page.read_text(encoding="utf-8")):
            named.setdefault(name, set()).update(re.findall(r"--[a-z][a-z-]*", arguments))
    return named


# All in one process, because each imports nearly the same.
HELP_OF_EACH = """
import contextlib, io, json, runpy, sys

said = {}
for name in sys.argv[1:]:
    sys.argv, code = [name, "--help"], 0
    with contextlib.redirect_stdout(io.StringIO()) as out:
        try:
            runpy.run_module(f"benchmarks.{name}", run_name="__main__", alter_sys=True)
        except SystemExit as end:
            code = end.code or 0
    said[name] = (code, out.getvalue())
print(json.dumps(said))
"""


def test_every_measurement_that_is_named_starts_and_has_the_options_that_are_named() -> None:
    listed = set(re.findall(r"(?:^| {3,})([a-z_]{4,})  ", benchmarks.__doc__ or "", re.MULTILINE))
    named = commands()
    assert {"chaos", "fleet", "image", "intake"} <= named.keys() & listed
    ran = forks.run(["-c", HELP_OF_EACH, *sorted(listed | named.keys())], timeout=300)
    assert ran.returncode == 0, ran.stderr
    for name, (code, out) in json.loads(ran.stdout).items():
        assert code == 0, (name, ran.stderr)
        assert [option for option in named.get(name, ()) if option not in out] == [], name
