"""Help is made without what a command works with, and says the same."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from typer.testing import CliRunner

import cli.main
from cli.main import COMMANDS, application
from cli.quick_help import asks_for_help, asks_for_help_alone

_HEAVY = ("sqlmodel", "sqlalchemy", "pydantic", "numpy", "redis", "fastapi", "structlog", "alembic", "router.settings")
# Each help, then the modules of `_HEAVY` that it loaded.
_SCRIPT = """
import io, os, sys
from contextlib import redirect_stdout
os.environ["COLUMNS"] = "80"
import cli.main
*paths, heavy = (each.split() for each in sys.argv[1:])
for path in paths:
    sys.argv = ["omniyard", *path, "--help"]
    with redirect_stdout(io.StringIO()) as said:
        try:
            cli.main.main()
        except SystemExit:
            pass
    print(repr(said.getvalue()))
print(repr([name for name in heavy if name in sys.modules]))
"""


@pytest.fixture(scope="module")
def paths() -> list[str]:
    groups = {name: getattr(cli.main._load(target), "commands", {}) for name, target, _ in COMMANDS}
    return [
        "",
        *(" ".join(path) for name, nested in groups.items() for path in [(name,), *((name, n) for n in nested)]),
    ]


@pytest.fixture(scope="module")
def quick(paths: list[str]) -> list[str]:
    words = [sys.executable, "-c", _SCRIPT, *paths, " ".join(_HEAVY)]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()


def test_the_help_of_no_command_loads_a_heavy_package(quick: list[str]):
    assert quick[-1] == "[]"


def test_quick_help_says_what_the_command_itself_says(
    paths: list[str], quick: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(cli.main, "asks_for_help", lambda _: False)
    runner = CliRunner(env={"COLUMNS": "80"})
    for path, said in zip(paths, quick, strict=False):
        whole = runner.invoke(application(), [*path.split(), "--help"], prog_name="omniyard").output
        assert whole == ast.literal_eval(said), path


@pytest.mark.parametrize(
    ("words", "is_asked", "is_asked_alone"),
    [
        (["status", "--help"], True, True),
        (["status", "-h"], True, True),
        (["--help"], True, True),
        (["--debug", "status", "--help"], True, False),  # An option of ours is read as ever.
        (["status"], False, False),
        (["status", "--watch"], False, False),
    ],
)
def test_which_words_ask_for_help(words: list[str], is_asked: bool, is_asked_alone: bool):
    assert (asks_for_help(words), asks_for_help_alone(words)) == (is_asked, is_asked_alone)


def test_a_help_that_is_an_options_value_runs_the_command():
    # The option takes the next word, whatever it is.
    script = "import sys; sys.argv = ['omniyard', 'check', '--config', '--help']; import cli.main; cli.main.main()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "Usage" not in done.stdout + done.stderr
    assert (done.returncode, "--help cannot be used here" in done.stdout) == (1, True), done


def test_check_reads_a_configuration_without_loading_what_a_database_needs(tmp_path: Path):
    script = """
        import sys
        sys.argv = ["omniyard", "check"]
        from cli.main import main
        try:
            main()
        except SystemExit as ended:
            print(ended.code, file=sys.stderr)
        print([name for name in ("sqlmodel", "sqlalchemy", "numpy", "redis") if name in sys.modules], file=sys.stderr)
    """
    environment = {**os.environ, "PYTHONPATH": str(Path(cli.main.__file__).parents[1])}
    words = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=tmp_path, env=environment)
    assert done.stderr.splitlines()[-1] == "[]", done.stderr
    assert "is in order" in done.stdout
