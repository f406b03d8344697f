"""Find an operator's phrases in folded sentences, without a try of each phrase or of each group.

What begins at a word is looked up by the word; only the phrases that begin with it are compared, at that place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Final, NamedTuple

from router.danger.beginnings import NEXT, Begun, ChineseBeginnings, LatinBeginnings
from router.danger.phrases import read_phrase

# Of so many words it is remembered what begins with them.
_REMEMBERED: Final = 8192
EVERY: Final = -1
"""A mask of all groups."""


class Hit(NamedTuple):
    """Where a phrase stands in a folded sentence."""

    start: int
    end: int
    word: str


class ReadLine(NamedTuple):
    """A folded sentence. words: all of it.  begun: what begins with each, None for nothing.  mask: of its groups.

    characters: where a Chinese phrase may begin, and which.
    """

    text: str
    words: Sequence[str]
    begun: Sequence[Begun | None]
    characters: Sequence[tuple[int, Begun]]
    mask: int

    def places(self) -> list[tuple[int, int, Begun]]:
        """Return where words stand that may begin a phrase, where they end, and which phrases begin with them."""
        ends = accumulate(map(len, self.words))
        each = enumerate(zip(ends, self.words, self.begun, strict=True))
        return [(end - len(word) + at, end + at, begun) for at, (end, word, begun) in each if begun is not None]

    def starts(self, groups: int) -> list[tuple[int, int]]:
        """Return where a phrase of some groups may begin, and a mask of those groups."""
        words = [(start, begun) for start, _, begun in self.places()]
        found = [(start, (begun.sure | begun.groups) & groups) for start, begun in (*words, *self.characters)]
        return [one for one in found if one[1]]


@dataclass(frozen=True, slots=True)
class WordPatterns:
    """Named groups of phrases; build with `compile_patterns`. A mask has a bit a group, in the order of their names.

    names: in their order.  bits: of the names.  latin: what begins with a word.  chinese: what begins at a character.
    """

    names: tuple[str, ...]
    bits: Mapping[str, int]
    latin: Callable[[str], Begun | None]
    chinese: ChineseBeginnings | None

    def read(self, line: str) -> ReadLine:
        """Look for the beginnings of phrases in a folded sentence."""
        words, begun, latin = self._latin(line)
        characters = self._characters(line)
        return ReadLine(
            line, words, begun, characters, latin | _chinese_mask(line, characters) if characters else latin
        )

    def find(self, line: ReadLine, among: int = EVERY) -> dict[str, list[Hit]]:
        """Return the hits in a sentence. among: a mask of the groups that are looked for."""
        found: dict[str, list[Hit]] = {}
        for places in (line.places(), [(at, at, begun) for at, begun in line.characters]):
            hits = _apart(places, line.text, among) if places else {}
            for bit in sorted(hits):
                found.setdefault(self._name(bit), []).extend(hits[bit])
        return found

    def names_in(self, line: str) -> tuple[str, ...]:
        """Return which groups stand in a line: first those with Latin words."""
        latin = self._latin(line)[2]
        chinese = _chinese_mask(line, self._characters(line))
        return (*self.named(latin), *self.named(chinese & ~latin)) if latin | chinese else ()

    def named(self, mask: int) -> Iterator[str]:
        """Return the names of a mask's groups, in their order."""
        return map(self._name, bits_of(mask))

    def _name(self, bit: int) -> str:
        return self.names[bit.bit_length() - 1]

    def _characters(self, line: str) -> Sequence[tuple[int, Begun]]:
        return () if self.chinese is None or line.isascii() else [*self.chinese.places(line)]

    def _latin(self, line: str) -> tuple[list[str], list[Begun | None], int]:
        """Return the words, what begins with them, and a mask of the groups that stand there."""
        words = line.split(" ")
        begun = list(map(self.latin, words))
        # The first and the last one stand outside of the blanks.
        begun[0] = begun[-1] = None
        found = 0
        open_: list[tuple[int, int, Begun]] = []
        for place, one in enumerate(begun):
            if one is not None:
                found |= one.sure
                if one.is_open and (maybe := one.maybe | one.maybe_before.get(words[place + 1][:NEXT], 0)):
                    open_.append((place, maybe, one))
        if open_:
            ends = list(accumulate(map(len, words)))
            for place, maybe, one in open_:
                if maybe & ~found:
                    found |= _standing(one, line, ends[place] + place, maybe & ~found)
        return words, begun, found


def bits_of(mask: int) -> Iterator[int]:
    """Yield the bits of a mask, the lowest first."""
    while mask:
        bit = mask & -mask
        yield bit
        mask ^= bit


def _chinese_mask(line: str, places: Sequence[tuple[int, Begun]]) -> int:
    found = 0
    for _, begun in places:
        found |= begun.sure
    for at, begun in places:
        if begun.maybe & ~found:
            found |= _standing(begun, line, at, begun.maybe & ~found)
    return found


def _standing(begun: Begun, line: str, at: int, maybe: int) -> int:
    """Return those of some groups of which a longer phrase stands at a place."""
    found = 0
    if begun.test is None or begun.test.match(line, at):
        for bit, pattern in begun.longer:
            if maybe & bit and pattern.match(line, at):
                found |= bit
    return found


def _apart(places: Sequence[tuple[int, int, Begun]], line: str, among: int) -> dict[int, list[Hit]]:
    """Return each group's hits, by its bit; one that begins before the last one's end is none."""
    found: dict[int, list[Hit]] = {}

    def add(bit: int, start: int, end: int) -> None:
        known = found.setdefault(bit, [])
        if not known or start >= known[-1].end:
            known.append(Hit(start, end, line[start:end].strip()))

    for start, behind, begun in places:
        if begun.sure & among:
            for bit in begun.whole:
                if bit & among:
                    add(bit, start, behind)
        if begun.groups & among:
            for bit, pattern in begun.longer:
                if bit & among and (match := pattern.match(line, behind)):
                    add(bit, start, match.end())
    return found


def compile_patterns(groups: Mapping[str, Sequence[str]]) -> WordPatterns:
    """Compile name -> phrases. Latin phrases match whole words, Chinese ones anywhere."""
    listed = [(1 << at, read_phrase(one)) for at, phrases in enumerate(groups.values()) for one in phrases]
    known = [(bit, phrase) for bit, phrase in listed if phrase.slots]
    latin = LatinBeginnings([one for one in known if not one[1].is_chinese])
    chinese = [one for one in known if one[1].is_chinese]
    return WordPatterns(
        names=tuple(groups),
        bits={name: 1 << at for at, name in enumerate(groups)},
        latin=lru_cache(_REMEMBERED)(latin.of),
        chinese=ChineseBeginnings(chinese) if chinese else None,
    )
