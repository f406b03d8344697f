"""What is shown of the n-grams: whole words of the text, and what overlaps as one."""

from __future__ import annotations

from router.classify.features import grams
from router.classify.prediction import _joined


def test_a_piece_of_words_stands_in_whole_words_and_chinese_in_its_characters():
    found = grams(["my money is gone", "退款没到账"])
    shown = {found.text[slice(*found.span(gram))] for gram in range(len(found.places))}

    latin = {each for each in shown if each.isascii()}
    assert latin == {"my", "money", "is", "gone", "my money", "money is", "is gone"}
    assert {"退款", "款没", "没到", "到账"} <= shown


def test_what_overlaps_is_shown_as_one_in_the_place_of_its_first():
    assert _joined([(9, 12), (0, 2), (1, 3), (11, 14)]) == [(9, 14), (0, 3)]
    # What only touches is two.
    assert _joined([(0, 2), (2, 4)]) == [(0, 2), (2, 4)]
