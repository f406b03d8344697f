"""What `make run` does before the desk starts, with a stand-in for the installed program."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_PROGRAM = '#!/bin/sh\necho "$* [$PYTHONDONTWRITEBYTECODE]"\n'


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_a_second_run_installs_nothing_and_keeps_compiled_modules_whatever_the_environment_says(tmp_path: Path):
    # Given an installation that is newer than the lock file, and has no pip
    program = tmp_path / "bin" / "omniyard"
    program.parent.mkdir()
    program.write_text(_PROGRAM)
    program.chmod(0o755)
    (tmp_path / ".made-from-lock").touch()
    # When the desk is started where Python is asked to keep no compiled modules
    ran = subprocess.run(
        ["make", "--no-print-directory", "run", f"VENV={tmp_path}"],
        cwd=_ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "MAKEFLAGS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    # Then only the desk starts, and it keeps them
    assert (ran.stdout, ran.stderr) == ("up []\n", "")
