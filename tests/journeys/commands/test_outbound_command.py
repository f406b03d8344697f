"""`omniyard outbound` and `doctor` on a real desk that sends its replies."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from cli.main import application
from store.db.bulk import table_of
from store.db.engine import Database
from store.tables.operations import OutboundRow
from tests.inbox_builder import Builder
from tests.servers.mailsink import MailSink, Sink
from tests.servers.ports import free_port

TOML = """
[omniyard]
data = "{folder}"
database = "env:OMNIYARD_TEST_DATABASE"
[channels.support-mail]
kind = "smtp"
listen = "127.0.0.1:{gate}"
address = "help@desk.example"
[channels.support-mail.send]
host = "127.0.0.1"
port = {port}
security = "none"
[teams.payments]
title = "Payments"
[[routes]]
name = "everything"
team = "payments"
"""


@pytest.fixture
def sink() -> Any:
    server = MailSink(Sink())
    yield server
    server.stop()


@pytest.fixture
def config(database_url: str, tmp_path: Path, sink: MailSink, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OMNIYARD_TEST_DATABASE", database_url)
    path = tmp_path / "channels.toml"
    path.write_text(TOML.format(folder=tmp_path, gate=free_port(), port=sink.port), encoding="utf-8")
    return path


def run(config: Path, *words: str) -> Any:
    return CliRunner().invoke(application(), [*words, "--config", str(config)])


def outbound(database: Database, **over: Any) -> UUID:
    with database.write() as connection:
        build = Builder(connection)
        return build.outbound(build.conversation(handle=f"{over}@customer.example"), **over)


def state(database: Database, outbound_id: UUID) -> str:
    table = table_of(OutboundRow)
    with database.read() as connection:
        return str(connection.execute(sa.select(table.c.state).where(table.c.id == outbound_id)).scalar_one())


def test_messages_that_need_a_person_are_listed_and_settled(config: Path, database: Database) -> None:
    first = outbound(database, state="needs_person", error="unknown outcome")
    second = outbound(database, state="failed", error="no such user")
    outbound(database, state="sent")

    listed = json.loads(run(config, "outbound", "list", "--json").output)
    assert [row["state"] for row in listed["messages"]] == ["failed", "needs_person"]
    assert "unknown outcome" in run(config, "outbound", "list").output
    assert run(config, "outbound", "mark-sent", str(first)).exit_code == 0
    assert run(config, "outbound", "send-again", str(second)).exit_code == 0
    again = run(config, "outbound", "send-again", str(second))

    assert (state(database, first), state(database, second)) == ("sent", "queued")
    assert again.exit_code == 1
    assert run(config, "outbound", "mark-sent", str(UUID(int=1))).exit_code == 5


def test_a_freeze_is_shown_and_thawed(config: Path) -> None:
    run(config, "outbound", "freeze", "restored from the backup")

    assert "restored from the backup" in run(config, "outbound", "list").output
    assert run(config, "outbound", "thaw").exit_code == 0
    assert "frozen" not in run(config, "outbound", "list").output


def test_doctor_tries_the_way_out(config: Path, sink: MailSink) -> None:
    found = {row["part"]: row for row in json.loads(run(config, "doctor", "--json").output)}
    assert found["replies of support-mail"]["ok"]

    config.write_text(config.read_text().replace(f"port = {sink.port}", f"port = {free_port()}"))
    found = {row["part"]: row for row in json.loads(run(config, "doctor", "--json").output)}
    assert "Connection refused" in found["replies of support-mail"]["findings"][0]


def test_doctor_says_when_nothing_is_sealed_and_when_machines_share_no_key(
    config: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = "needs one `key`"
    found = {row["part"]: row for row in json.loads(run(config, "doctor", "--json").output)}["sealing"]
    assert found["ok"]
    assert "sealed under" in found["findings"][0]
    assert (shared in " ".join(found["findings"])) == database_url.startswith("postgresql")
    assert (shared in run(config, "check").output.replace("\n", " ")) == database_url.startswith("postgresql")

    # As on a machine without the cryptography package.
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers.aead", None)
    found = {row["part"]: row for row in json.loads(run(config, "doctor", "--json").output)}["sealing"]
    assert not found["ok"]
    assert "nothing can be sealed" in found["findings"][0]
    checked = run(config, "check")
    assert "nothing can be sealed" in checked.output
    assert checked.exit_code == 0
