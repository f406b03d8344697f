"""Titles of conversations without a subject."""

from __future__ import annotations

import pytest

from router.text.title import title_of

LONG = "I have been trying to pay my electricity bill since yesterday evening and it fails"


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("My payment failed. Order 123.", "My payment failed."),
        ("你好！我的钱没到账", "你好！"),
        ("hello\nwhere is\tmy refund", "hello where is my refund"),
        (LONG, "I have been trying to pay my electricity bill since…"),
        ("我" * 40, "我" * 30 + "…"),
        ("v1.2 is out", "v1.2 is out"),
        ("\u200b\u202eabc", "abc"),
        ("\u200b \u00a0", ""),
        ("", ""),
        ("👍", "👍"),
        ("a" * 59 + "e\u0301x", "a" * 59 + "…"),
    ],
)
def test_the_first_words_are_the_title(text: str, title: str) -> None:
    assert title_of(text) == title
