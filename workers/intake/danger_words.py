"""A cheap test whether words of danger meet in a sentence: what the pairs of `router.danger` need, in any order.

It finds all that they find, and some more, because it knows neither gaps nor what softens a pair.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from router.danger.clauses import comparable
from router.settings import Settings

_END: Final = re.compile(r"[!?。！？;；…\n]+|\.(?=\s|$)")
_MARK: Final = "||"
_HAN: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
# How many letters of a word's beginning, and Chinese characters, phrases are found by.
_LETTERS: Final = 3
_CHARACTERS: Final = 2
_KEYWORDS: Final = " keywords"

# What else must stand in the sentence: for each place of a phrase the words that may stand there.
_Rest = tuple[tuple[str, ...], ...]


@dataclass(slots=True)
class _Index:
    """Phrases by a part of them. alone: the groups of which it is a whole phrase; more: with the rest of the phrase."""

    alone: dict[str, int] = field(default_factory=dict)
    more: dict[str, list[tuple[int, _Rest]]] = field(default_factory=dict)

    def add(self, key: str, group: int, rest: _Rest) -> None:
        """Add a phrase."""
        if rest:
            self.more.setdefault(key, []).append((group, rest))
        else:
            self.alone[key] = self.alone.get(key, 0) | group

    def find(self, parts: Iterable[str], sentence: str) -> int:
        """Return the groups that stand in a sentence with these parts."""
        found = 0
        for part in parts:
            found |= self.alone.get(part, 0)
            for group, rest in self.more.get(part, ()):
                if not found & group and _stands(rest, sentence):
                    found |= group
        return found


def _stands(rest: _Rest, sentence: str) -> bool:
    for slot in rest:
        for one in slot:
            if one in sentence:
                break
        else:
            return False
    return True


@dataclass(frozen=True, slots=True)
class DangerWords:
    """Groups of words are bits; build with `build_danger_words`.

    needs: the groups that make a pair in one sentence, and whether some may stand in the sentence before.
    """

    words: _Index
    beginnings: _Index
    characters: _Index
    needs: tuple[tuple[int, bool], ...]

    def meet(self, text: str) -> bool:
        """Return whether the words of a pair stand in a sentence of a text."""
        before = 0
        for sentence in comparable(_END.sub(f" {_MARK} ", text)).split(_MARK):
            groups = self._groups(sentence)
            if groups and any(
                needed & groups == needed or (goes_on and needed & (groups | before) == needed)
                for needed, goes_on in self.needs
            ):
                return True
            before = groups
        return False

    def _groups(self, sentence: str) -> int:
        words = set(sentence.split())
        found = self.words.find(words, sentence) | self.beginnings.find({one[:_LETTERS] for one in words}, sentence)
        if sentence.isascii():
            return found
        pairs = {sentence[at : at + _CHARACTERS] for at in range(len(sentence) - 1)}
        return found | self.characters.find(pairs.union(sentence), sentence)


def build_danger_words(settings: Settings) -> DangerWords | None:
    """Compile the words of a desk; None for a desk without a category of emergencies."""
    urgent = [category for category in settings.categories.values() if category.emergency]
    if not urgent:
        return None
    keywords = tuple(comparable(word).strip(" |") for category in urgent for word in category.keywords)
    rules = settings.danger.pairs
    named = sorted({group for rule in rules.values() for group in rule.needs})
    bits = {name: 1 << place for place, name in enumerate([_KEYWORDS, *named])}
    words, beginnings, characters = _Index(), _Index(), _Index()
    for name, bit in bits.items():
        tables = settings.danger.groups
        phrases = keywords if name == _KEYWORDS else (*tables[name].en, *tables[name].zh)
        for phrase in filter(None, phrases):
            index = characters if _HAN.search(phrase) else None
            for key, is_beginning, rest in _entries(phrase):
                (index or (beginnings if is_beginning else words)).add(key, bit, rest)
    needs = [(bits[_KEYWORDS], False)]
    needs += [(sum({bits[name] for name in rule.needs}), rule.next_sentence) for rule in rules.values()]
    return DangerWords(words, beginnings, characters, tuple(needs))


def _entries(phrase: str) -> Iterator[tuple[str, bool, _Rest]]:
    """Yield the keys of a phrase, whether each is the beginning of a word, and what else must stand in the sentence.

    The place with the longest words gives the keys: they are the rarest.
    """
    slots = [slot.split("|") for slot in phrase.split() if slot not in {"...", "."} and "#" not in slot]
    if not slots:
        return
    longest = max(range(len(slots)), key=lambda at: min(map(len, slots[at])))
    is_chinese = _HAN.search(phrase) is not None
    others = tuple(_written(slot, is_chinese) for at, slot in enumerate(slots) if at != longest)
    for word in slots[longest]:
        bare, begins = word.rstrip("*"), word.endswith("*")
        if is_chinese:
            rest = others if len(bare) <= _CHARACTERS else ((bare,), *others)
            yield bare[:_CHARACTERS], False, rest
        elif begins:
            yield bare[:_LETTERS], True, ((f" {bare}",), *others)
        else:
            yield bare, False, others


def _written(slot: list[str], is_chinese: bool) -> tuple[str, ...]:
    if is_chinese:
        return tuple(one.rstrip("*") for one in slot)
    return tuple(f" {one[:-1]}" if one.endswith("*") else f" {one} " for one in slot)
