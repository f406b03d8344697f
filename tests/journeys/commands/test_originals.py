"""Each read of an original at the command line leaves a row in the audit trail, on either database."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from cli.main import application
from store.db.bulk import table_of
from store.db.engine import Database
from store.tables.operations import AuditRow
from tests.inbox_builder import Builder

TOML = """
[omniyard]
data = "{folder}"
database = "env:OMNIYARD_TEST_DATABASE"
[[routes]]
name = "everything"
team = "payments"
"""


def test_an_original_is_shown_only_after_the_audit_row_is_written(
    database: Database, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNIYARD_TEST_DATABASE", database_url)
    config = tmp_path / "channels.toml"
    config.write_text(TOML.format(folder=tmp_path), encoding="utf-8")
    with database.write() as connection:
        inbound_id = Builder(connection).quarantined(mail=b"Subject: odd\r\n\r\nmy card is 4111 1111 1111 1111\r\n")

    def show(*words: str) -> str:
        result = CliRunner().invoke(application(), ["quarantine", "show", *words, "--config", str(config)])
        assert result.exit_code == (0 if str(inbound_id) in words else 5), result.output
        return result.output

    assert "4111 1111" not in show(str(inbound_id))
    show("0192f1c2-7d11-7cc0-8000-5e1c6cf0a001", "--original")
    assert "4111 1111" in show(str(inbound_id), "--original")

    with database.read() as connection:
        (row,) = connection.execute(sa.select(table_of(AuditRow)))
    assert (row.actor, row.action, row.object) == ("the command line", "original.read", str(inbound_id))
    assert row.detail == {"user": getpass.getuser()}
