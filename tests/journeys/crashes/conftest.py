"""A desk in real processes: the API and two senders on one database, and a mail server that takes their mail."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa

from store.db.bulk import table_of
from store.db.engine import Database
from store.desk.agents import add_agent
from store.tables.operations import OutboundRow
from tests import forks
from tests.servers.mailsink import MailSink, Sink
from tests.servers.ports import free_port

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
