"""The operator's commands on a real desk: a database, a worker, mail on disk."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import application
from router.settings.files import load_settings
from store.db.open import open_database
from tests.servers.ports import free_port
from workers.routing.brain import build_brain
from workers.routing.route import MessageRouter

_CONFIG = """
[omniyard]
timezone = "Asia/Shanghai"
data = "{data}"
listen = "127.0.0.1:{web}"

[channels.mail]
kind = "smtp"
listen = "127.0.0.1:{smtp}"
calendar = "office"

[channels.box]
kind = "imap"
host = "127.0.0.1"
port = {imap}
security = "none"
username = "support@example.com"
password = "file:{password}"
enabled = {imap_enabled}

[calendars.office]
week = {{ mon-fri = ["09:00-18:00"] }}

[[routes]]
name = "closed"
when = {{ open = false }}
team = "night"

[[routes]]
name = "open"
team = "day"
"""


class _Desk:
    def __init__(self, folder: Path, *, imap_enabled: bool = False) -> None:
        self.folder = folder
        self.config = folder / "channels.toml"
        (folder / "password").write_text("wrong")
        ports = {name: free_port() for name in ("web", "smtp", "imap")}
        self.config.write_text(
            _CONFIG.format(
                data=folder / "var",
                password=folder / "password",
                imap_enabled=str(imap_enabled).lower(),
                **ports,
            )
        )

    def run(self, *words: str, code: int = 0) -> str:
        result = CliRunner().invoke(application(), [*words, "--config", str(self.config)])
        assert result.exit_code == code, result.output + repr(result.exception)
        self.printed_error = result.stderr
        return result.stdout

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self.run(*words, "--json", code=code))

    def route(self) -> None:
        settings = load_settings(self.config)
        database = open_database(settings)
        try:
            router = MessageRouter(database, build_brain(settings))
            while router.route_oldest():
                pass
        finally:
            database.close()

    def mbox(self, subjects: Sequence[str]) -> Path:
        path = self.folder / "old.mbox"
        path.write_bytes(b"".join(_mail(number, subject) for number, subject in enumerate(subjects)))
        return path


def _mail(number: int, subject: str) -> bytes:
    return (
        b"From customer@example.com Mon Nov  2 09:00:00 2026\n"
        b"From: customer@example.com\nTo: support@example.com\n"
        b"Message-ID: <%d@example.com>\nSubject: %s\n\nHello number %d.\n\n" % (number, subject.encode(), number)
    )


@pytest.fixture
def desk(tmp_path: Path) -> _Desk:
    desk = _Desk(tmp_path)
    desk.run("migrate")
    return desk


def test_an_import_counts_first_then_takes_in_and_may_be_run_again(desk: _Desk):
    path = str(desk.mbox(["one", "two", "three"]))
    words = ("import", "mbox", path, "--channel", "mail")

    planned = desk.json(*words, "--dry-run")
    counts = {"messages": 3, "known": 0, "imported": 3, "unreadable": 0, "left_out": {}, "refused": 0, "doubtful": 0}
    assert planned == counts | {"dry_run": True}
    assert desk.json("status")["channels"][0]["accepted"] == 0

    assert desk.json(*words)["imported"] == 3
    again = desk.json(*words)
    assert (again["known"], again["imported"]) == (3, 0)

    # One more message in the same archive: only that one is new.
    desk.mbox(["one", "two", "three", "four"])
    assert desk.json(*words, "--dry-run")["imported"] == 1
    assert desk.json(*words)["imported"] == 1
    assert desk.json("status")["channels"][0]["accepted"] == 4


def test_imported_mail_opens_conversations_and_nothing_answers_it(desk: _Desk):
    desk.run("import", "mbox", str(desk.mbox(["one", "two"])), "--channel", "mail")
    desk.route()
    status = desk.json("status")
    assert status["channels"][0]["routed"] == 2
    assert (status["outbound"]["queued"], status["balanced"]) == (0, True)


def test_an_import_into_a_channel_that_does_not_exist_names_those_that_do(desk: _Desk):
    desk.run("import", "mbox", str(desk.mbox(["one"])), "--channel", "mial", code=5)
    assert "no channel is named mial; there are: mail, box" in desk.printed_error


def test_a_message_is_explained_by_any_of_its_names_and_again_for_another_time(desk: _Desk):
    desk.run("import", "mbox", str(desk.mbox(["one"])), "--channel", "mail")
    desk.route()
    connection = open_database(load_settings(desk.config))
    with connection.read() as reading:
        reference = reading.exec_driver_sql("SELECT reference FROM conversation").scalar_one()
    connection.close()

    (found,) = desk.json("explain", reference)
    assert found["state"] == "routed"
    assert desk.json("explain", str(found["inbound_id"])) == desk.json("explain", str(found["message_id"])) == [found]
    assert "nothing points at a known conversation" in desk.run("explain", reference)

    (sunday,) = desk.json("explain", reference, "--at", "2026-11-08T10:00")
    (monday,) = desk.json("explain", reference, "--at", "2026-11-09T10:00")
    assert (sunday["trace"]["route"]["team"], monday["trace"]["route"]["team"]) == ("night", "day")
    assert desk.json("explain", reference) == [found], "nothing was written"


def test_a_case_is_exported_whole_and_the_export_is_audited(desk: _Desk):
    desk.run("import", "mbox", str(desk.mbox(["my card 4111 1111 1111 1111"])), "--channel", "mail")
    desk.route()
    database = open_database(load_settings(desk.config))
    with database.read() as reading:
        reference = reading.exec_driver_sql("SELECT reference FROM conversation").scalar_one()

    document = json.loads(desk.run("export", reference))
    assert document["case"]["reference"] == reference
    assert document["customer"] == ["customer@example.com"]
    (message,) = document["messages"]
    assert (message["subject"], message["text"]) == ("my card **** 1111", "Hello number 0.")
    assert message["trace"]

    folder = desk.folder / "case"
    desk.run("export", reference.lower(), "--to", str(folder))
    assert json.loads((folder / "case.json").read_text()) == document
    assert b"4111 1111 1111 1111" in (folder / "001.eml").read_bytes()
    with database.read() as reading:
        actions = reading.exec_driver_sql("SELECT action FROM audit ORDER BY seq, rowid").scalars().all()
    database.close()
    assert actions == ["case.exported", "case.exported_with_originals"]
    desk.run("export", "K7QF2MXD4", code=5)


def test_a_file_is_explained_without_being_taken_in(desk: _Desk):
    mail = desk.folder / "a.eml"
    mail.write_bytes(b"From: new@example.com\nSubject: hello\n\nhello\n")
    (found,) = desk.json("explain", str(mail), "--at", "2026-11-09T10:00")
    assert (found["channel"], found["trace"]["route"]["fired"]) == ("mail", "open")
    assert desk.json("status")["channels"][0]["accepted"] == 0


def test_explaining_what_is_not_there_is_exit_code_5(desk: _Desk):
    desk.run("explain", "ZZZZZZZZZ", code=5)
    assert "no message is known as ZZZZZZZZZ" in desk.printed_error


def test_a_quarantined_mail_is_shown_replayed_discarded_and_keeps_its_bytes(desk: _Desk):
    # Given a bounce of a message that we never sent, which the brain sets aside
    bounce = desk.folder / "bounce.eml"
    bounce.write_bytes(
        b"From: MAILER-DAEMON@example.com\nReturn-Path: <>\nSubject: Undelivered Mail Returned to Sender\n"
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        b"--b\nContent-Type: text/plain\n\nIt could not be delivered.\n"
        b"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.com\n\n"
        b"Final-Recipient: rfc822; nobody@example.com\nAction: failed\nStatus: 5.1.1\n\n--b--\n"
    )
    desk.run("import", "eml", str(bounce), "--channel", "mail")
    desk.route()
    (row,) = desk.json("quarantine", "list")
    inbound_id = row["id"]
    assert "bounce" in row["reason"]
    assert inbound_id in desk.run("quarantine", "list")

    # When it is shown and processed again
    assert desk.json("quarantine", "show", inbound_id)["from"] == "mailer-daemon@example.com"
    assert desk.run("quarantine", "show", inbound_id, "--original").encode() == bounce.read_bytes()
    assert desk.json("quarantine", "replay", inbound_id) == {"replayed": [inbound_id], "unreadable": {}}
    assert desk.json("quarantine", "list") == []
    desk.route()

    # Then it is in quarantine again with its reason, and can be discarded
    assert desk.json("quarantine", "list")[0]["id"] == inbound_id
    desk.run("quarantine", "discard", inbound_id, "--reason", "advertising")
    assert desk.json("quarantine", "list") == []
    (discarded,) = desk.json("quarantine", "list", "--discarded")
    assert "advertising" in discarded["reason"]
    desk.run("quarantine", "discard", inbound_id, "--reason", "twice", code=1)


def test_an_agents_token_is_shown_once_and_ends_when_revoked(desk: _Desk):
    added = desk.json("agent", "add", "Li Na", "--role", "senior")
    assert added["token"].startswith("oy_")
    (listed,) = desk.json("agent", "list")
    assert (listed["name"], listed["role"], listed["revoked_at"]) == ("Li Na", "senior", None)
    assert added["token"] not in json.dumps(listed)
    desk.run("agent", "add", "Li Na", code=1)
    desk.run("agent", "revoke", "Li Na")
    assert desk.json("agent", "list")[0]["revoked_at"]
    desk.run("agent", "revoke", "nobody", code=5)


def test_a_cursor_is_moved_only_without_dry_run_and_only_to_a_place_that_can_be(desk: _Desk):
    move = ("cursor", "move", "box", "4711")
    desk.run(*move, code=5)
    assert "give one with --epoch" in desk.printed_error
    assert "would move from nowhere to 7 4711" in desk.run(*move, "--epoch", "7", "--dry-run")
    assert _position(desk) == ("", "")
    desk.run(*move, "--epoch", "7")
    assert _position(desk) == ("7", "4711")
    desk.run("cursor", "move", "box", "12")
    assert _position(desk) == ("7", "12")
    desk.run("cursor", "move", "box", "soon", code=1)
    desk.run("cursor", "move", "mail", "1", code=1)
    desk.run("cursor", "move", "nowhere", "1", code=5)


def _position(desk: _Desk) -> tuple[str, str]:
    (box,) = (row for row in desk.json("cursor", "show") if row["channel"] == "box")
    return box["epoch"], box["position"]


def test_checks_10_and_11_status_says_which_answer_is_broken_where_and_which_has_passed(desk: _Desk) -> None:
    (desk.folder / "faq").mkdir()
    (desk.folder / "faq" / "a--broken.en.md").write_text("send: maybe\n# How?\n\nSo.\n", encoding="utf-8")
    passed = "until: 2026-01-31\n# How long?\n> also: when\n\nSeven days.\n"
    (desk.folder / "faq" / "refund--when.en.md").write_text(passed, encoding="utf-8")
    broken, over = desk.json("status")["answers_out_of_force"]
    assert broken.startswith("a--broken.en.md:")
    assert over == "refund--when.en.md: until 2026-01-31 has passed; it is neither sent nor offered"
    printed = " ".join(desk.run("status").split())
    assert f"answers: {broken}" in printed
    assert f"answers: {over}" in printed


def test_a_database_without_tables_says_which_command_helps(tmp_path: Path):
    desk = _Desk(tmp_path)
    desk.run("status", code=3)
    assert "run `omniyard migrate`" in desk.printed_error


def test_answers_are_trained_before_the_first_start(tmp_path: Path):
    desk = _Desk(tmp_path)
    (tmp_path / "faq").mkdir()
    (tmp_path / "faq" / "refund--when.en.md").write_text("# How long?\n\nSeven days.\n", encoding="utf-8")
    # It comes as far as the questions, of which there are too few here.
    desk.run("answers", "train", code=1)
    assert "the answers cannot be trained" in desk.printed_error


def test_status_says_why_nothing_is_answered_alone(desk: _Desk) -> None:
    assert desk.json("status")["answers_silent"] == []
    desk.config.write_text(desk.config.read_text() + '\n[answers]\nmode = "answer"\n')
    said = desk.json("status")["answers_silent"]
    assert said
    assert all(line in " ".join(desk.run("status").split()) for line in said)


def test_the_doctor_finds_a_new_desk_in_order_and_changes_nothing(tmp_path: Path):
    desk = _Desk(tmp_path)
    found = {each["part"]: each for each in desk.json("doctor")}
    assert set(found) == {"data folder", "database", "sealing", "broker", "desk", "channel mail"}
    assert all(each["ok"] for each in found.values())
    assert not (tmp_path / "var").exists()


def test_the_doctor_names_what_is_wrong_and_how_to_mend_it(tmp_path: Path):
    desk = _Desk(tmp_path, imap_enabled=True)
    found = {each["part"]: each for each in desk.json("doctor", code=1)}
    assert not found["channel box"]["ok"]
    assert "127.0.0.1" in " ".join(found["channel box"]["findings"])
    assert "wrong" not in json.dumps(found["channel box"]), "the password is not shown"
    assert "WRONG  channel box" in desk.run("doctor", code=1)
