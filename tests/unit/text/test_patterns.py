"""A search at possible starts finds the same matches as a search everywhere."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from router.text.patterns import WordPlaces, matches_at, occurrences

_PATTERN = re.compile(r"(?:ab|abc|ca)c?a{0,2}")


def test_overlapping_words_are_all_found() -> None:
    assert sorted(occurrences("aaa", ["aa", "a"])) == [0, 0, 1, 1, 2]


@given(st.text(alphabet="abc ", max_size=40), st.sets(st.integers(min_value=-3, max_value=45)))
def test_extra_starts_change_nothing(text: str, more: set[int]) -> None:
    starts = {*occurrences(text, ["ab", "ca"]), *more}

    assert [match.span() for match in matches_at(_PATTERN, text, starts)] == [
        match.span() for match in _PATTERN.finditer(text)
    ]


@given(st.text(alphabet="ab.é", max_size=12), st.sets(st.text(alphabet="ab.é", min_size=1, max_size=3)))
def test_a_text_has_any_of_the_words_if_it_has_one_of_them(text: str, words: set[str]) -> None:
    assert WordPlaces(*words).are_in(text) == any(word in text for word in words)
