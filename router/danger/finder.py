"""Find an operator's phrases in folded sentences, without a try of each phrase or of each group.

What begins at a word is looked up by the word; only the phrases that begin with it are compared, at that place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from router.danger.beginnings import Begun, ChineseBeginnings, LatinBeginnings
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


@dataclass(frozen=True, slots=True)
class WordPatterns:
    """Named groups of phrases; build with `compile_patterns`. A mask has a bit a group, in the order of their names.

    names: in their order.  bits: of the names.  latin: what begins with a word.  chinese: what begins at a character.
    """

    names: tuple[str, ...]
    bits: Mapping[str, int]
    latin: Callable[[str], Begun | None]
    chinese: ChineseBeginnings | None

    def find(self, line: str, among: int = EVERY) -> dict[str, list[Hit]]:
        """Return the hits in a folded sentence. among: a mask of the groups that are looked for."""
        found: dict[str, list[Hit]] = {}
        for places in (self._in_words(line), self._in_characters(line)):
            hits = _apart(places, line, among)
            for bit in sorted(hits):
                found.setdefault(self._name(bit), []).extend(hits[bit])
        return found

    def mask(self, line: str) -> int:
        """Return which groups stand in a line, as a mask."""
        return self._latin_mask(line) | self._chinese_mask(line)

    def names_in(self, line: str) -> tuple[str, ...]:
        """Return which groups stand in a line: first those with Latin words."""
        masks = self._latin_mask(line), self._chinese_mask(line)
        return tuple(dict.fromkeys(name for mask in masks for name in self.named(mask)))

    def named(self, mask: int) -> Iterator[str]:
        """Return the names of a mask's groups, in their order."""
        return map(self._name, bits_of(mask))

    def _name(self, bit: int) -> str:
        return self.names[bit.bit_length() - 1]

    def _latin_mask(self, line: str) -> int:
        words = line.split(" ")
        found, at = 0, len(words[0]) + 1
        open_: list[tuple[int, int, Begun]] = []
        for place, begun in enumerate(map(self.latin, words[1:-1]), start=1):
            end = at + len(words[place])
            if begun is not None:
                found |= begun.sure
                if maybe := begun.maybe | begun.maybe_before.get(words[place + 1][:1], 0):
                    open_.append((end, maybe, begun))
            at = end + 1
        return _with_open(found, line, open_)

    def _chinese_mask(self, line: str) -> int:
        if self.chinese is None or line.isascii():
            return 0
        found = 0
        open_: list[tuple[int, int, Begun]] = []
        for at, begun in self.chinese.places(line):
            found |= begun.sure
            if begun.maybe:
                open_.append((at, begun.maybe, begun))
        return _with_open(found, line, open_)

    def _in_words(self, line: str) -> Iterator[tuple[int, int, Begun]]:
        """Yield where words begin that may begin a phrase, and where their patterns begin."""
        first, *words = line.split(" ")
        at = len(first) + 1
        for word, begun in zip(words[:-1], map(self.latin, words), strict=False):
            if begun is not None:
                yield at, at + len(word), begun
            at += len(word) + 1

    def _in_characters(self, line: str) -> Iterator[tuple[int, int, Begun]]:
        if self.chinese is not None and not line.isascii():
            yield from ((at, at, begun) for at, begun in self.chinese.places(line))


def bits_of(mask: int) -> Iterator[int]:
    """Yield the bits of a mask, the lowest first."""
    while mask:
        bit = mask & -mask
        yield bit
        mask ^= bit


def _with_open(found: int, line: str, open_: Sequence[tuple[int, int, Begun]]) -> int:
    """Add the groups of longer phrases to a mask. open_: where they may stand, those groups, and what begins there."""
    for at, maybe, begun in open_:
        if maybe & ~found and (begun.test is None or begun.test.match(line, at)):
            for bit, pattern in begun.longer:
                if maybe & bit & ~found and pattern.match(line, at):
                    found |= bit
    return found


def _apart(places: Iterator[tuple[int, int, Begun]], line: str, among: int) -> dict[int, list[Hit]]:
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
