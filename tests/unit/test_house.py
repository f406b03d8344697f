"""The limits that keep a stranger from getting lost; `python -m benchmarks.house` prints the figures."""

from __future__ import annotations

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
