"""Which agents a note names."""

from __future__ import annotations

import pytest

from router.text.mentions import names_mentioned

NAMES = ("Li", "Li Na", "Lisa", "李娜", "Zhou M.")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("@Li please look", {"Li"}),
        ("@li, and @LISA", {"Li", "Lisa"}),
        # The longer of two names that fit.
        ("@Li Na please", {"Li Na"}),
        ("@Lina", set()),
        # No space follows a Chinese name.
        ("请@李娜请看一下", {"李娜"}),
        ("（@李娜）", {"李娜"}),
        ("ask @Zhou M. today", {"Zhou M."}),
        # An address names no agent.
        ("write to info@Li or x.@Li", set()),
        ("Li should look", set()),
    ],
)
def test_a_name_after_an_at_sign_is_a_mention(text: str, named: set[str]) -> None:
    assert names_mentioned(text, NAMES) == named
