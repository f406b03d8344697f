"""Mistakes of an operator before a command: an exit code and a sentence for each, and never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from cli.main import application
from store.db.engine import Database
from store.db.migrate import upgrade
from store.db.releases import leave_mark
from tests import forks
from tests.servers.ports import free_port

_DEFAULT = """
[omniyard]
listen = "127.0.0.1:{port}"
data = "{data}"
{omniyard}
{tables}
[[routes]]
name = "everything"
team = "front-line"
"""
Prepare = Callable[[Path], None]
Run = Callable[..., subprocess.CompletedProcess[str]]


@dataclass(frozen=True)
class Mistake:
    """What is wrong before the start. said: a part of the sentence.  code: as `omniyard --help` lists them."""

    code: int
    said: str
    omniyard: str = ""
    tables: str = ""
    listen: str = ""
    prepare: Prepare = lambda _: None
    environment: dict[str, str] = field(default_factory=dict)
    text: bytes | None = None


def _folder(name: str) -> Prepare:
    return lambda data: (data / name).mkdir(parents=True)


def _file(name: str, content: bytes = b"") -> Prepare:
    def prepare(data: Path) -> None:
        path = data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    return prepare


def _version(number: str) -> Prepare:
    def prepare(data: Path) -> None:
        database = Database.at(data / "omniyard.db")
        upgrade(database)
        with database.write() as connection:
            connection.execute(sa.text(f"UPDATE alembic_version SET version_num = '{number}'"))
            if number.isdigit():
                # What the release after the next one leaves: processes of this one may not run there.
                leave_mark(connection, number)
        database.close()

    return prepare


def _data_is_a_file(data: Path) -> None:
    data.write_bytes(b"")


def _database(address: str, *, code: int, said: str) -> Mistake:
    return Mistake(code, said, omniyard='database = "env:DB"\nkey = "env:KEY"', environment={"DB": address})


_KEY = "5f2b7c0e9a4d1836e0c7f5b2a9d84163"
_NOBODY = "127.0.0.1:9"
MISTAKES = {
    "data is a file": Mistake(3, "cannot be used", prepare=_data_is_a_file),
    "data below a file": Mistake(
        3, "cannot be used", prepare=lambda data: data.parent.joinpath("var").write_bytes(b"")
    ),
    "lock is a folder": Mistake(3, "up.lock", prepare=_folder("up.lock")),
    "broker folder is a file": Mistake(3, "broker", prepare=_file("broker")),
    "broker URL is a folder": Mistake(3, "broker", prepare=_folder("broker.url")),
    "key is a folder": Mistake(3, "desk.key", prepare=_folder("desk.key")),
    "database is a folder": Mistake(4, "cannot be opened", prepare=_folder("omniyard.db")),
    "database is a text": Mistake(1, "not a database", prepare=_file("omniyard.db", b"hello, this is a text\n" * 99)),
    "database is newer": Mistake(3, "a newer Omniyard", prepare=_version("9999")),
    "database is another's": Mistake(3, "does not know", prepare=_version("abcdef")),
    "database is away": _database(f"postgresql://u:hunter2@{_NOBODY}/d", code=4, said="did not answer"),
    "host does not exist": _database("postgresql://u:hunter2@no.such.host.invalid/d", code=4, said="did not answer"),
    "database of another kind": _database("mysql://u:hunter2@h/d", code=3, said="begins with none of"),
    "database is no address": _database("hunter2", code=3, said="expected an address"),
    "database has no port": _database("postgresql://u:hunter2@h:port/d", code=3, said="expected an address"),
    "database is empty": _database("", code=3, said="DB"),
    "broker is no address": Mistake(3, "broker", omniyard='broker = "env:BROKER"', environment={"BROKER": "localhost"}),
    "key is missing": Mistake(3, "NOT_SET", omniyard='key = "env:NOT_SET"'),
    "key is short": Mistake(3, "too short", omniyard='key = "env:SHORT"', environment={"SHORT": "hunter2"}),
    "listen names a stranger": Mistake(3, "change [omniyard] listen", listen="192.0.2.1:8080"),
    "listen names no host": Mistake(3, "change [omniyard] listen", listen="no.such.host.invalid:8080"),
    "password is missing": Mistake(
        3,
        "NOT_SET",
        tables='[channels.a]\nkind = "imap"\nhost = "h"\nusername = "u"\npassword = "env:NOT_SET"\n',
    ),
    "certificate is missing": Mistake(
        3, "no file", tables='[channels.a]\nkind = "smtp"\ntls_certificate = "no.pem"\ntls_key = "file:no.key"\n'
    ),
    "country is unknown": Mistake(3, "ZZ", tables='[calendars.a]\nweek.mon = "24h"\nholidays = "ZZ"\n'),
    "file is not TOML": Mistake(3, "not valid TOML", text=b"[omniyard\n"),
    "file is not UTF-8": Mistake(3, "UTF-8", text=b'[omniyard]\nname = "\xff"\n'),
    "file is empty": Mistake(3, "routes", text=b""),
    "data is no name": Mistake(3, "data", text=b'[omniyard]\ndata = "a\\u0000b"\n[[routes]]\nname = "a"\nteam = "b"\n'),
    "data is too long": Mistake(
        3, "cannot be", text=b'[omniyard]\ndata = "' + b"x" * 300 + b'"\n[[routes]]\nname = "a"\nteam = "b"\n'
    ),
}


def _up(folder: Path, mistake: Mistake, *, run: Run) -> subprocess.CompletedProcess[str]:
    config = folder / "channels.toml"
    port = free_port()
    text = _DEFAULT.format(port=port, data=folder / "var", omniyard=mistake.omniyard, tables=mistake.tables)
    if mistake.listen:
        text = text.replace(f"127.0.0.1:{port}", mistake.listen)
    config.write_bytes(text.encode() if mistake.text is None else mistake.text)
    environment = {**os.environ, "KEY": _KEY, "PYTHONPATH": str(Path(__file__).parents[3]), **mistake.environment}
    return run(["-m", "cli", "up", "--config", str(config)], cwd=folder, env=environment)


def _started(words: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command in an interpreter of its own."""
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=120, check=False)


