"""Kill senders at random while providers lose answers; then count missing and duplicated messages.

    python -m benchmarks.outbound --messages 10000 --lost-replies 3 --dropped 2 --kills 60 --database sqlite --json

Half of the messages are mails to a real SMTP server, half short messages to a provider that stores what it accepts.
--lost-replies, --dropped: percent of the attempts whose answer is lost after acceptance, or which never arrive.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from benchmarks.outbound.fake_sms import FakeSms
from benchmarks.rig import ROOT, keep_logs, wait_until
from router.errors import OmniyardError
from store.db.bulk import insert_rows, table_of
from store.db.engine import Database, read_clock
from store.db.ids import new_id
from store.db.migrate import upgrade
from store.tables.operations import OutboundRow
from tests.inbox_builder import Builder
from tests.servers.mailsink import DROP, MailSink, Sink
from tests.servers.postgres import running_postgres

_SENDERS: Final = ("sender-a", "sender-b")
_DRAIN_SECONDS: Final = 600
_CONVERSATIONS: Final = 500

_TOML: Final = """
[omniyard]
data = "{folder}/var"
database = "env:OMNIYARD_RIG_DATABASE"
takeover = "2s"

[channels.mail]
kind = "smtp"
address = "help@desk.example"
[channels.mail.send]
host = "127.0.0.1"
port = {port}
security = "none"

