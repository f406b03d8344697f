"""A cheap test whether words of danger meet in a sentence: what the pairs of `router.danger` need, in any order.

It finds all that they find, and some more, because it knows neither gaps nor what softens a pair.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import add
from typing import Final

from router.danger.clauses import comparable
from router.settings import Settings
from router.text.chinese_script import fold_script
from router.text.plain import fold

_END: Final = re.compile(r"[!?。！？;；…\n]+|\.(?=\s|$)")
_APOSTROPHE: Final = re.compile("[\u2018\u2019\u02bc`\u00b4]")
_NO_WORD: Final = re.compile(r"[^\w|]+")
# Between sentences.
_MARK: Final = "|"
_NEGATED: Final = re.compile(
    r"\b(did|do|does|was|were|is|are|has|have|had|could|would|should|ca|can|wo)(?: ?nt| not)\b"
)
_FULL: Final = {"ca": "can", "wo": "will"}
_HAN: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
# How many Chinese characters phrases are found by.
_CHARACTERS: Final = 2
_KEYWORDS: Final = " keywords"

# What else must stand in the sentence: for each place of a phrase what may stand there.
_Rest = tuple[tuple[str, ...], ...]
# The groups of which something is a whole phrase, and those of which it is a part, with the rest of the phrase.
_Entry = tuple[int, tuple[tuple[int, _Rest], ...]]
_NOTHING: Final[_Entry] = (0, ())
# Most words of most mails are among so many.
_REMEMBERED: Final = 8192


def _sentences(text: str) -> list[str]:
    """Return the sentences as `router.danger.clauses` compares them, but for what only makes fewer pairs."""
    folded = fold(_END.sub(_MARK, text.replace(_MARK, " "))).replace("'", "").replace("\u2019", "")
    if not folded.isascii():
        folded = fold_script(_APOSTROPHE.sub("", folded)).replace("是不是", "是否")
    full = _NEGATED.sub(lambda found: f"{_FULL.get(found[1], found[1])} not", folded).replace("cannot", "can not")
    return _NO_WORD.sub(" ", full).split(_MARK)


@dataclass(frozen=True, slots=True)
class PairWords:
    """Groups of words are bits; build with `build_pair_words`.

    of_word: what a word tells.  of_characters: what one or two Chinese characters tell.
    makes_pair: whether groups make a pair, with those of the sentence before.
    """

    of_word: Callable[[str], _Entry]
    of_characters: Mapping[str, _Entry]
    makes_pair: Callable[[int, int], bool]

    def meet(self, text: str) -> bool:
        """Return whether the words of a pair stand in a sentence of a text."""
        before = 0
        for line in _sentences(text):
            sentence = f" {line} "
            groups = _found(map(self.of_word, sentence.split()), sentence)
            if not sentence.isascii():
                groups |= self._in_characters(sentence)
            if groups and self.makes_pair(groups, before):
                return True
            before = groups
        return False

    def _in_characters(self, sentence: str) -> int:
        parts = {*sentence, *map(add, sentence, sentence[1:])}
        return _found((self.of_characters[part] for part in parts & self.of_characters.keys()), sentence)


def _found(entries: Iterable[_Entry], sentence: str) -> int:
    found = 0
    for whole, more in entries:
        found |= whole
        for group, rest in more:
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


@dataclass(slots=True)
class _Index:
    """Phrases by one of their parts."""

    entries: dict[str, _Entry] = field(default_factory=dict)

    def add(self, key: str, group: int, rest: _Rest) -> None:
        """Add a phrase."""
        whole, more = self.entries.get(key, _NOTHING)
        self.entries[key] = (whole, (*more, (group, rest))) if rest else (whole | group, more)


def build_pair_words(settings: Settings) -> PairWords | None:
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
            for key, is_beginning, rest in _entries(phrase):
                of_words = beginnings if is_beginning else words
                index = characters if _HAN.search(phrase) else of_words
                index.add(key, bit, rest)
    needs = [(bits[_KEYWORDS], False)]
    needs += [(sum({bits[name] for name in rule.needs}), rule.next_sentence) for rule in rules.values()]
    return PairWords(_of_word(words, beginnings), characters.entries, _makes_pair(needs))


def _of_word(words: _Index, beginnings: _Index) -> Callable[[str], _Entry]:
    @lru_cache(maxsize=_REMEMBERED)
    def of_word(word: str) -> _Entry:
        whole, more = words.entries.get(word, _NOTHING)
        for length in range(1, len(word) + 1):
            begun, others = beginnings.entries.get(word[:length], _NOTHING)
            whole, more = whole | begun, (*more, *others)
        return whole, more

    return of_word


def _makes_pair(needs: Sequence[tuple[int, bool]]) -> Callable[[int, int], bool]:
    @lru_cache(maxsize=_REMEMBERED)
    def makes_pair(groups: int, before: int) -> bool:
        return any(
            needed & groups == needed or (goes_on and needed & (groups | before) == needed) for needed, goes_on in needs
        )

    return makes_pair


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
        else:
            yield bare, begins, others


def _written(slot: list[str], is_chinese: bool) -> tuple[str, ...]:
    if is_chinese:
        return tuple(one.rstrip("*") for one in slot)
    return tuple(f" {one[:-1]}" if one.endswith("*") else f" {one} " for one in slot)
