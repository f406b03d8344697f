"""Blanks around what a phrase is filled with."""

from __future__ import annotations

import pytest

from api.text.blanks import fill
from api.text.phrases import Words


@pytest.mark.parametrize(
    ("phrase", "values", "filled"),
    [
        ("在 {channel} 上回复", {"channel": "微信"}, "在微信上回复"),
        ("在 {channel} 上回复", {"channel": "X"}, "在 X 上回复"),
        # Each side by itself.
        ("在 {channel} 上回复", {"channel": "X 私信"}, "在 X 私信上回复"),
        ("在 {channel} 上回复", {"channel": "微信 2"}, "在微信 2 上回复"),
        # A blank of the value is the value's.
        ("由 {name} 处理", {"name": "王 芳"}, "由王 芳处理"),
        # Figures and moments keep theirs.
        ("共 {count} 条", {"count": 3}, "共 3 条"),
        ("{at} 首次联系", {"at": "12月1日 周二"}, "12月1日 周二 首次联系"),
        ("{name} is typing", {"name": "王芳"}, "王芳 is typing"),
    ],
)
def test_no_blank_stands_between_two_chinese_letters(phrase: str, values: dict[str, object], filled: str) -> None:
    assert fill(phrase, values) == filled


def test_a_phrase_of_the_desk_names_a_chinese_channel_without_blanks() -> None:
    assert Words("zh")("brake_held", channel="客服邮箱", held=88) == "24 小时内客服邮箱有 88 条自动回复被拦下。"
