"""docs/operations.md, "On a server: systemd", followed to the letter from a built wheel to a routed mail."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fresh_machine import APART, guide_commands
from tests.servers.postgres import find_binaries

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can lay fresh folders over a machine's own")
@pytest.mark.skipif(find_binaries() is None, reason="no PostgreSQL: tests/install-machine-parts.sh")
# It starts every process of the desk and its database, after a build of the wheel: minutes on a busy machine.
@pytest.mark.timeout(900)
def test_the_guide_leads_from_a_wheel_to_a_routed_mail(tmp_path: Path) -> None:
    mount = [*APART, "mount", "-t", "tmpfs", "tmpfs", str(tmp_path)]
    tried = subprocess.run(mount, capture_output=True, check=False)
    if tried.returncode or shutil.which("ip") is None:
        pytest.skip("this machine allows no mounts in a namespace of their own, or has no `ip`")
    if subprocess.run(["runuser", "-u", "nobody", "--", "ls", pytest.__file__], check=False, cwd="/").returncode:
        pytest.skip("other users of this machine may not read this environment")
    wheel_folder, scratch = tmp_path / "wheels", tmp_path / "scratch"
    scratch.mkdir()
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", str(wheel_folder), str(ROOT)], check=True, capture_output=True)
    wheel = next(wheel_folder.glob("omniyard-*.whl"))
    runner = [sys.executable, "-m", "tests.fresh_machine", str(wheel), str(scratch)]
    done = subprocess.run([*APART, *runner], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert [row["subject"] for row in result["conversations"]] == ["Refund for order 88412?"]
    assert result["conversations"][0]["category"] == "refund"
    assert result["units"] == ["omniyard-connectors", "omniyard-web", "omniyard-worker"]
    assert result["owners"] == ["omniyard"]


def test_the_guide_names_every_step() -> None:
    commands = "\n".join(guide_commands())
    for step in (
        "useradd",
        "pip install",
        "init /etc/omniyard",
        "createdb",
        "migrate",
        "doctor",
        "agent add",
        "systemd",
    ):
        assert step in commands, step
