"""What a reader sees of a text: something, or nothing."""

from __future__ import annotations

import pytest

from router.text.visible import is_visible


# Blanks of any width, joiners and direction marks, marks that combine with nothing, selectors, fillers, tags.
@pytest.mark.parametrize(
    "text",
    [
        "", " \t\r\n", "\u00a0", "\u3000\u2003\u202f", "\u200b\u200c\u200d\u2060\ufeff", "\u200e\u202a\u202c\u2066",
        "\u0301\u0308", " \u20e3", "\ufe0f\U000e0100", "\u00ad", "\u115f\u3164\uffa0", "\u2800", "\ufffc",
        "\U000e0041\U000e007f", "\u180e\u034f", "\u2028\u2029",
    ],
)  # fmt: skip
def test_a_text_of_blanks_and_marks_alone_shows_nothing(text: str) -> None:
    assert not is_visible(text)


@pytest.mark.parametrize("text", ["a", "。", "好", "👍", "1\ufe0f\u20e3", "\u200bok", "e\u0301", "اب", "-", "❤️"])
def test_one_visible_character_is_enough(text: str) -> None:
    assert is_visible(text)
