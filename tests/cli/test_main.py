"""The `omniyard` command as a shell sees it: help, exit codes, one sentence per error."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from cli.main import COMMANDS, CommandGroup, application, exit_code
from router.errors import (
    ConfigError,
    Conflict,
    LeaseLost,
    NotFound,
    OmniyardError,
    PermanentError,
    TransientError,
)
from router.settings.files import shipped_file

_NESTED = {
    "quarantine": ("list", "show", "replay", "discard"),
    "cursor": ("show", "move"),
    "outbound": ("list", "send-again", "mark-sent", "freeze", "thaw"),
    "agent": ("add", "list", "revoke"),
    "answers": ("train", "ask", "list", "gaps"),
}
_PATHS = [(name, *rest) for name, _, _ in COMMANDS for rest in [()] + [(each,) for each in _NESTED.get(name, ())]]


def _run(*words: str, piped: bytes | None = None) -> Any:
    return CliRunner().invoke(application(), list(words), input=piped)


@pytest.mark.parametrize("path", _PATHS, ids=" ".join)
def test_every_command_has_a_help_with_an_example(path: tuple[str, ...]):
    result = _run(*path, "--help")
    assert result.exit_code == 0, result.output
    assert f"Example: omniyard {path[0]}" in " ".join(result.output.split())


def test_help_names_every_command_and_what_exit_codes_mean():
    output = _run("--help").output
    assert all(f" {name} " in output for name, _, _ in COMMANDS)
    assert "Exit codes:" in output


def test_help_loads_nothing_heavy():
    program = """
        import sys
        sys.argv = ["omniyard", "--help"]
        from cli.main import main
        try:
            main()
        except SystemExit:
            pass
        heavy = {"sqlalchemy", "pydantic", "redis", "dramatiq", "fastapi", "alembic", "numpy", "honcho"}
        print(sorted(heavy & set(sys.modules)), file=sys.stderr)
    """

    found = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True)
    assert found.stderr.strip() == "[]"


def test_status_explain_and_check_load_nothing_that_decides_or_writes():
    program = """
        import sys
        import cli.commands.check.command, cli.commands.explain, cli.commands.status
        deciding = {"router.origin.automatic", "router.origin.correspondent", "router.origin.sender_signals"}
        deciding |= {"router.threads.correlation", "router.masking.mask", "router.text.facts", "rapidfuzz"}
        writing = {"store.outbound.replies", "store.conversations.alarms", "store.chat.visitor_sessions"}
        tables = {f"store.tables.{name}" for name in ("agents", "readers", "case_records", "composer")}
        print(sorted((deciding | writing | tables) & set(sys.modules)), file=sys.stderr)
    """
    found = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True)
    assert found.stderr.strip() == "[]"


@pytest.mark.parametrize(
    ("command", "unused"),
    [
        ("status", ("store.desk.audit", "store.tables.generated", "store.tables.self_service")),
        ("explain", ("store.desk.audit", "store.events.append", "store.tables.operations", "store.tables.desk")),
    ],
)
def test_a_command_loads_only_the_tables_that_it_reads(command: str, unused: tuple[str, ...]):
    program = f"import sys, cli.commands.{command}; print([name for name in {unused} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_status_is_shown_with_a_broken_file_of_danger_and_nothing_is_decided_with_it(tmp_path: Path):
    # Given a desk whose danger.toml is broken
    file, mail = tmp_path / "channels.toml", tmp_path / "mail.eml"
    text = shipped_file().read_text(encoding="utf-8")
    file.write_text(text.replace("[omniyard]", f'[omniyard]\ndata = "{tmp_path}"', 1), encoding="utf-8")
    mail.write_bytes(b"From: a@example.com\r\nSubject: help\r\n\r\nhelp\r\n")
    assert _run("migrate", "--config", str(file)).exit_code == 0
    (tmp_path / "danger.toml").write_text("[groups")
    # When its state is asked for, and a decision
    shown, decided = _run("status", "--config", str(file)), _run("explain", str(mail), "--config", str(file))
    # Then only the decision needs the words
    assert (shown.exit_code, "The books balance" in shown.output) == (0, True), shown.output
    assert (decided.exit_code, "danger.toml:1" in decided.stderr) == (3, True), decided.output


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PermanentError(), 1),
        (Conflict(), 1),
        (OmniyardError(), 1),
        (ConfigError(), 3),
        (TransientError(), 4),
        (LeaseLost(), 4),  # a kind of TransientError
        (NotFound(), 5),
    ],
)
def test_each_family_of_errors_has_its_exit_code(error: OmniyardError, code: int):
    assert exit_code(error) == code


def _failing(error: Exception) -> typer.Typer:
    failing = typer.Typer(cls=CommandGroup, context_settings={"obj": {"fail": "tests_cli_fail:fail"}})

    def fail() -> None:
        raise error

    module = type(sys)("tests_cli_fail")
    module.fail = fail  # type: ignore[attr-defined]
    sys.modules["tests_cli_fail"] = module

    @failing.callback()
    def root(debug: bool = False) -> None:
        """Take --debug, as `omniyard` does."""

    failing.command("fail")(fail)
    return failing


@pytest.fixture
def failing():
    yield _failing
    sys.modules.pop("tests_cli_fail", None)


def test_our_error_is_one_sentence_without_a_traceback(failing: Callable[[Exception], typer.Typer]):
    result = CliRunner().invoke(failing(TransientError("the database stayed locked")), ["fail"])
    assert (result.exit_code, result.stderr) == (4, "omniyard: the database stayed locked\n")


def test_a_fault_of_ours_says_neither_text_nor_traceback_but_how_to_see_more(
    failing: Callable[[Exception], typer.Typer],
):
    result = CliRunner().invoke(failing(KeyError("a customer's words")), ["fail"])
    assert result.exit_code == 70
    assert result.stderr == "omniyard: a fault of Omniyard's own (KeyError); `omniyard --debug ...` shows where\n"


def test_debug_shows_where_an_error_came_from(failing: Callable[[Exception], typer.Typer]):
    result = CliRunner().invoke(failing(KeyError("here")), ["--debug", "fail"])
    assert isinstance(result.exception, KeyError)


def test_a_wrong_command_is_answered_with_the_nearest_one():
    result = _run("stats")
    assert result.exit_code == 2
    assert "Did you mean 'status'?" in result.output


def test_a_configuration_that_is_not_there_is_exit_code_3(tmp_path: Path):
    result = _run("status", "--config", str(tmp_path / "none.toml"))
    assert result.exit_code == 3
    assert "cannot be read" in result.stderr


def test_the_configuration_may_be_named_before_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # Taken back when the test ends.
    monkeypatch.setenv("OMNIYARD_CONFIG", "other.toml")
    file = str(tmp_path / "mine.toml")
    for words in (("--config", file, "check"), ("-c", file, "check"), ("--config", "other.toml", "check", "-c", file)):
        result = _run(*words)
        assert (result.exit_code, "No such option" in result.output) == (1, False), words
        assert "mine.toml" in result.output, words


def test_parse_prints_one_object_a_line_with_these_fields_first(tmp_path: Path):
    (tmp_path / "a.eml").write_bytes(
        b"From: Li Na <Li@Example.com>\nTo: desk@example.com\nSubject: =?gb2312?B?xOO6ww==?=\n"
        b"Message-ID: <1@example.com>\nIn-Reply-To: <0@example.com>\nDate: Mon, 2 Nov 2026 09:00:00 +0800\n\nhello\n"
    )
    (tmp_path / "b.eml").write_bytes(b"\x00\xff not a mail at all")
    result = _run("parse", "--json", str(tmp_path / "a.eml"), str(tmp_path / "b.eml"))
    assert result.exit_code == 0
    first, second = [json.loads(line) for line in result.stdout.splitlines()]
    assert set(first) >= {
        "file", "subject", "from", "to", "cc", "date", "message_id", "in_reply_to", "references", "text", "quoted",
        "html", "attachments", "origin", "defects",
    }  # fmt: skip
    assert (first["subject"], first["from"], first["origin"]) == ("你好", "li@example.com", "person")
    assert (first["message_id"], first["in_reply_to"]) == ("1@example.com", ["0@example.com"])
    assert first["date"] == "2026-11-02T01:00:00+00:00"
    assert second["defects"]


def test_parse_goes_on_after_a_file_that_is_not_there(tmp_path: Path):
    (tmp_path / "a.eml").write_bytes(b"Subject: here\n\n")
    result = _run("parse", "--json", str(tmp_path / "none.eml"), str(tmp_path), str(tmp_path / "a.eml"))
    assert result.exit_code == 1
    assert [json.loads(line)["subject"] for line in result.stdout.splitlines()] == ["here"]
    assert "none.eml: No such file" in result.stderr
    assert "Is a directory" in result.stderr


def test_parse_reads_a_mail_from_standard_input():
    result = _run("parse", "--json", "-", piped=b"Subject: piped\n\nwords\n")
    assert json.loads(result.stdout)["subject"] == "piped"


def test_parse_shows_people_no_control_characters(tmp_path: Path):
    (tmp_path / "a.eml").write_bytes(b"Subject: =?utf-8?Q?red_=1B[31m?=\n\nbell \x07 \x1b[2J end\n")
    result = _run("parse", str(tmp_path / "a.eml"))
    assert "\x1b" not in result.stdout
    assert "\x07" not in result.stdout


def test_a_text_of_a_closed_pipe_ends_quietly(tmp_path: Path):
    mails = []
    for number in range(200):
        (tmp_path / f"{number}.eml").write_bytes(b"Subject: long\n\n" + b"words " * 2000)
        mails.append(str(tmp_path / f"{number}.eml"))
    with subprocess.Popen(
        [sys.executable, "-m", "cli", "parse", "--json", *mails], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
