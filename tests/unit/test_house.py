"""The limits that keep a stranger from getting lost; `python -m benchmarks.house` prints the figures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile

import pytest

from benchmarks.house import ROOT, SHARED_NAMES, Counts, count


@pytest.fixture(scope="module")
def counts() -> Counts:
    return count(ROOT)


def test_no_folder_holds_more_than_twenty_modules_and_no_module_more_than_400_lines(counts: Counts) -> None:
    assert int(counts.largest_folder.partition(": ")[2]) <= 20, counts.largest_folder
    assert int(counts.longest_module.partition(": ")[2]) <= 400, counts.longest_module


def test_no_file_is_named_by_a_gerund(counts: Counts) -> None:
    assert counts.gerund_names == []


def test_a_file_name_in_several_folders_means_one_noun(counts: Counts) -> None:
    assert counts.unexplained_names == []
    assert sorted(SHARED_NAMES.keys() - counts.names_in_several_folders.keys()) == [], "stands in one folder only"


def test_no_public_class_name_is_defined_twice(counts: Counts) -> None:
    assert counts.classes_defined_twice == {}


def test_only_the_registry_asks_which_kind_a_channel_is(counts: Counts) -> None:
    assert counts.kind_tests == []


def test_comments_messages_and_docs_are_in_plain_english(counts: Counts) -> None:
    assert counts.archaic_words_per_1000_lines < 1


ROOMS = ("router", "connectors", "store", "workers", "api", "cli", "benchmarks", "tests")
# A file as `store/desk/notices.py`; a module or a name in it as `workers.sending.deliver.Deliverer`.
NAMED = re.compile(rf"`((?:{'|'.join(ROOMS)})(?:/[\w/]+\.py|(?:\.\w+)+))`")


def missing_names() -> Iterator[str]:
    for path in (path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        for named in NAMED.findall(path.read_text(encoding="utf-8")):
            if not stands(named):
                yield f"{path.relative_to(ROOT)}: {named}"


def stands(named: str) -> bool:
    if "/" in named:
        return (ROOT / named).is_file()
    parts = named.split(".")
    folders = list(takewhile(lambda size: ROOT.joinpath(*parts[:size]).is_dir(), range(1, len(parts) + 1)))
    folder, rest = ROOT.joinpath(*parts[: len(folders)]), parts[len(folders) :]
    if not rest:
        return True
    module = folder / f"{rest[0]}.py"
    if not module.is_file():
        return len(rest) == 1 and re.search(rf"\b{rest[0]}\b", (folder / "__init__.py").read_text()) is not None
    return all(re.search(rf"\b{name}\b", module.read_text(encoding="utf-8")) for name in rest[1:])


def test_each_file_and_name_that_a_comment_points_to_exists() -> None:
    assert sorted(missing_names()) == []


def test_no_test_takes_from_another_what_both_share() -> None:
    shared = re.compile(r"^from (tests\.[\w.]*\btest_\w+) import", re.MULTILINE)
    found = {path: shared.findall(path.read_text(encoding="utf-8")) for path in (ROOT / "tests").rglob("*.py")}
    assert {str(path.relative_to(ROOT)): names for path, names in found.items() if names} == {}
