"""The glossary holds the words that the pages say, in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from api.text.phrases import WORDS

_GLOSSARY = (Path(__file__).parents[3] / "docs" / "glossary.md").read_text(encoding="utf-8")
_CHINESE = set(re.split(r", | or |[|（）]", "|".join(re.findall(r"(?m)^\| [^|]+ \| ([^|]+) \| [^|]+ \|$", _GLOSSARY))))
# Keys of the pages whose Chinese words the glossary must have as they are.
_KEYS = (
    *(
        "inbox",
        "open",
        "pending",
        "snooze",
        "snoozed",
        "do_resolve",
        "resolved",
        "do_reopen",
        "unassigned",
        "take",
        "release",
    ),
    *("assign_to", "emergencies", "emergency", "possible_danger", "confirm_emergency", "release_emergency", "called"),
    *(
        "sla",
        "promises",
        "ninetieth_reply",
        "kept",
        "broken",
        "overdue",
        "held",
        "at_opening",
        "why",
        "step_route",
        "let_in",
    ),
    *("routed", "step_signals", "quarantine", "set", "note", "step_reply", "canned", "supervisor", "no_agent"),
)


def test_what_is_put_aside_has_one_chinese_word() -> None:
    said = {key: chinese for key, (english, chinese) in WORDS.items() if "snooze" in english.casefold()}
    assert len(said) > 5
    assert [key for key, chinese in said.items() if "暂缓" not in chinese] == []


@pytest.mark.parametrize("key", _KEYS)
def test_the_glossary_has_the_words_of_the_pages(key: str) -> None:
    words = {each.strip() for each in _CHINESE}
    assert WORDS[key][1] in words
