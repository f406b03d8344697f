"""The units that `omniyard systemd` writes give a process as little of the machine as it needs."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import application

# systemd's own word for a score under this is "OK".
WORST = 3.0
# Since this version `--offline` judges a file that is not installed.
OLDEST = 250


@pytest.fixture
def units(tmp_path: Path) -> list[Path]:
    result = CliRunner().invoke(application(), ["systemd", str(tmp_path), "--python", "/usr/bin/python3"])
    assert result.exit_code == 0, result.output
    return sorted(tmp_path.glob("*.service"))


def systemd_version() -> int:
    program = shutil.which("systemd-analyze")
    if program is None:
        return 0
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"systemd (\d+)", said)
    return int(found[1]) if found else 0


def test_every_service_is_ok_to_systemd_analyze(units: list[Path]) -> None:
    if (version := systemd_version()) < OLDEST:
        pytest.skip(f"systemd-analyze of version {OLDEST} is needed, here is {version or 'none'}")
    assert len(units) == 3
    for unit in units:
        command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)]
        said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        score = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)
        assert score, said
        assert float(score[1]) < WORST, said


def test_every_service_has_bounds_and_may_still_limit_its_own_children(units: list[Path]) -> None:
    for unit in units:
        text = unit.read_text()
        for line in ("MemoryMax=2G", "TasksMax=256", "UMask=0077", "SystemCallArchitectures=native"):
            assert f"\n{line}\n" in text
        # The process that reads mail calls setrlimit, which is in this group.
        assert [line for line in text.splitlines() if re.match(r"SystemCallFilter=~.*@resources", line)] == []
        # A unit is read by tools of other users; it holds no secret.
        assert stat.S_IMODE(unit.stat().st_mode) == 0o644
