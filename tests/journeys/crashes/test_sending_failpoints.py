"""Every step of sending is killed, failed and frozen in turn, in real processes: the API answers once, mail arrives.

Each place acts once in a run, over all restarts. Mail may come twice, under one Message-ID; nothing is missing.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa

from benchmarks.rig import wait_until
from store.db.bulk import table_of
from store.db.engine import Database
from store.desk.agents import add_agent
from store.tables.operations import OutboundRow
from tests import forks
from tests.inbox_builder import Builder
from tests.servers.mailsink import MailSink, Sink
from tests.servers.ports import free_port
from workers.runtime.failpoints import SENDING

TOML = """
[omniyard]
data = "{folder}/var"
database = "env:OMNIYARD_RIG_DATABASE"
listen = "127.0.0.1:{port}"
takeover = "1s"

[channels.support-mail]
kind = "smtp"
listen = "127.0.0.1:{gate}"
address = "help@desk.example"
[channels.support-mail.send]
host = "127.0.0.1"
port = {smtp}
security = "none"

[teams.payments]
title = "Payments"
[[routes]]
name = "everything"
team = "payments"
"""


@dataclass
class House:
    """The API and two senders on one database, and a mail server that accepts their mail."""

    folder: Path
    url: str
    database: Database
    sink: MailSink
    port: int
    token: str
    processes: dict[str, forks.Forked] = field(default_factory=dict)

    def keep_running(self, **environment: str) -> None:
        sender = "benchmarks.outbound.worker"
        for name, module in (("api", "api"), ("sender", sender), ("sender-b", sender)):
            process = self.processes.get(name)
            if process is None or process.poll() is not None:
                more = {
                    "OMNIYARD_CONFIG": str(self.folder / "channels.toml"),
                    "OMNIYARD_RIG_DATABASE": self.url,
                    **environment,
                }
                with (self.folder / f"{name}.log").open("ab") as log:
                    started = forks.start(["-m", module], env={**os.environ, **more}, stdout=log, stderr=log)
                    self.processes[name] = started

    def answer(self, case: UUID, *, key: str) -> int | None:
        """Post a reply, the same at each try; return the status, None when the answer was lost."""
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key}
        address = f"http://127.0.0.1:{self.port}/api/v1/conversations/{case}/messages"
        body = {"text": f"Answer {key}.", "based_on_version": 1}
        try:
            return httpx.post(address, json=body, headers=headers, timeout=60).status_code
        except httpx.TransportError:
            return None

    def rows(self) -> list[Any]:
        with self.database.read() as connection:
            return list(connection.execute(sa.select(table_of(OutboundRow))))


@pytest.fixture
def house(database_url: str, database: Database, tmp_path: Path) -> Iterator[House]:
    sink, port = MailSink(Sink()), free_port()
    text = TOML.format(folder=tmp_path, port=port, gate=free_port(), smtp=sink.port)
    (tmp_path / "channels.toml").write_text(text, encoding="utf-8")
    with database.write() as connection:
        token = add_agent(connection, name="Li", role="agent")[1]
    built = House(tmp_path, database_url, database, sink, port, token)
    yield built
    for process in built.processes.values():
        process.kill()
        process.wait()
    sink.stop()


def reached(marks: Path) -> set[str]:
    return {path.name for path in marks.iterdir()}


@pytest.mark.timeout(600)
# A lease of this desk is two seconds: a process that freezes for longer wakes when the other has taken over.
@pytest.mark.parametrize("action", ["kill", "raise", "hang:2.2"])
def test_whatever_fails_at_every_step_each_reply_arrives_and_none_is_posted_twice(
    house: House, tmp_path: Path, action: str
) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    armed = {
        "OMNIYARD_FAILPOINTS": ",".join(f"{name}={action}" for name in SENDING),
        "OMNIYARD_FAILPOINT_MARKS": str(marks),
    }
    with house.database.write() as connection:
        build = Builder(connection)
        cases = [build.conversation(handle=f"c{number}@customer.example") for number in range(8)]
        for number, case in enumerate(cases):
            build.message(case, sender_handle=f"c{number}@customer.example")
        # What a process was sending when it died; a frozen one may wake before its lease expires.
        now = datetime.now(UTC)
        moments = dict.fromkeys(("created_at", "dated_at", "due_at", "claimed_at", "unknown_at"), now)
        case = build.conversation(handle="before@customer.example")
        doubtful = build.outbound(case, kind="reply", state="unknown", attempts=1, lease_token=uuid4(), **moments)

    answered, end = 0, time.monotonic() + 300
    while (reached(marks) != set(SENDING) or answered < len(cases)) and time.monotonic() < end:
        house.keep_running(**armed)
        if answered < len(cases):
            status = house.answer(cases[answered], key=f"key-{answered:08}")
            assert status in {201, 500, None}
            answered += status == 201
        time.sleep(0.2)
    assert (reached(marks), answered) == (set(SENDING), len(cases))

    def states() -> dict[UUID, str]:
        return {row.id: row.state for row in house.rows()}

    def settled() -> bool:
        house.keep_running(**armed)
        now = states()
        # A message that met three places in a row needs a person, as it should.
        doubt = now.pop(doubtful)
        return len(now) == len(cases) and set(now.values()) == {"sent"} and doubt in {"sent", "needs_person"}

    wait_until(settled, seconds=180, every=0.3)
    taken = Counter(mail.mail["X-Omniyard"] for mail in house.sink.sink.taken)
    ids = {mail.mail["X-Omniyard"]: set[str]() for mail in house.sink.sink.taken}
    for mail in house.sink.sink.taken:
        ids[mail.mail["X-Omniyard"]].add(mail.mail["Message-ID"])
    assert set(taken) - {str(doubtful)} == {str(row) for row in states() if row != doubtful}
    assert {len(each) for each in ids.values()} == {1}
