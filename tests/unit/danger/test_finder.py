"""The quick finder finds what the plain patterns of the phrases find, in lines made of the phrases themselves."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from router.danger.clauses import CLAUSE, comparable
from router.danger.finder import Hit, compile_patterns
from router.danger.phrases import read_phrase
from router.settings import load_settings
from router.settings.danger_words import GroupWords, Softener

WORDS = load_settings(Path(__file__).parents[3] / "config" / "channels.toml").danger
TABLES: dict[str, GroupWords | Softener] = {**WORDS.groups, **WORDS.softeners}
GROUPS = {name: (*one.en, *one.zh) for name, one in TABLES.items()}
# What the shipped file does not have: a number first, any word, an empty choice, words and characters in one phrase.
ODD = {
    "number": ("#", "# dollars", "# 元", "第 # 笔"),
    "any": ("* card", "lost *", "a|an|| card"),
    "short": ("a* b", "i", "i ... i", "... i", "我 * 你", "不|不是 ... 我|我的"),
    "clause": ("not .", ". not", "没 .", ". 没"),
    "mixed": ("app 被|给 盗", "卡 card", "card 卡*"),
}


def plainly(phrases: Sequence[str]) -> list[re.Pattern[str]]:
    """Return the two patterns of a group: one with each Latin phrase, one with each Chinese phrase, in their order."""
    read = [read_phrase(one) for one in phrases]
    latin, chinese = ([one.whole for one in read if one.is_chinese == wanted] for wanted in (False, True))
    whole = [rf"(?<= )(?:{'|'.join(latin)})(?= )"] if latin else []
    return [re.compile(one) for one in [*whole, *(["|".join(chinese)] if chinese else [])]]


def lines_of(groups: dict[str, tuple[str, ...]], *, count: int, seed: int) -> list[str]:
    """Return lines of the words of phrases: in order with others between them, out of order, run together, cut off."""
    chance = random.Random(seed)
    phrases = [phrase for each in groups.values() for phrase in each]
    return [_line(phrases, chance) for _ in range(count)]


def _line(phrases: Sequence[str], chance: random.Random) -> str:
    words: list[str] = []
    for phrase in chance.choices(phrases, k=chance.randint(1, 5)):
        words += _words(phrase, chance)
        words += chance.choices(["", "not", CLAUSE, "的", "card", "12", "没有", f"x{CLAUSE}not", "1.5usd"], k=2)
    if chance.random() < 0.2:
        chance.shuffle(words)
    joint = chance.choice([" ", " ", ""])
    return f" {joint.join(words)} {CLAUSE} " if chance.random() < 0.8 else comparable(joint.join(words))


def _words(phrase: str, chance: random.Random) -> list[str]:
    words: list[str] = []
    for slot in phrase.split():
        if slot == "...":
            words += chance.choices(["so", "the", "not", "了", "一个", CLAUSE, ""], k=chance.randint(0, 4))
            continue
        word = CLAUSE if slot == "." else chance.choice(slot.split("|"))
        ending = chance.choice(["", "ed", "s", "了", f"{CLAUSE}s"]) if word.endswith("*") else ""
        words.append("27" if word == "#" else word.rstrip("*") + ending)
    return words[: chance.randint(1, 9)]


@pytest.mark.parametrize(("groups", "count"), [(GROUPS, 300), (ODD, 1_500)], ids=["shipped", "odd"])
def test_the_quick_finder_finds_what_the_plain_patterns_find(groups: dict[str, tuple[str, ...]], count: int) -> None:
    quick = compile_patterns(groups)
    plain = {name: plainly(phrases) for name, phrases in groups.items()}
    for line in lines_of(groups, count=count, seed=19):
        found = {
            name: [Hit(*match.span(), match[0].strip()) for pattern in patterns for match in pattern.finditer(line)]
            for name, patterns in plain.items()
        }
        expected = {name: hits for name, hits in found.items() if hits}
        read = quick.read(line)
        assert quick.find(read) == expected, line
        assert {*quick.names_in(line)} == {*quick.named(read.mask)} == expected.keys(), line
        among = sum(quick.bits[name] for name in [*groups][::2])
        assert quick.find(read, among) == {name: expected[name] for name in [*groups][::2] if name in expected}, line
