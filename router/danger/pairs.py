"""Pairs of meanings: groups of words that tell of a danger when they stand together in one sentence.

The operator's file names groups of words in both languages and says which groups must meet. What softens a pair
(a negation, a question about a feature, something that is solved) is a group of words as well.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from itertools import combinations, pairwise
from operator import or_
from typing import Final, get_args

from router.danger.clauses import CLAUSE, Sentence, comparable, sentences_of, units
from router.danger.finder import EVERY, Hit, WordPatterns, bits_of, compile_patterns
from router.settings.danger_words import KEYWORDS, DangerWords, GroupWords, PairRule, Scope, Softener, Strength

# How far before a word its negation stands: "was not stolen", "没有被盗"; further if its words reach up to it.
_BEFORE: Final[Mapping[Scope, int]] = {"before": 3, "directly": 9}
# A letter or digit that is no Chinese character.
_NOT_HAN: Final = re.compile(r"[^\W\u3400-\u4dbf\u4e00-\u9fff]")
_WORD: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]|[^\s\u3400-\u4dbf\u4e00-\u9fff]+")

Hits = Mapping[str, Sequence[Hit]]


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
class _Place:
    """A sentence, or two as one, in which pairs may meet.

    met, around: masks of its groups, and of its neighbours'.  softeners: of those that stand for all of it.
    """

    sentence: Sentence
    hits: Hits
    met: int
    around: int
    softeners: int


@dataclass(frozen=True, slots=True)
class MeaningPairs:
    """Every group compiled; build with `compile_pairs`.

    rules: every pair.  by_group: the same by the rarest of the groups that must meet, as a bit.
    scopes: where each softener must stand.  softening: the softeners of each scope, which are looked for by themselves.
    unless: a mask of the groups that cancel each softener.  scoped: a mask of the softeners of each scope.
    cut: a mask of those that name the end of a clause, which also is where a part of a line ends.
    keywords: by themselves, for the end of a very long text.
    """

    patterns: WordPatterns
    rules: Mapping[str, _Rule]
    by_group: Mapping[int, Sequence[_Rule]]
    scopes: Mapping[str, Scope]
    softening: Mapping[Scope, WordPatterns]
    unless: Mapping[str, int]
    scoped: Mapping[Scope, int]
    cut: int
    keywords: WordPatterns

    def read(self, text: str) -> tuple[FoundPair, ...]:
        """Return the pairs in a text (subject, line break, body): the clearest finding of each."""
        sentences = sentences_of(text)
        return self.pairs_of(text, sentences, self.met_in(sentences))

    def met_in(self, sentences: Sequence[Sentence]) -> list[int]:
        """Return the groups and softeners in each sentence, as masks."""
        return [self.patterns.mask(one.comparable) for one in sentences]

    def pairs_of(self, text: str, sentences: Sequence[Sentence], met: Sequence[int]) -> tuple[FoundPair, ...]:
        """Return the pairs in a text whose sentences were read already: the clearest finding of each."""
        found = [one for at in range(len(sentences)) for one in self._meetings(sentences, met, at)]
        return self._clearest(found, text, met) if found else ()

    def columns_in(self, met: Sequence[int]) -> list[frozenset[str]]:
        """Return the groups and softeners in each sentence, and which of them meet."""
        return [_columns(frozenset(self.patterns.named(each))) for each in met]

    def keywords_in(self, text: str) -> tuple[str, ...]:
        """Return the keywords of emergencies in a text, whatever stands around them."""
        found = self.keywords.find(comparable(text)).get(KEYWORDS, ())
        return tuple(dict.fromkeys(hit.word for hit in found))

    def _clearest(self, found: Sequence[FoundPair], text: str, met: Sequence[int]) -> tuple[FoundPair, ...]:
        groups = reduce(or_, met)
        whole = tuple(self._allowed(self.softening["text"].names_in(comparable(text)), groups))
        best: dict[str, FoundPair] = {}
        for one in found:
            softened = (*one.softened_by, *(name for name in whole if name not in self.rules[one.pair].rule.keeps))
            known = best.get(one.pair)
            if known is None or len(softened) < len(known.softened_by):
                best[one.pair] = FoundPair(one.pair, one.strength, one.words, one.sentence, softened)
        return tuple(best.values())

    def _meetings(self, sentences: Sequence[Sentence], met: Sequence[int], at: int) -> Iterator[FoundPair]:
        """Yield the pairs whose groups meet in a sentence, or in it and the next one."""
        here = met[at]
        both = here | met[at + 1] if at + 1 < len(met) else here
        possible = self._possible(here, both) if here else []
        if not possible:
            return
        among = reduce(or_, (one.bits for one in possible)) | self.scoped["ahead"]
        around = reduce(or_, (met[other] for other in (at - 1, at + 1) if 0 <= other < len(met)), 0)
        hits = self.patterns.find(sentences[at].comparable, among & here)
        alone = _Place(sentences[at], hits, here, around, self._everywhere(here, around))
        joined: _Place | None = None
        for rule in possible:
            one = self._meeting(rule, alone) if rule.bits & here == rule.bits else None
            if one is None and rule.rule.next_sentence and at + 1 < len(met):
                joined = joined or self._joined(alone, sentences[at + 1], both, among & met[at + 1])
                one = self._meeting(rule, joined)
            if one:
                yield one

    def _possible(self, here: int, both: int) -> list[_Rule]:
        """Return the pairs whose groups stand in a sentence, or in it and the next one. here, both: their groups."""
        near = [
            one
            for bit in bits_of(both)
            for one in self.by_group.get(bit, ())
            if one.bits & (both if one.rule.next_sentence else here) == one.bits
        ]
        return sorted(near, key=lambda one: one.order) if len(near) > 1 else near

    def _joined(self, first: _Place, second: Sentence, met: int, among: int) -> _Place:
        """Return a sentence and the next one as one. The blank between them is shared."""
        offset = len(first.sentence.comparable) - 1
        hits: dict[str, list[Hit]] = {name: list(each) for name, each in first.hits.items()}
        for name, each in self.patterns.find(second.comparable, among).items():
            hits.setdefault(name, []).extend(Hit(hit.start + offset, hit.end + offset, hit.word) for hit in each)
        line = f"{first.sentence.comparable}{second.comparable[1:]}"
        is_question = first.sentence.is_question or second.is_question
        sentence = Sentence(f"{first.sentence.written} {second.written}", line, is_question)
        return _Place(sentence, hits, met, first.around, self._everywhere(met, first.around))

    def _meeting(self, one: _Rule, place: _Place) -> FoundPair | None:
        rule, line = one.rule, place.sentence.comparable
        bits = self.patterns.bits
        met = place.met | place.around
        unless = [group for group in rule.unless if bits.get(group, 0) & met] if one.unless & met else []
        best: FoundPair | None = None
        for chosen in _combinations([place.hits[group] for group in rule.needs], line, within=rule.within):
            kept = (each for each in self._softened(one, place, chosen) if each not in rule.keeps)
            softened = tuple(dict.fromkeys((*unless, *kept)))
            words = tuple(hit.word for hit in chosen)
            found = FoundPair(one.name, rule.strength, words, place.sentence.written, softened)
            best = best or found
            if not softened:
                return found
            if unless or place.softeners & ~one.keeps:
                # The same softens every other finding of the pair here.
                return best
        return best

    def _softened(self, one: _Rule, place: _Place, chosen: Sequence[Hit]) -> Iterator[str]:
        """Yield the softeners of a finding; some that do not apply to the pair may be left out."""
        standing = place.softeners | self._ahead(place, last=max(hit.start for hit in chosen))
        yield from self.patterns.named(standing)
        line = place.sentence.comparable
        may_stand = self._may_stand(place) & ~one.keeps
        scopes = [scope for scope in _BEFORE if self.scoped[scope] & may_stand]
        for words in _before_each(line, chosen) if scopes else ():
            for scope in scopes:
                found = self.softening[scope].names_in(_last_words(words, count=_BEFORE[scope]))
                yield from self._allowed(found, place.met)

    def _may_stand(self, place: _Place) -> int:
        """Return a mask of the softeners that may stand in a part of a line; a part may cut words of mixed scripts."""
        line = place.sentence.comparable
        is_plain = line.isascii() or not _NOT_HAN.search(line)
        are_apart = line.count(CLAUSE) == line.count(f" {CLAUSE} ")
        return place.met | self.cut if is_plain and are_apart else EVERY

    def _ahead(self, place: _Place, *, last: int) -> int:
        """Return a mask of the softeners that stand ahead of the last word of a pair, which begins at `last`."""
        if not place.met & self.scoped["ahead"]:
            return 0
        names = self.patterns.named(place.met & self.scoped["ahead"])
        standing = (name for name in names if any(hit.start < last for hit in place.hits.get(name, ())))
        return _mask(self.patterns.bits, self._allowed(standing, place.met))

    def _everywhere(self, met: int, around: int) -> int:
        """Return a mask of the softeners that do not depend on where the words of a pair stand."""
        standing = (met & self.scoped["sentence"]) | ((met | around) & self.scoped["near"])
        return _mask(self.patterns.bits, self._allowed(self.patterns.named(standing), met)) if standing else 0

    def _allowed(self, names: Iterable[str], met: int) -> Iterator[str]:
        """Yield the softeners that none of the groups cancels."""
        return (name for name in names if not self.unless[name] & met)


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
    return MeaningPairs(
        patterns=patterns,
        rules={one.name: one for one in listed},
        by_group=_by_rarest(listed),
        scopes={name: one.scope for name, one in words.softeners.items()},
        softening={scope: _softening(words, phrases, scope) for scope in get_args(Scope)},
        unless={name: _mask(bits, one.unless) for name, one in words.softeners.items()},
        scoped={
            scope: _mask(bits, [name for name, one in words.softeners.items() if one.scope == scope])
            for scope in get_args(Scope)
        },
        cut=_mask(bits, [name for name in words.softeners if any("." in one.split() for one in phrases[name])]),
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


def _softening(words: DangerWords, phrases: Mapping[str, Sequence[str]], scope: Scope) -> WordPatterns:
    # The words before a group are looked at as a clause that ends where the group begins.
    end = " ." if scope == "directly" else ""
    chosen = [name for name, one in words.softeners.items() if one.scope == scope]
    return compile_patterns({name: [f"{phrase}{end}" for phrase in phrases[name]] for name in chosen})


@lru_cache(maxsize=4096)
def _columns(groups: frozenset[str]) -> frozenset[str]:
    inside = sorted(groups - {KEYWORDS})
    return frozenset(inside).union(f"{first} + {second}" for first, second in combinations(inside, 2))


def _as_phrase(keyword: str) -> str:
    """Return a keyword as a phrase is written; what means something in phrases means nothing in keywords."""
    return comparable(keyword).replace(CLAUSE, " ").strip()


def _combinations(groups: Sequence[Sequence[Hit]], line: str, *, within: int) -> Iterator[tuple[Hit, ...]]:
    """Yield one hit a group, apart from each other, no two neighbours further from each other than `within`."""

    def extend(chosen: tuple[Hit, ...], rest: Sequence[Sequence[Hit]]) -> Iterator[tuple[Hit, ...]]:
        if not rest:
            if _near(chosen, line, within=within):
                yield chosen
            return
        for hit in rest[0]:
            if all(_are_apart(hit, other) for other in chosen):
                yield from extend((*chosen, hit), rest[1:])

    yield from extend((), groups)


def _near(chosen: Sequence[Hit], line: str, *, within: int) -> bool:
    placed = sorted(chosen, key=lambda hit: hit.start)
    # A word has at least one character.
    return all(
        right.start - left.end <= within or units(line[left.end : right.start]) <= within
        for left, right in pairwise(placed)
    )


def _are_apart(one: Hit, other: Hit) -> bool:
    """Tell whether two hits share no word; one may stand in the other's gap."""
    if one.start >= other.end or one.end <= other.start:
        return True
    inner, outer = sorted((one, other), key=lambda hit: hit.end - hit.start)
    return outer.start < inner.start and inner.end < outer.end and " " in outer.word


def _before_each(line: str, chosen: Sequence[Hit]) -> Iterator[str]:
    """Yield what stands before each hit, from the hit before it on: what it negates itself is no negation of it."""
    start = 0
    for hit in sorted(chosen, key=lambda one: one.start):
        yield line[start : hit.start].rsplit(CLAUSE, 1)[-1]
        start = hit.end


def _last_words(clause: str, *, count: int) -> str:
    """Return the last few words, as a clause."""
    words = [found.start() for found in _WORD.finditer(clause)][-count:]
    return f" {clause[words[0] :].strip()} {CLAUSE} " if words else ""