[teams.desk]
[[routes]]
name = "everything"
team = "desk"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The result of the run.

    flagged_but_arrived: messages that a person must check although the provider has them; 0 if the look-up works.
    mail_extra_expected: one for each lost answer, a quarter more as a margin, and one for each kill.
    unsettled: rows in no final state.  missing: sent by our books, but at no provider.
    """

    messages: int
    kills: int
    seconds: float
    sent: int
    flagged: int
    flagged_but_arrived: int
    unsettled: int
    sms_extra_copies: int
    sms_missing: int
    mail_missing: int
    mail_extra_copies: int
    mail_extra_expected: int
    mail_extra_under_another_message_id: int

    @property
    def is_clean(self) -> bool:
        """Return whether the promises P3 and P4 were kept."""
        broken = (self.sms_extra_copies, self.sms_missing, self.mail_missing, self.unsettled, self.flagged_but_arrived)
        few_copies = self.mail_extra_copies <= self.mail_extra_expected
        return not any((*broken, self.mail_extra_under_another_message_id)) and few_copies


class Bench:
    """Two sender processes, a mail server and a provider of short messages."""

    def __init__(self, folder: Path, database: Database, *, sink: MailSink, sms: FakeSms) -> None:
        self.folder, self.database, self.sink, self.sms = folder, database, sink, sms
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        (folder / "channels.toml").write_text(_TOML.format(folder=folder, port=sink.port), encoding="utf-8")

    def start(self, name: str) -> None:
        """Start a sender."""
        more = {
            "OMNIYARD_CONFIG": str(self.folder / "channels.toml"),
            "OMNIYARD_RIG_DATABASE": self.database.url.render_as_string(hide_password=False),
            "OMNIYARD_FAKE_SMS_PORT": str(self.sms.port),
        }
        command = [sys.executable, "-m", "benchmarks.outbound.worker"]
        with (self.folder / f"{name}.log").open("ab") as log:
            environment = {**os.environ, **more}
            self._processes[name] = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)

    def kill(self, name: str) -> None:
        """SIGKILL a sender."""
        process = self._processes.pop(name)
        process.kill()
        process.wait()

    def stop(self) -> None:
        """End every sender."""
        for name in list(self._processes):
            self.kill(name)

    def fill(self, messages: int) -> None:
        """Queue the messages, mails and short ones alternately, over some conversations."""
        with self.database.write() as connection:
            build = Builder(connection)
            cases = [build.conversation(handle=f"c{n}@customer.example") for n in range(_CONVERSATIONS)]
            now = read_clock(connection)
            rows = [_row(number, cases[number % len(cases)]) for number in range(messages)]
            for start in range(0, messages, 1000):
                page = [row | {"created_at": now, "due_at": now, "dated_at": now} for row in rows[start : start + 1000]]
                insert_rows(connection, OutboundRow, rows=page)

    def open_rows(self) -> int:
        """Return how many rows are in no final state; -1 while the database is away."""
        columns = table_of(OutboundRow).c
        counted = sa.select(sa.func.count()).where(columns.state.in_(["queued", "sending", "unknown"]))
        try:
            with self.database.read() as connection:
                return int(connection.execute(counted).scalar_one())
        except OmniyardError:
            return -1


def main() -> None:
    """Run, print the figures, and exit with 1 unless the promises were kept."""
    arguments = _arguments()
    figures = run(arguments)
    shown = {"seed": arguments.seed, "database": arguments.database, **asdict(figures)}
    if arguments.json:
        print(json.dumps(shown))
    else:
        for name, value in shown.items():
            print(f"{name:36} {value}")
    sys.exit(0 if figures.is_clean else 1)


def run(arguments: argparse.Namespace) -> Figures:
    """Return the result of one run."""
    chance = random.Random(arguments.seed)
    with running_bench(arguments) as bench:
        bench.fill(arguments.messages)
        began = time.monotonic()
        for name in _SENDERS:
            bench.start(name)
        # Spread over the time of the sending, so that each kill finds messages in progress.
        for _ in range(arguments.kills):
            time.sleep(chance.uniform(0.5, 1.5))
            name = chance.choice(_SENDERS)
            bench.kill(name)
            bench.start(name)
        with contextlib.suppress(TimeoutError):
            wait_until(lambda: bench.open_rows() == 0, seconds=_DRAIN_SECONDS, every=0.5)
        seconds = time.monotonic() - began
        bench.stop()
        return read_figures(bench, arguments, seconds=seconds)


@contextlib.contextmanager
def running_bench(arguments: argparse.Namespace) -> Iterator[Bench]:
    """Build a bench; no sender runs yet."""
    lost, dropped = arguments.lost_replies / 100, arguments.dropped / 100
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="omniyard-outbound-")))
        is_postgres = arguments.database == "postgresql"
        postgres = stack.enter_context(running_postgres(durable=True)) if is_postgres else None
        database = Database(postgres.url() if postgres else f"sqlite:///{folder / 'omniyard.db'}")
        stack.callback(database.close)
        upgrade(database)
        sink = MailSink(Sink(decide=_Luck(arguments.seed, lost=lost, dropped=dropped).of))
        stack.callback(sink.stop)
        sms = FakeSms(lost=lost, dropped=dropped, seed=arguments.seed)
        stack.callback(sms.close)
        bench = Bench(folder, database, sink=sink, sms=sms)
        stack.callback(keep_logs, folder)
        stack.callback(bench.stop)
        yield bench


def read_figures(bench: Bench, arguments: argparse.Namespace, *, seconds: float) -> Figures:
    """Compare the books with the messages at the providers."""
    table = table_of(OutboundRow)
    with bench.database.read() as connection:
        rows = connection.execute(sa.select(table)).all()
    mails: dict[str, list[str]] = defaultdict(list)
    for taken in bench.sink.sink.taken:
        mails[taken.mail["X-Omniyard"]].append(taken.mail["Message-ID"])
    texts = {f"{row.recipient}\n{row.text}": row for row in rows if row.channel == "sms"}
    held = {str(row.id): len(bench.sms.kept.get(key, ())) for key, row in texts.items()}
    held |= {str(row.id): len(mails[str(row.id)]) for row in rows if row.channel == "mail"}
    missing = Counter(row.channel for row in rows if row.state == "sent" and not held[str(row.id)])
    flagged = [row for row in rows if row.state in {"needs_person", "failed"}]
    return Figures(
        messages=arguments.messages,
        kills=arguments.kills,
        seconds=round(seconds, 1),
        sent=sum(row.state == "sent" for row in rows),
        flagged=len(flagged),
        flagged_but_arrived=sum(held[str(row.id)] > 0 for row in flagged if row.channel == "sms"),
        unsettled=sum(row.state not in {"sent", "needs_person", "failed"} for row in rows),
        sms_extra_copies=sum(max(0, held[str(row.id)] - 1) for row in texts.values()),
        sms_missing=missing["sms"],
        mail_missing=missing["mail"],
        mail_extra_copies=sum(max(0, len(ids) - 1) for ids in mails.values()),
        mail_extra_expected=round(len(mails) * arguments.lost_replies / 100 * 1.25) + arguments.kills,
        mail_extra_under_another_message_id=sum(len(set(ids)) - 1 for ids in mails.values() if ids),
    )


class _Luck:
    """The outcome of each mail at the server, drawn from a seed."""

    def __init__(self, seed: int, *, lost: float, dropped: float) -> None:
        self._chance, self._lost, self._dropped = random.Random(seed), lost, dropped
        self._lock = threading.Lock()

    def of(self, stage: str) -> str | None:
        if stage != "DATA":
            return None
        with self._lock:
            luck = self._chance.random()
        if luck < self._dropped:
            return DROP
        return "lost" if luck < self._dropped + self._lost else None


def _row(number: int, conversation_id: UUID) -> dict[str, object]:
    outbound_id, channel = new_id(), ("mail", "sms")[number % 2]
    person = f"c{number % _CONVERSATIONS}@customer.example" if channel == "mail" else f"+1500555{number:05}"
    return {
        "id": outbound_id,
        "dedupe_key": outbound_id.hex,
        "conversation_id": conversation_id,
        "kind": "reply",
        "channel": channel,
        "recipient": person,
        "subject": "Re: Payment failed",
        "text": f"We look into case {number}.",
        "rfc_message_id": f"{outbound_id.hex}@desk.example",
        "state": "queued",
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--lost-replies", type=float, default=3.0)
    parser.add_argument("--dropped", type=float, default=2.0)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
