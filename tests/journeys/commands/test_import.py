"""`omniyard import`: archives of other programs, what is left out, what is refused, and the exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cli.main import application
from connectors.email.mail_files import Archive
from connectors.email.sandbox.parent import Guard
from router.envelope import OWN_SENT_FOLDER, from_json

_CONFIG = """
[omniyard]
timezone = "Asia/Shanghai"
data = "{data}"

[channels.mail]
kind = "smtp"
listen = "127.0.0.1:2525"

[[routes]]
name = "all"
team = "day"
"""

Import = Callable[..., Result]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "channels.toml"
    path.write_text(_CONFIG.format(data=tmp_path / "var"))
    assert CliRunner().invoke(application(), ["migrate", "--config", str(path)]).exit_code == 0
    return path


@pytest.fixture
def run(config: Path) -> Import:
    """Run `omniyard import KIND PATH ...`."""

    def run(kind: str, path: Path, *options: str) -> Result:
        words = ["import", kind, str(path), "--channel", "mail", "--config", str(config), *options]
        return CliRunner().invoke(application(), words)

    return run


def tally(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_every_case_gives_its_messages_and_its_exit_status(cases: Path, run: Import) -> None:
    rows = [json.loads(line) for line in (cases / "import" / "expected.jsonl").read_text().splitlines()]
    wrong = []
    for row in rows:
        result = run(row["kind"], cases / "import" / row["file"], "--dry-run", "--json")
        found = (tally(result)["messages"], result.exit_code)
        wrong += [(row["file"], found)] if found != (row["messages"], row["exit"]) else []
    assert rows
    assert wrong == []


def test_cases_without_a_number_are_read_or_refused_in_words(cases: Path, run: Import) -> None:
    old_mac = run("mbox", cases / "import" / "d5-cr-only.mbox", "--dry-run", "--json")
    assert (tally(old_mac)["messages"], old_mac.exit_code) == (2, 0)
    outlook = run("eml", cases / "import" / "f-mail.msg", "--dry-run", "--json")
    assert outlook.exit_code == 1
    assert "Outlook" in outlook.stderr
    takeout = run("mbox", cases / "import" / "b-takeout.mbox", "--dry-run", "--json")
    assert tally(takeout)["left_out"] == {"spam": 1}
    maildir = run("maildir", cases / "import" / "md", "--dry-run", "--json")
    assert tally(maildir)["messages"] == 5
    assert tally(maildir)["left_out"] == {"trash": 1, "drafts": 1}
    assert ".Sent" in maildir.stderr


_MAIL = b"From: li@x.example\nSubject: %s\n\nHello %s\n"


def maildir(path: Path, **names: str) -> Path:
    (path / "cur").mkdir(parents=True)
    for subject, name in names.items():
        (path / "cur" / name).write_bytes(_MAIL % (subject.encode(), subject.encode()))
    return path


def test_drafts_spam_and_trash_are_left_out_and_reported_unless_they_are_wanted(tmp_path: Path, run: Import) -> None:
    path = maildir(tmp_path / "old", kept="1.a:2,S", draft="2.b:2,D", thrown="3.c:2,ST")
    plain = run("maildir", path)
    assert "3 messages read: 1 taken in, 0 known already, 1 left out (drafts), 1 left out (trash)" in plain.stdout
    wanted = run("maildir", path, "--with", "trash", "--with", "drafts", "--json")
    assert (tally(wanted)["imported"], tally(wanted)["known"], tally(wanted)["left_out"]) == (2, 1, {})


@pytest.mark.parametrize("kind", ["mbox", "eml", "maildir"])
def test_no_message_found_is_reported_and_is_no_success(tmp_path: Path, run: Import, kind: str) -> None:
    path = tmp_path / "empty"
    if kind == "mbox":
        path.write_bytes(b"\n")
    else:
        (path / "cur").mkdir(parents=True)
        (path / "mail.txt").write_bytes(_MAIL)
    result = run(kind, path)
    assert result.exit_code == 1
    assert f"no message was found in {path}" in result.stderr


def test_of_a_folder_the_mail_is_taken_and_the_rest_refused_by_name(tmp_path: Path, run: Import) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    (folder / "1.EML").write_bytes(_MAIL % (b"one", b"one"))
    (folder / "2.msg").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    result = run("eml", folder, "--json")
    assert (tally(result)["imported"], tally(result)["refused"], result.exit_code) == (1, 1, 1)
    assert "2.msg is an Outlook .msg" in result.stderr


def test_mail_of_our_sent_folder_says_so_in_its_envelope(tmp_path: Path) -> None:
    folders = [maildir(tmp_path / ".Sent", ours="1.a:2,S"), maildir(tmp_path / "INBOX", theirs="2.a:2,S")]
    mails = [mail.raw for folder in folders for mail in Archive("maildir", folder).read()]
    with Guard() as guard:
        envelopes = [from_json(arrival.envelope) for arrival in guard.normalise_batch(mails, channel="mail")]
    assert [OWN_SENT_FOLDER in envelope.machine_headers for envelope in envelopes] == [True, False]
