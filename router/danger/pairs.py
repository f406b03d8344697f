"""Pairs of meanings: groups of words that tell of a danger when they stand together in one sentence.

The operator's file names groups of words in both languages and says which groups must meet. What softens a pair
(a negation, a question about a feature, something that is solved) is a group of words as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, reduce
from itertools import combinations, pairwise
from operator import or_
from typing import Final, get_args

from router.danger.clauses import CLAUSE, Sentence, Sentences, comparable, split_sentences, units
from router.danger.finder import Hit, ReadLine, WordPatterns, bits_of, compile_patterns
from router.danger.places import Place, SentenceHits, Softening
from router.settings.danger_words import KEYWORDS, DangerWords, GroupWords, PairRule, Scope, Softener, Strength

MEET: Final = " + "
"""Stands between the names of two groups that meet in one sentence."""


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
class _Rule:
    """A pair of the file.

    bits, unless, keeps: masks of the groups that must meet, of those that explain it, of softeners that do not apply.
    order: its place in the file.
    """

    order: int
    name: str
    rule: PairRule
    bits: int
    unless: int
    keeps: int


@dataclass(frozen=True, slots=True)
class MeaningPairs:
    """Every group compiled; build with `compile_pairs`.

    rules: every pair.  by_group: the same by the rarest of the groups that must meet, as a bit.
    rarest: a mask of those groups.  keywords: by themselves, for the end of a very long text.
    """

    patterns: WordPatterns
    softening: Softening
    rules: Mapping[str, _Rule]
    by_group: Mapping[int, Sequence[_Rule]]
    rarest: int
    keywords: WordPatterns

    def read(self, text: str) -> tuple[FoundPair, ...]:
        """Return the pairs in a text (subject, line break, body): the clearest finding of each."""
        sentences = split_sentences(text)
        return self.pairs_of(sentences, self.lines_in(sentences))

    def lines_in(self, sentences: Sentences) -> list[ReadLine]:
        """Return the sentences with their groups and softeners."""
        return [self.patterns.read(one.comparable) for one in sentences.all]

    def pairs_of(self, sentences: Sentences, lines: Sequence[ReadLine]) -> tuple[FoundPair, ...]:
        """Return the pairs in a text whose sentences were read already: the clearest finding of each."""
        masks = [line.mask for line in lines]
        nexts = [*masks[1:], 0]
        possible = [
            self._possible(here, here | after) if here else [] for here, after in zip(masks, nexts, strict=False)
        ]
        if not any(possible):
            return ()
        found = [*self._meetings(sentences.all, lines, possible)]
        return self._clearest(found, sentences, reduce(or_, masks)) if found else ()

    def columns_of(self, groups: Iterable[int]) -> frozenset[str]:
        """Return the groups and softeners of a passage, and which of them meet. groups: a mask a sentence."""
        return frozenset[str]().union(*(_columns(frozenset(self.patterns.named(mask))) for mask in groups))

    def keywords_in(self, text: str) -> tuple[str, ...]:
        """Return the keywords of emergencies in a text, whatever stands around them."""
        found = self.keywords.find(self.keywords.read(comparable(text))).get(KEYWORDS, ())
        return tuple(dict.fromkeys(hit.word for hit in found))

    def _clearest(self, found: Sequence[FoundPair], sentences: Sentences, met: int) -> tuple[FoundPair, ...]:
        whole = self.softening.in_text(lambda: sentences.comparable, met)
        best: dict[str, FoundPair] = {}
        for one in found:
            softened = (*one.softened_by, *(name for name in whole if name not in self.rules[one.pair].rule.keeps))
            known = best.get(one.pair)
            if known is None or len(softened) < len(known.softened_by):
                best[one.pair] = replace(one, softened_by=softened) if whole else one
        return tuple(best.values())

    def _possible(self, here: int, both: int) -> list[_Rule]:
        """Return the pairs whose groups stand in a sentence, or in it and the next one. here, both: their groups."""
        near = [
            one
            for bit in bits_of(both & self.rarest)
            for one in self.by_group[bit]
            if one.bits & (both if one.rule.next_sentence else here) == one.bits
        ]
        return sorted(near, key=lambda one: one.order) if len(near) > 1 else near

    def _meetings(
        self, sentences: Sequence[Sentence], lines: Sequence[ReadLine], possible: Sequence[Sequence[_Rule]]
    ) -> Iterator[FoundPair]:
        """Yield the pairs whose groups meet in a sentence, or in it and the next one. possible: for each sentence."""
        parts: dict[int, SentenceHits] = {}

        def part(at: int) -> SentenceHits:
            if at not in parts:
                wanted = [one.bits for near in possible[max(at - 1, 0) : at + 1] for one in near]
                among = reduce(or_, wanted) | self.softening.scoped["ahead"]
                hits = self.patterns.find(lines[at], among & lines[at].mask)
                parts[at] = SentenceHits(sentences[at], lines[at], hits)
            return parts[at]

        for at, rules in enumerate(possible):
            if not rules:
                continue
            around = reduce(or_, (lines[other].mask for other in (at - 1, at + 1) if 0 <= other < len(lines)), 0)
            alone = Place(self.softening, [part(at)], around=around)
            joined: Place | None = None
            for rule in rules:
                one = self._meeting(rule, alone) if rule.bits & alone.met == rule.bits else None
                if one is None and rule.rule.next_sentence and at + 1 < len(lines):
                    joined = joined or _joined(alone, part(at), part(at + 1))
                    one = self._meeting(rule, joined)
                if one:
                    yield one

    def _meeting(self, one: _Rule, place: Place) -> FoundPair | None:
        rule = one.rule
        met = place.met | place.around
        bits = self.patterns.bits
        unless = [group for group in rule.unless if bits.get(group, 0) & met] if one.unless & met else []
        best: FoundPair | None = None
        for chosen in _combinations([place.hits(group) for group in rule.needs], place.line, within=rule.within):
            softened = (*unless, *(each for each in place.softened(chosen) if each not in rule.keeps))
            if best is None or not softened:
                words = tuple(hit.word for hit in chosen)
                found = FoundPair(one.name, rule.strength, words, place.written, tuple(dict.fromkeys(softened)))
                if not softened:
                    return found
                best = found
            if unless or place.softeners & ~one.keeps:
                # The same softens every other finding of the pair here.
                return best
        return best


def compile_pairs(words: DangerWords, *, keywords: Sequence[str] = ()) -> MeaningPairs:
    """Compile what `danger.toml` says.

    keywords: of emergency categories; each is a clear pair by itself, as softeners allow.
    """
    tables: dict[str, GroupWords | Softener] = {**words.groups, **words.softeners}
    phrases = {name: (*one.en, *one.zh) for name, one in tables.items()}
    plain = tuple(dict.fromkeys(filter(None, map(_as_phrase, keywords))))
    rules = dict(words.pairs)
    if plain:
        phrases[KEYWORDS] = plain
        # The keywords first: they are the evidence that an operator recognises.
        rules = {KEYWORDS: PairRule(needs=(KEYWORDS,)), **rules}
    patterns = compile_patterns(phrases)
    bits = patterns.bits
    listed = [
        _Rule(order, name, rule, *(_mask(bits, names) for names in (rule.needs, rule.unless, rule.keeps)))
        for order, (name, rule) in enumerate(rules.items())
        if bits.keys() >= {*rule.needs}
    ]
    by_group = _by_rarest(listed)
    return MeaningPairs(
        patterns=patterns,
        softening=_compile_softening(words.softeners, phrases, patterns),
        rules={one.name: one for one in listed},
        by_group=by_group,
        rarest=reduce(or_, by_group, 0),
        keywords=compile_patterns({KEYWORDS: plain} if plain else {}),
    )


def _by_rarest(rules: Sequence[_Rule]) -> dict[int, list[_Rule]]:
    """Return the pairs by the one of their groups that the fewest pairs need."""
    needed = Counter(bit for one in rules for bit in bits_of(one.bits))
    found: dict[int, list[_Rule]] = {}
    for one in rules:
        found.setdefault(min(bits_of(one.bits), key=lambda bit: needed[bit]), []).append(one)
    return found


def _mask(bits: Mapping[str, int], names: Iterable[str]) -> int:
    return reduce(or_, (bits.get(name, 0) for name in names), 0)


def _compile_softening(
    softeners: Mapping[str, Softener], phrases: Mapping[str, Sequence[str]], patterns: WordPatterns
) -> Softening:
    bits = patterns.bits
    by_scope = {scope: [name for name, one in softeners.items() if one.scope == scope] for scope in get_args(Scope)}
    return Softening(
        patterns=patterns,
        # The words before a group are looked at as a clause that ends where the group begins.
        by_scope={
            scope: compile_patterns(
                {name: [f"{phrase} ." if scope == "directly" else phrase for phrase in phrases[name]] for name in names}
            )
            for scope, names in by_scope.items()
        },
        unless={name: _mask(bits, one.unless) for name, one in softeners.items()},
        scoped={scope: _mask(bits, names) for scope, names in by_scope.items()},
        cut=_mask(bits, [name for name in softeners if any("." in one.split() for one in phrases[name])]),
    )


def _joined(alone: Place, first: SentenceHits, second: SentenceHits) -> Place:
    """Return a sentence and the next one as one. The blank between them is shared."""
    parts = [first, replace(second, offset=len(first.line.text) - 1)]
    return Place(alone.softening, parts, around=alone.around)


@lru_cache(maxsize=4096)
def _columns(groups: frozenset[str]) -> frozenset[str]:
    inside = sorted(groups - {KEYWORDS})
    return frozenset(inside).union(f"{first}{MEET}{second}" for first, second in combinations(inside, 2))


def _as_phrase(keyword: str) -> str:
    """Return a keyword as a phrase is written; what means something in phrases means nothing in keywords."""
    return comparable(keyword).replace(CLAUSE, " ").strip()


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
