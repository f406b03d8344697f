"""Pairs of meanings: groups of words that tell of a danger when they stand together in one sentence.

The operator's file names groups of words in both languages and says which groups must meet. What softens a pair
(a negation, a question about a feature, something that is solved) is a group of words as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, pairwise
from typing import Final, get_args

from router.danger.clauses import CLAUSE, Sentence, comparable, sentences_of, units
from router.danger.phrases import Hit, WordPatterns, compile_patterns
from router.settings.danger_words import KEYWORDS, DangerWords, GroupWords, PairRule, Scope, Softener, Strength

# How far before a word its negation stands: "was not stolen", "没有被盗"; further if its words reach up to it.
_NEGATED_WITHIN: Final = 3
_DENIED_WITHIN: Final = 9
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
class MeaningPairs:
    """Every group compiled; build with `compile_pairs`.

    needs: the groups that must meet, by pair.  scopes: where each softener must stand.
    softening: the softeners of each scope, which are looked for by themselves.  unless: what cancels each softener.
    keywords: by themselves, for the end of a very long text.
    """

    patterns: WordPatterns
    pairs: Mapping[str, PairRule]
    needs: Mapping[str, frozenset[str]]
    scopes: Mapping[str, Scope]
    softening: Mapping[Scope, WordPatterns]
    unless: Mapping[str, frozenset[str]]
    keywords: WordPatterns

    def read(self, text: str) -> tuple[FoundPair, ...]:
        """Return the pairs in a text (subject, line break, body): the clearest finding of each."""
        sentences = sentences_of(text)
        return self.pairs_of(text, sentences, self.hits_of(sentences))

    def hits_of(self, sentences: Sequence[Sentence]) -> list[Hits]:
        """Return the groups and softeners in each sentence."""
        return [self.patterns.find(one.comparable) for one in sentences]

    def pairs_of(self, text: str, sentences: Sequence[Sentence], hits: Sequence[Hits]) -> tuple[FoundPair, ...]:
        """Return the pairs in a text whose sentences were read already: the clearest finding of each."""
        found = [one for at in range(len(sentences)) for one in self._meetings(sentences, hits, at)]
        return self._clearest(found, text, hits) if found else ()

    def keywords_in(self, text: str) -> tuple[str, ...]:
        """Return the keywords of emergencies in a text, whatever stands around them."""
        found = self.keywords.find(comparable(text)).get(KEYWORDS, ())
        return tuple(dict.fromkeys(hit.word for hit in found))

    def _clearest(self, found: Sequence[FoundPair], text: str, hits: Sequence[Hits]) -> tuple[FoundPair, ...]:
        groups = frozenset().union(*hits)
        whole = tuple(self._allowed(self._softening(comparable(text), "text"), groups))
        best: dict[str, FoundPair] = {}
        for one in found:
            softened = (*one.softened_by, *(name for name in whole if name not in self.pairs[one.pair].keeps))
            known = best.get(one.pair)
            if known is None or len(softened) < len(known.softened_by):
                best[one.pair] = FoundPair(one.pair, one.strength, one.words, one.sentence, softened)
        return tuple(best.values())

    def _meetings(self, sentences: Sequence[Sentence], met: Sequence[Hits], at: int) -> Iterator[FoundPair]:
        """Yield the pairs whose groups meet in a sentence, or in it and the next one."""
        if not met[at]:
            return
        around = _around(met, at)
        both = _joined(sentences, met, at) if at + 1 < len(sentences) else None
        for name, needed in self.needs.items():
            one = self._meeting(name, sentences[at], met[at], around=around) if met[at].keys() >= needed else None
            if one is None and both and self.pairs[name].next_sentence and both[1].keys() >= needed:
                one = self._meeting(name, *both, around=around)
            if one:
                yield one

    def _meeting(self, name: str, sentence: Sentence, hits: Hits, *, around: frozenset[str]) -> FoundPair | None:
        rule = self.pairs[name]
        unless = [group for group in rule.unless if group in hits or group in around]
        best: FoundPair | None = None
        for chosen in _combinations([hits[group] for group in rule.needs], sentence.comparable, within=rule.within):
            context = self._softened(sentence.comparable, hits, chosen, around=around)
            kept = (each for each in context if each not in rule.keeps)
            softened = tuple(dict.fromkeys((*unless, *kept)))
            one = FoundPair(name, rule.strength, tuple(hit.word for hit in chosen), sentence.written, softened)
            if not softened:
                return one
            best = best or one
        return best

    def _softened(self, line: str, hits: Hits, chosen: Sequence[Hit], *, around: frozenset[str]) -> Iterator[str]:
        """Yield the softeners of a finding. around: the groups of the sentences before and after."""
        last = max(hit.start for hit in chosen)
        yield from self._allowed((name for name in self.scopes if self._stands(name, hits, around, last=last)), hits)
        for words in _before_each(line, chosen):
            yield from self._allowed(self._softening(_last_words(words, count=_NEGATED_WITHIN), "before"), hits)
            yield from self._allowed(self._softening(_last_words(words, count=_DENIED_WITHIN), "directly"), hits)

    def _stands(self, name: str, hits: Hits, around: frozenset[str], *, last: int) -> bool:
        """Tell whether a softener stands where it must. last: where the last word of the pair begins."""
        match self.scopes[name]:
            case "sentence":
                return name in hits
            case "near":
                return name in hits or name in around
            case "ahead":
                return any(hit.start < last for hit in hits.get(name, ()))
            case _:
                return False

    def _allowed(self, names: Iterable[str], groups: Iterable[str]) -> Iterator[str]:
        """Yield the softeners that none of the groups cancels."""
        return (name for name in names if self.unless[name].isdisjoint(groups))

    def _softening(self, line: str, scope: Scope) -> tuple[str, ...]:
        return self.softening[scope].names_in(line)


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
    return MeaningPairs(
        patterns=compile_patterns(phrases),
        pairs=rules,
        needs={name: frozenset(rule.needs) for name, rule in rules.items()},
        scopes={name: one.scope for name, one in words.softeners.items()},
        softening={scope: _softening(words, phrases, scope) for scope in get_args(Scope)},
        unless={name: frozenset(one.unless) for name, one in words.softeners.items()},
        keywords=compile_patterns({KEYWORDS: plain} if plain else {}),
    )


def _softening(words: DangerWords, phrases: Mapping[str, Sequence[str]], scope: Scope) -> WordPatterns:
    # The words before a group are looked at as a clause that ends where the group begins.
    end = " ." if scope == "directly" else ""
    chosen = [name for name, one in words.softeners.items() if one.scope == scope]
    return compile_patterns({name: [f"{phrase}{end}" for phrase in phrases[name]] for name in chosen})


def columns_of(hits: Sequence[Hits]) -> frozenset[str]:
    """Return the groups and softeners in some sentences, and which of them meet in one sentence."""
    return frozenset().union(*(_columns(frozenset(each)) for each in hits))


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
    return all(units(line[left.end : right.start]) <= within for left, right in pairwise(placed))


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


def _around(met: Sequence[Hits], at: int) -> frozenset[str]:
    """Return the groups of the sentences before and after."""
    return frozenset(name for other in (at - 1, at + 1) if 0 <= other < len(met) for name in met[other])


def _joined(sentences: Sequence[Sentence], met: Sequence[Hits], at: int) -> tuple[Sentence, Hits]:
    """Return a sentence and the next one as one. The blank between them is shared."""
    first, second = sentences[at], sentences[at + 1]
    offset = len(first.comparable) - 1
    hits: dict[str, list[Hit]] = {name: list(each) for name, each in met[at].items()}
    for name, each in met[at + 1].items():
        hits.setdefault(name, []).extend(Hit(hit.start + offset, hit.end + offset, hit.word) for hit in each)
    line = f"{first.comparable}{second.comparable[1:]}"
    return Sentence(f"{first.written} {second.written}", line, first.is_question or second.is_question), hits
