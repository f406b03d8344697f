"""A crash at any write or commit loses nothing and doubles nothing: drafts, answers, codes, mails, merges, calls."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests import forks
from tests.killed_writes import DEEDS

_SECONDS = 300


@pytest.fixture(scope="module")
def found(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, list[str]]]:
    """What was wrong, by deed, and at how many steps a process was killed."""
    folder = tmp_path_factory.mktemp("killed")
    shutil.copy(migrated_sqlite, folder / "before.db")
    done = forks.run(["-m", "tests.killed_writes", str(folder)], timeout=_SECONDS)
    assert done.returncode == 0, done.stderr
    return {name: (steps, wrong) for name, (steps, wrong) in json.loads(done.stdout.splitlines()[-1]).items()}


@pytest.mark.parametrize("deed", DEEDS)
def test_a_crash_at_any_write_or_commit_loses_and_doubles_nothing(
    found: dict[str, tuple[int, list[str]]], deed: str
) -> None:
    steps, wrong = found[deed]
    assert wrong == []
    assert steps >= 3, "a write, a commit, and what follows"
