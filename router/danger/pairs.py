"""Pairs of meanings: groups of words that tell of a danger when they stand together in one sentence.

The operator's file names groups of words in both languages and says which groups must meet. What softens a pair
(a negation, a question about a feature, something that is solved) is a group of words as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, reduce
from itertools import combinations
from operator import or_
from typing import Final, get_args

from router.danger.clauses import CLAUSE, Sentences, comparable, split_sentences
from router.danger.finder import ReadLine, WordPatterns, bits_of, compile_patterns
from router.danger.meetings import CompiledPair, FoundPair, Meetings, Met, PossiblePairs
from router.danger.places import Softening
from router.settings.danger_words import KEYWORDS, DangerWords, GroupWords, PairRule, Scope, Softener, Strength

MEET: Final = " + "
"""Stands between the names of two groups that meet in one sentence."""
_STRENGTHS: Final[Sequence[Strength]] = ("clear", "hint")


@dataclass(frozen=True, slots=True)
class MeaningPairs:
    """Every group compiled; build with `compile_pairs`.

    rules: every pair.  by_group: the same by the rarest of the groups that must meet, as a bit.
    rarest: a mask of those groups.  keywords: by themselves, for the end of a very long text.
    """

    patterns: WordPatterns
    softening: Softening
    rules: Mapping[str, CompiledPair]
    by_group: Mapping[int, Sequence[CompiledPair]]
    rarest: int
    keywords: WordPatterns

    def read(self, text: str) -> tuple[FoundPair, ...]:
        """Return the pairs in a text (subject, line break, body): the clearest finding of each."""
        sentences = split_sentences(text)
        return self.pairs_of(sentences, self.lines_in(sentences))

    def deciding(self, text: str) -> tuple[FoundPair, ...]:
        """Return those of `read` that nothing softens: the clear ones, and hints only where there are none."""
        sentences = split_sentences(text)
        lines = self.lines_in(sentences)
        possible = self._possible_in([line.mask for line in lines])
        for strength in _STRENGTHS if any(possible) else ():
            some = [[one for one in rules if one.rule.strength == strength] for rules in possible]
            if found := self._unsoftened_among(some, sentences, lines):
                return found
        return ()

    def lines_in(self, sentences: Sentences) -> list[ReadLine]:
        """Return the sentences with their groups and softeners."""
        return [self.patterns.read(one.comparable) for one in sentences.all]

    def pairs_of(self, sentences: Sentences, lines: Sequence[ReadLine]) -> tuple[FoundPair, ...]:
        """Return the pairs in a text whose sentences were read already: the clearest finding of each."""
        masks = [line.mask for line in lines]
        possible = self._possible_in(masks)
        if not any(possible):
            return ()
        found = self._meetings(sentences, lines, possible, in_full=True)
        return self._softened([one.pair for one in found.values()], sentences, reduce(or_, masks))

    def unsoftened_of(self, sentences: Sentences, lines: Sequence[ReadLine]) -> tuple[FoundPair, ...]:
        """Return those of `pairs_of` that nothing softens, in its order. What surely is softened is not looked for."""
        return self._unsoftened_among(self._possible_in([line.mask for line in lines]), sentences, lines)

    def _unsoftened_among(
        self, possible: PossiblePairs, sentences: Sentences, lines: Sequence[ReadLine]
    ) -> tuple[FoundPair, ...]:
        if not any(possible):
            return ()
        masks = [line.mask for line in lines]
        free = self._free(possible, masks)
        met = self._meetings(sentences, lines, free, in_full=False)
        clear = {order: one for order, one in met.items() if not one.pair.softened_by}
        if not clear:
            return ()
        found = self._softened(self._in_order(clear, sentences, lines, possible), sentences, reduce(or_, masks))
        return tuple(one for one in found if not one.softened_by)

    def columns_of(self, groups: Iterable[int]) -> frozenset[str]:
        """Return the groups and softeners of a passage, and which of them meet. groups: a mask a sentence."""
        return frozenset[str]().union(*(_columns(frozenset(self.patterns.named(mask))) for mask in groups))

    def keywords_in(self, text: str) -> tuple[str, ...]:
        """Return the keywords of emergencies in a text, whatever stands around them."""
        found = self.keywords.find(self.keywords.read(comparable(text))).get(KEYWORDS, ())
        return tuple(dict.fromkeys(hit.word for hit in found))

    def _softened(self, found: Iterable[FoundPair], sentences: Sentences, met: int) -> tuple[FoundPair, ...]:
        """Return the pairs with what softens them anywhere in the text."""
        whole = self.softening.in_text(lambda: sentences.comparable, met)
        if not whole:
            return tuple(found)
        return tuple(
            replace(one, softened_by=(*one.softened_by, *(name for name in whole if name not in self._keeps(one.pair))))
            for one in found
        )

    def _keeps(self, pair: str) -> Sequence[str]:
        return self.rules[pair].rule.keeps

    def _possible_in(self, masks: Sequence[int]) -> PossiblePairs:
        """Return the pairs whose groups stand in each sentence, or in it and the next one. masks: their groups."""
        nexts = [*masks[1:], 0]
        return [self._possible(here, here | after) if here else [] for here, after in zip(masks, nexts, strict=False)]

    def _possible(self, here: int, both: int) -> list[CompiledPair]:
        """Return the pairs whose groups stand in a sentence, or in it and the next one. here, both: their groups."""
        near = [
            one
            for bit in bits_of(both & self.rarest)
            for one in self.by_group[bit]
            if one.bits & (both if one.rule.next_sentence else here) == one.bits
        ]
        return sorted(near, key=lambda one: one.order) if len(near) > 1 else near

    def _free(self, possible: PossiblePairs, masks: Sequence[int]) -> PossiblePairs:
        """Return those possible pairs that not everything around a sentence softens, wherever their words stand."""
        padded = [0, *masks, 0]
        return [
            [one for one in rules if self._may_be_clear(one, padded[at], padded[at + 1], padded[at + 2])]
            for at, rules in enumerate(possible)
        ]

    def _may_be_clear(self, one: CompiledPair, before: int, here: int, after: int) -> bool:
        """Tell whether a pair may meet unsoftened in a sentence, or in it and the next one."""
        around = before | after
        if one.bits & here == one.bits and not self._always(one, here, around):
            return True
        return one.rule.next_sentence and not self._always(one, here | after, around)

    def _always(self, one: CompiledPair, met: int, around: int) -> int:
        """Return what softens every meeting of a pair in a place."""
        return (one.unless & (met | around)) | (self.softening.everywhere(met, around) & ~one.keeps)

    def _in_order(
        self, clear: Mapping[int, Met], sentences: Sentences, lines: Sequence[ReadLine], possible: PossiblePairs
    ) -> list[FoundPair]:
        """Return pairs in the order in which they first met, softened or not."""
        first = {order: one.at for order, one in clear.items()}
        earlier = [[one for one in rules if at < first.get(one.order, 0)] for at, rules in enumerate(possible)]
        if len(clear) > 1 and any(earlier):
            met = self._meetings(sentences, lines, earlier, in_full=False)
            first |= {order: one.at for order, one in met.items()}
        return [clear[order].pair for order in sorted(clear, key=lambda order: (first[order], order))]

    def _meetings(
        self, sentences: Sentences, lines: Sequence[ReadLine], possible: PossiblePairs, *, in_full: bool
    ) -> dict[int, Met]:
        meetings = Meetings(
            self.patterns, self.softening, sentences=sentences.all, lines=lines, possible=possible, in_full=in_full
        )
        return meetings.find()


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
        CompiledPair(order, name, rule, *(_mask(bits, names) for names in (rule.needs, rule.unless, rule.keeps)))
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


def _by_rarest(rules: Sequence[CompiledPair]) -> dict[int, list[CompiledPair]]:
    """Return the pairs by the one of their groups that the fewest pairs need."""
    needed = Counter(bit for one in rules for bit in bits_of(one.bits))
    found: dict[int, list[CompiledPair]] = {}
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
        beside={name: frozenset(one.beside) for name, one in softeners.items()},
    )


@lru_cache(maxsize=4096)
def _columns(groups: frozenset[str]) -> frozenset[str]:
    inside = sorted(groups - {KEYWORDS})
    return frozenset(inside).union(f"{first}{MEET}{second}" for first, second in combinations(inside, 2))


def _as_phrase(keyword: str) -> str:
    """Return a keyword as a phrase is written; what means something in phrases means nothing in keywords."""
    return comparable(keyword).replace(CLAUSE, " ").strip()
