"""`danger.toml`: the shipped file is sound, and an error names file, line, key and what was expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.errors import ConfigError
from router.settings.danger_words import read_danger_words
from router.settings.files import load_danger_words, shipped_file

GROUPS = '[groups.card]\nen = ["card"]\n[softeners.negation]\nen = ["not"]\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[groups.card]\nen = [", "d.toml:2: not valid TOML"),
        ("[groups.card]\nenglish = []", 'd.toml:2: groups.card.english: unknown key; expected "en" or "zh"'),
        ("[group.card]", 'd.toml:1: group: unknown key; did you mean "groups"?'),
        ('[groups.card]\nen = "card"', 'd.toml:2: groups.card.en = "card": expected a list such as ["one", "two"]'),
        ('[groups.card]\nen = ["..."]', 'd.toml:2: groups.card.en: expected words, not "..."'),
        ("[pairs.lost]", "d.toml:1: pairs.lost.needs: missing, but required"),
        (
            GROUPS + '[pairs.a]\nneeds = ["cart"]',
            'd.toml:6: pairs.a.needs[1] = "cart": no group has this name',
        ),
        (GROUPS + '[pairs.a]\nneeds = ["card"]\nkeeps = ["card"]', "d.toml:7: pairs.a.keeps[1]"),
        (
            GROUPS + '[pairs.a]\nneeds = ["card"]\nstrength = "sure"',
            'd.toml:7: pairs.a.strength = "sure": expected "clear"',
        ),
        (
            GROUPS + '[softeners.solved]\nunless = ["cart"]',
            'd.toml:6: softeners.solved.unless[1] = "cart": no group has this name; did you mean "card"?',
        ),
        (GROUPS + "[groups.negation]", "d.toml:5: groups.negation: this name stands for a softener"),
        ("[groups.keywords]", "d.toml:1: groups.keywords: this name stands for the keywords of channels.toml"),
    ],
)
def test_an_error_names_line_key_and_expectation(text, said):
    with pytest.raises(ConfigError) as raised:
        read_danger_words(text, file="d.toml")
    assert said in str(raised.value)


def test_a_desks_own_file_replaces_the_shipped_one(tmp_path: Path):
    shipped = load_danger_words(shipped_file())
    assert load_danger_words(tmp_path / "channels.toml") == shipped
    assert {"clear", "hint"} == {rule.strength for rule in shipped.pairs.values()}
    (tmp_path / "danger.toml").write_text("")
    assert load_danger_words(tmp_path / "channels.toml").pairs == {}
