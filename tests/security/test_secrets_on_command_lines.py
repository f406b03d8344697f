"""No secret stands on a command line: not in our guides, and `--env-file` is the way without."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.env_file import read_env_file
from cli.main import application
from router.errors import ConfigError
from tests.desk import text_in

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# What other users read in the list of processes: assignments before a command that `env` runs, substituted files,
# headers, passwords in addresses, options for secrets; a secret of an image's build is named by its file.
FORBIDDEN = re.compile(
    r"\$\(\s*cat\b|\benv [A-Z_]+=|-H ['\"]Authorization|--(?:password|token|secret|key)[= ](?!id=[\w.]+,src=)\S|\w+://[^\s/:@]+:[^\s/@]+@"
    r"|^[A-Z_]*(?:PASSWORD|TOKEN|SECRET|KEY)=\S+ +\w|\bxargs\b"
)


def commands(page: str) -> list[str]:
    blocks = re.findall(r"(?ms)^```(?:sh|console|bash)?\n(.*?)^```", page)
    return [line.removeprefix("# ").removeprefix("$ ") for block in blocks for line in block.splitlines()]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_our_guides_put_no_secret_on_a_command_line(path: Path) -> None:
    page = path.read_text(encoding="utf-8")
    assert [line for line in commands(page) if FORBIDDEN.search(line)] == []


def written(tmp_path: Path, text: str, *, mode: int = 0o600) -> Path:
    path = tmp_path / "secrets"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


LINES = """
# a comment
; another
PLAIN=p=q#r
 SPACED = two words
SINGLE='a "b" \\c $d'
DOUBLE="a 'b' \\"c\\" \\\\d"
EMPTY=
BARE=a\\b
"""


def test_the_file_is_read_as_systemd_reads_it(tmp_path: Path) -> None:
    assert read_env_file(written(tmp_path, LINES)) == {
        "PLAIN": "p=q#r",
        "SPACED": "two words",
        "SINGLE": 'a "b" \\c $d',
        "DOUBLE": "a 'b' \"c\" \\d",
        "EMPTY": "",
        "BARE": "ab",
    }


@pytest.mark.parametrize("line", ["hunter2pass", "1NAME=hunter2pass", 'NAME="hunter2pass', "NA ME=hunter2pass"])
def test_a_line_that_is_none_is_named_and_not_repeated(tmp_path: Path, line: str) -> None:
    with pytest.raises(ConfigError, match=r"secrets:2") as raised:
        read_env_file(written(tmp_path, f"GOOD=1\n{line}\n"))
    assert "hunter2" not in str(raised.value)
    missing = CliRunner().invoke(application(), ["--env-file", str(tmp_path / "none"), "check"])
    assert missing.exit_code == 3


def test_a_command_gets_its_secrets_and_its_configuration_from_the_file(tmp_path: Path) -> None:
    # Given a configuration with a key that only the file knows, and a file that all may read
    config = tmp_path / "channels.toml"
    config.write_text(text_in(tmp_path / "data").replace("[omniyard]", '[omniyard]\nkey = "env:TEST_DESK_KEY"'))
    secret = "s" * 40
    path = written(tmp_path, f"TEST_DESK_KEY={secret}\nOMNIYARD_CONFIG={config}\n", mode=0o644)
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("OMNIYARD", "TEST_DESK"))}
    command = [sys.executable, "-m", "cli", "--env-file", str(path), "check"]
    # When a command is run without them in its environment
    result = subprocess.run(command, env=bare, capture_output=True, text=True, check=False)
    # Then it finds both, says that the file is open, and shows nothing of it
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{path}: chmod 600" in result.stderr
    assert secret not in result.stdout + result.stderr
    without = subprocess.run(
        [*command[:3], "check", "--config", str(config)], env=bare, capture_output=True, check=False
    )
    assert without.returncode == 1


@pytest.mark.skipif(shutil.which("systemd-run") is None, reason="systemd-run is not installed")
def test_the_guide_names_an_option_that_systemd_run_has() -> None:
    said = subprocess.run(["systemd-run", "--help"], capture_output=True, text=True, check=False).stdout
    for option in ("--pipe", "--uid=", "--property=", "--working-directory="):
        assert option in said
