"""A crash at any write or commit of a merge, a split, their undo or a repair loses and doubles no message or batch."""

from __future__ import annotations

import json
from pathlib import Path

from store.db.engine import Database
from tests import forks
from tests.killed_regroupings import DEEDS

_SECONDS = 300


def test_a_crash_at_any_write_or_commit_of_a_regrouping_changes_nothing_or_is_done(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    database.close()
    done = forks.run(["-m", "tests.killed_regroupings", database_url, str(tmp_path)], timeout=_SECONDS)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert {name: wrong for name, (_, wrong) in found.items()} == {deed.name: [] for deed in DEEDS}
    assert all(found[deed.name][0] >= deed.fewest for deed in DEEDS), found
