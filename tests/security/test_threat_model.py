"""The threat model names its tests, and all of them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_each_test_that_the_page_names_exists_and_each_of_this_folder_is_named() -> None:
    page = (ROOT / "docs/security.md").read_text()
    named = set(re.findall(r"`((?:tests/[\w/]+/)?test_\w+\.py)`", page))
    paths = {name if "/" in name else f"tests/security/{name}" for name in named}
    assert [path for path in sorted(paths) if not (ROOT / path).is_file()] == []
    here = {str(path.relative_to(ROOT)) for path in Path(__file__).parent.rglob("test_*.py")}
    assert here - paths == {f"tests/security/{Path(__file__).name}"}


def test_the_first_page_for_reporters_points_to_it() -> None:
    assert "docs/security.md" in (ROOT / "SECURITY.md").read_text()