# Two as operators start them: what `up` does not import by itself would miss there.
_FROM_NOTHING = ("database is newer", "password is missing")


@pytest.mark.parametrize(
    ("mistake", "run"),
    [(each, forks.run) for each in MISTAKES.values()] + [(MISTAKES[name], _started) for name in _FROM_NOTHING],
    ids=[*MISTAKES, *(f"{name}, from nothing" for name in _FROM_NOTHING)],
)
def test_a_mistake_ends_with_its_code_and_a_sentence(tmp_path: Path, mistake: Mistake, run: Run) -> None:
    # Given
    mistake.prepare(tmp_path / "var")
    # When
    ended = _up(tmp_path, mistake, run=run)
    # Then
    assert "Traceback" not in ended.stderr + ended.stdout
    assert (ended.returncode, mistake.said in ended.stderr) == (mistake.code, True), ended.stderr
    assert ended.stderr.startswith("omniyard: ")
    assert "hunter2" not in ended.stderr + ended.stdout


# Every command that reads the configuration, with words that it would take on a sound desk.
_COMMANDS = (
    "check",
    "doctor",
    "status",
    "import mbox old.mbox --channel mail",
    "parse mail.eml",
    "explain 01900000-0000-7000-8000-000000000000",
    "explain mail.eml",
    "export 01900000-0000-7000-8000-000000000000",
    "simulate --config channels.toml --since 2026-01-01",
    "calendar office --year 2027",
    "quarantine list",
    "quarantine show 01900000-0000-7000-8000-000000000000",
    "outbound list",
    "webhooks list",
    "cursor show",
    "cursor move mail 1:1",
    "contact label 01900000-0000-7000-8000-000000000000 vip",
    "agent list",
    "agent add li",
    "audit check",
    "migrate",
    "model list",
    "model activate x",
    "train",
    "classify hello",
)
_ANYWHERE = (
    "data is a file",
    "data below a file",
    "database is a folder",
    "database is a text",
    "database is newer",
    "database is another's",
    "database is away",
    "database of another kind",
    "key is missing",
    "file is not TOML",
    "file is not UTF-8",
    "data is no name",
)


@pytest.mark.parametrize("name", _ANYWHERE)
def test_no_command_answers_a_mistake_with_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    # Given
    mistake = MISTAKES[name]
    mistake.prepare(tmp_path / "var")
    config = tmp_path / "channels.toml"
    text = _DEFAULT.format(port=8080, data=tmp_path / "var", omniyard=mistake.omniyard, tables=mistake.tables)
    config.write_bytes(text.encode() if mistake.text is None else mistake.text)
    (tmp_path / "old.mbox").write_bytes(b"From \nSubject: a\n\nA\n")
    (tmp_path / "mail.eml").write_bytes(b"Subject: a\n\nA\n")
    for key, value in {"KEY": _KEY, "OMNIYARD_CONFIG": str(config), **mistake.environment}.items():
        monkeypatch.setenv(key, value)
    monkeypatch.chdir(tmp_path)
    # When
    results = {words: CliRunner().invoke(application(), words.split()) for words in _COMMANDS}
    # Then
    faults = {words: result.stderr for words, result in results.items() if result.exit_code == 70}
    wrong = {
        words: repr(r.exception) for words, r in results.items() if not isinstance(r.exception, SystemExit | type(None))
    }
    usage = {words: result.stderr for words, result in results.items() if result.exit_code == 2}
    assert (faults, wrong, usage) == ({}, {}, {})
    assert not [words for words, result in results.items() if "hunter2" in result.output]
