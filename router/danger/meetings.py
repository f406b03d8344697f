"""Where the groups of a pair meet: the clearest choice of their words in a sentence, or in it and the next one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from operator import or_
from typing import Final, NamedTuple

from router.danger.clauses import Sentence, units
from router.danger.finder import Hit, ReadLine, WordPatterns
from router.danger.places import Place, SentenceHits, Softening
from router.settings.danger_words import PairRule, Strength

# In the place of what softens a pair, where the reader only asks whether anything does.
_SOMETHING: Final = ("something",)


@dataclass(frozen=True, slots=True)
class FoundPair:
    """A pair in a text.

    words: as they stand in the text, folded, in the order of the pair's groups.
    softened_by: groups and softeners that say it is no present danger; empty if nothing does.
    """

    pair: str
    strength: Strength
    words: tuple[str, ...]
    sentence: str
    softened_by: tuple[str, ...]

    @property
    def is_clear(self) -> bool:
        """Whether it tells of a danger by itself."""
        return self.strength == "clear" and not self.softened_by


@dataclass(frozen=True, slots=True)
class CompiledPair:
    """A pair of the operator's file, with its groups as masks.

    bits, unless, keeps: masks of the groups that must meet, of those that explain it, of softeners that do not apply.
    order: its place in the file.
    """

    order: int
    name: str
    rule: PairRule
    bits: int
    unless: int
    keeps: int


class Met(NamedTuple):
    """A pair that was found. at: the first sentence in which it met, softened or not.  pair: its clearest meeting."""

    at: int
    pair: FoundPair


PossiblePairs = Sequence[Sequence[CompiledPair]]
"""For each sentence the pairs whose groups stand there."""


class Meetings:
    """Looks for the clearest meeting of each pair in one text; where words stand is found only when a pair needs it.

    patterns, softening: as the pairs were compiled.  sentences, lines: of the text, in step.
    possible: the pairs that are looked for.
    in_full: whether a pair names everything that softens it, or only whether something does.
    """

    def __init__(
        self,
        patterns: WordPatterns,
        softening: Softening,
        *,
        sentences: Sequence[Sentence],
        lines: Sequence[ReadLine],
        possible: PossiblePairs,
        in_full: bool,
    ) -> None:
        self._patterns = patterns
        self._softening = softening
        self._sentences = sentences
        self._lines = lines
        self._possible = possible
        self._in_full = in_full
        self._masks = [0, *(line.mask for line in lines), 0]
        self._parts: dict[int, SentenceHits] = {}
        self._places: dict[tuple[int, int], Place] = {}
        self._clearest: dict[int, Met] = {}

    def find(self) -> dict[int, Met]:
        """Return the clearest meeting of each pair, by its order, as they first appear."""
        for at in range(len(self._possible)):
            for pair in self._wanted(at):
                self._look(pair, at)
        return self._clearest

    def _wanted(self, at: int) -> list[CompiledPair]:
        """Return the pairs that are looked for in a sentence: not those that were found without a softener."""
        met = self._clearest
        return [pair for pair in self._possible[at] if pair.order not in met or met[pair.order].pair.softened_by]

    def _look(self, pair: CompiledPair, at: int) -> None:
        """Look for a pair in a sentence and, if it is not there and may span two, in it and the next one."""
        known = self._clearest.get(pair.order)
        alone = self._place(at, sentences=1)
        found = self._meeting(pair, alone, known) if pair.bits & alone.met == pair.bits else None
        if found is None and pair.rule.next_sentence and at + 1 < len(self._lines):
            found = self._meeting(pair, self._place(at, sentences=2), known)
        if found:
            self._clearest[pair.order] = Met(known.at if known else at, found)

    def _place(self, at: int, *, sentences: int) -> Place:
        place = self._places.get((at, sentences))
        if place is None:
            parts = [self._part(each) for each in range(at, at + sentences)]
            place = Place(self._softening, parts, around=self._masks[at] | self._masks[at + 2])
            self._places[at, sentences] = place
        return place

    def _part(self, at: int) -> SentenceHits:
        if at not in self._parts:
            self._parts[at] = SentenceHits(self._sentences[at], self._lines[at], look=lambda: self._hits(at))
        return self._parts[at]

    def _hits(self, at: int) -> Mapping[str, Sequence[Hit]]:
        """Return where the words stand that a pair of this sentence, or of the one before, may need here."""
        near = [pair.bits for each in range(max(at - 1, 0), at + 1) for pair in self._wanted(each)]
        among = reduce(or_, near, self._softening.scoped["ahead"] | self._softening.scoped["behind"])
        return self._patterns.find(self._lines[at], among & self._lines[at].mask)

    def _meeting(self, pair: CompiledPair, place: Place, before: Met | None) -> FoundPair | None:
        """Return a pair's clearest meeting: in a place or, if it is as clear, the known one; None if it is not here."""
        known = before.pair if before else None
        rule = pair.rule
        # The same softens every meeting of the pair here.
        always = (pair.unless & (place.met | place.around)) | (place.softeners & ~pair.keeps)
        is_worse = known is not None and always.bit_count() >= len(known.softened_by)
        if is_worse and not rule.next_sentence:
            return known
        best: FoundPair | None = None
        for chosen in _combinations([place.hits(group) for group in rule.needs], place.line, within=rule.within):
            if is_worse:
                return known
            softened = self._softeners(pair, place, chosen) if self._in_full or not always else _SOMETHING
            if best is None or not softened:
                words = tuple(hit.word for hit in chosen)
                best = FoundPair(pair.name, rule.strength, words, place.written, softened)
            if always or not softened:
                break
        is_clearer = best and (known is None or len(best.softened_by) < len(known.softened_by))
        return best if is_clearer else known if best else None

    def _softeners(self, pair: CompiledPair, place: Place, chosen: Sequence[Hit]) -> tuple[str, ...]:
        """Return what softens one meeting of a pair: what explains it, then softeners."""
        rule = pair.rule
        met, bits = place.met | place.around, self._patterns.bits
        unless = [group for group in rule.unless if bits.get(group, 0) & met] if pair.unless & met else []
        standing = place.softened(chosen, rule.needs)
        if not unless and not standing:
            return ()
        return tuple(dict.fromkeys((*unless, *(each for each in standing if each not in rule.keeps))))


def _combinations(groups: Sequence[Sequence[Hit]], line: str, *, within: int) -> Iterator[tuple[Hit, ...]]:
    """Yield one hit a group, apart from each other, no two neighbours further from each other than `within`."""
    chosen: Iterable[tuple[Hit, ...]] = ((hit,) for hit in groups[0])
    for group in groups[1:]:
        chosen = _extended(chosen, group)
    return (each for each in chosen if len(each) == 1 or _near(each, line, within=within))


def _extended(chosen: Iterable[tuple[Hit, ...]], group: Sequence[Hit]) -> Iterator[tuple[Hit, ...]]:
    for some in chosen:
        for hit in group:
            start, end, _ = hit
            for other in some:
                if start < other.end and other.start < end and not _is_inside(hit, other):
                    break
            else:
                yield (*some, hit)


def _near(chosen: Sequence[Hit], line: str, *, within: int) -> bool:
    # A word has at least one character.
    return all(
        right.start - left.end <= within or units(line[left.end : right.start]) <= within
        for left, right in pairwise(sorted(chosen))
    )


def _is_inside(one: Hit, other: Hit) -> bool:
    """Tell whether one of two hits stands in the other's gap."""
    inner, outer = sorted((one, other), key=lambda hit: hit.end - hit.start)
    return outer.start < inner.start and inner.end < outer.end and " " in outer.word
