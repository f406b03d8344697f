"""The commands about routing on a real desk: labels, duty, and a replay under another configuration."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import application
from store.db.engine import Database
from store.db.migrate import upgrade
from store.tables.messages import ConversationRow
from tests.desk import ANN, Desk, envelope


class Shell:
    """Runs commands on a desk whose file and database are in the commands' default places."""

    def __init__(self, folder: Path) -> None:
        # The place of the embedded database under the desk's `data`.
        database = Database.at(folder / "omniyard.db")
        upgrade(database)
        self.desk, self.folder = Desk(database, folder), folder
        self.config = folder / "channels.toml"
        self.config.write_text(self.desk.text, encoding="utf-8")

    def run(self, *words: str, code: int = 0, config: bool = True) -> str:
        named = ["--config", str(self.config)] if config else []
        result = CliRunner().invoke(application(), [*words, *named])
        assert result.exit_code == code, result.output + repr(result.exception)
        return result.stdout

    def json(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--json"))


@pytest.fixture
def shell(tmp_path: Path) -> Any:
    opened = Shell(tmp_path)
    yield opened
    opened.desk.database.close()


def test_a_contact_is_labelled_and_unlabelled(shell: Shell) -> None:
    shell.run("contact", "label", ANN.handle, "vip", code=5)
    shell.desk.route(envelope("1"))

    assert shell.run("contact", "label", ANN.handle, "vip", "press") == f"{ANN.handle}: press, vip\n"
    assert shell.run("contact", "label", ANN.handle, "vip") == f"{ANN.handle}: press, vip\n"
    assert shell.run("contact", "unlabel", ANN.handle, "press", "vip") == f"{ANN.handle}: no labels\n"


def test_an_agents_duty_is_set_and_shown(shell: Shell) -> None:
    shell.run("agent", "add", "Li Na")
    duty = ("--team", "front-line", "--language", "zh", "--language", "en", "--category", "refund", "--capacity", "30")

    shell.run("agent", "set", "Li Na", *duty, "--available")
    (listed,) = shell.json("agent", "list")
    assert (listed["available"], listed["capacity"]) == (True, 30)
    assert listed["skills"] == {"team": ["front-line"], "language": ["en", "zh"], "category": ["refund"]}

    assert shell.run("agent", "set", "Li Na", "--away", "--category", "any") == (
        "Li Na: away; capacity 30; team front-line; language en, zh\n"
    )


def test_duty_with_a_mistyped_name_is_refused(shell: Shell) -> None:
    shell.run("agent", "add", "Li Na")

    shell.run("agent", "set", "Li Na", "--team", "frnt", code=5)
    shell.run("agent", "set", "Nobody", "--away", code=5)


def test_simulate_prints_what_would_change_for_people_and_for_programs(shell: Shell) -> None:
    shell.desk.route(envelope("1", subject="Refund please", text="I want a refund for order 12."), envelope("2"))
    other = shell.folder / "other.toml"
    other.write_text(shell.desk.text.replace('team = "front-line"', 'team = "risk"'), encoding="utf-8")
    words = ("simulate", "--current", str(shell.config), "--config", str(other), "--since", "2026-01-01")

    printed = shell.run(*words, config=False)
    assert "2 messages replayed, of which 2 opened a conversation." in printed
    assert "2 would fare differently" in printed
    assert "team: front-line -> risk" in printed

    found = json.loads(shell.run(*words, "--json", config=False))
    assert found["changes"] == [{"field": "team", "before": "front-line", "after": "risk", "messages": 2}]


def test_simulate_says_so_when_nothing_would_change(shell: Shell) -> None:
    shell.desk.route(envelope("1"))
    same = ("simulate", "--current", str(shell.config), "--config", str(shell.config), "--since", "2026-01-01")

    assert "Nothing would change." in shell.run(*same, config=False)


def test_simulate_refuses_a_file_that_could_not_run(shell: Shell) -> None:
    broken = shell.folder / "broken.toml"
    broken.write_text("[routes]", encoding="utf-8")

    words = ("simulate", "--current", str(shell.config), "--config", str(broken), "--since", "2026-01-01")
    shell.run(*words, code=3, config=False)


def test_the_status_has_the_mornings_line(shell: Shell) -> None:
    shell.desk.close()
    shell.desk.route(envelope("1"), envelope("2"), envelope("3", text="all my money is gone"))

    printed = " ".join(shell.run("status").split())
    assert "In 24 hours 3 messages came while closed: 2 wait for the opening" in printed
    assert "the second look let 1 through as emergencies" in printed


def test_parse_and_explain_name_the_correspondent_and_the_field(shell: Shell, tmp_path: Path) -> None:
    mail = tmp_path / "form.eml"
    mail.write_text("From: noreply@shop.example\nReply-To: Lu <lu@c.example>\nSubject: New entry\n\nHello there.\n")
    plain = tmp_path / "plain.eml"
    plain.write_text("From: ann@c.example\nSubject: Hello\n\nHello there.\n")

    form, author = ("lu@c.example", "reply-to"), ("ann@c.example", "from")
    for words, expected in (
        (("parse", str(mail), str(plain)), [form, author]),
        (("explain", str(mail)), [form]),
        (("explain", str(plain)), [author]),
    ):
        said = shell.run(*words, "--json", config=words[0] == "explain")
        found = json.loads(said) if words[0] == "explain" else [json.loads(line) for line in said.splitlines()]
        named = [(each["correspondent"], each["correspondent_source"]) for each in found]
        assert named == expected

    shell.desk.route(envelope("1", reply_to=(ANN,), sender=replace(ANN, handle="noreply@c.example")))
    (row,) = shell.desk.rows(ConversationRow)
    (stored,) = shell.json("explain", row.reference)
    assert (stored["correspondent"], stored["correspondent_source"]) == (ANN.handle, "reply-to")
    assert "named by Reply-To" in shell.run("explain", row.reference)
