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
from typing import Final, NamedTuple, get_args

from router.danger.clauses import CLAUSE, Sentence, Sentences, comparable, split_sentences, units
from router.danger.finder import Hit, ReadLine, WordPatterns, bits_of, compile_patterns
from router.danger.places import Place, SentenceHits, Softening
from router.settings.danger_words import KEYWORDS, DangerWords, GroupWords, PairRule, Scope, Softener, Strength

MEET: Final = " + "
"""Stands between the names of two groups that meet in one sentence."""

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


class _Search(NamedTuple):
    """A pair that is looked for. known: the clearest meeting so far.  in_full: see `MeaningPairs._meetings`."""

    rule: _Rule
    known: FoundPair | None
    in_full: bool


class _Met(NamedTuple):
    """A pair that was found. at: the first sentence in which it met, softened or not.  pair: its clearest meeting."""

    at: int
    pair: FoundPair


# For each sentence the pairs whose groups stand there.
_Possible = Sequence[Sequence[_Rule]]


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

    def unsoftened(self, text: str) -> tuple[FoundPair, ...]:
        """Return those of `read` that nothing softens: what softens the others is not looked for in full."""
        sentences = split_sentences(text)
        return self.unsoftened_of(sentences, self.lines_in(sentences))

    def lines_in(self, sentences: Sentences) -> list[ReadLine]:
        """Return the sentences with their groups and softeners."""
        return [self.patterns.read(one.comparable) for one in sentences.all]

    def pairs_of(self, sentences: Sentences, lines: Sequence[ReadLine]) -> tuple[FoundPair, ...]:
        """Return the pairs in a text whose sentences were read already: the clearest finding of each."""
        masks = [line.mask for line in lines]
        possible = self._possible_in(masks)
        if not any(possible):
            return ()
        found = self._meetings(sentences.all, lines, possible, in_full=True)
        return self._softened([one.pair for one in found.values()], sentences, reduce(or_, masks))

    def unsoftened_of(self, sentences: Sentences, lines: Sequence[ReadLine]) -> tuple[FoundPair, ...]:
        """Return those of `pairs_of` that nothing softens, in its order. What surely is softened is not looked for."""
        masks = [line.mask for line in lines]
        possible = self._possible_in(masks)
        if not any(possible):
            return ()
        free = self._free(possible, masks)
        met = self._meetings(sentences.all, lines, free, in_full=False)
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

    def _possible_in(self, masks: Sequence[int]) -> _Possible:
        """Return the pairs whose groups stand in each sentence, or in it and the next one. masks: their groups."""
        nexts = [*masks[1:], 0]
        return [self._possible(here, here | after) if here else [] for here, after in zip(masks, nexts, strict=False)]

    def _possible(self, here: int, both: int) -> list[_Rule]:
        """Return the pairs whose groups stand in a sentence, or in it and the next one. here, both: their groups."""
        near = [
            one
            for bit in bits_of(both & self.rarest)
            for one in self.by_group[bit]
            if one.bits & (both if one.rule.next_sentence else here) == one.bits
        ]
        return sorted(near, key=lambda one: one.order) if len(near) > 1 else near

    def _free(self, possible: _Possible, masks: Sequence[int]) -> _Possible:
        """Return those possible pairs that not everything around a sentence softens, wherever their words stand."""
        padded = [0, *masks, 0]
        return [
            [one for one in rules if self._may_be_clear(one, padded[at], padded[at + 1], padded[at + 2])]
            for at, rules in enumerate(possible)
        ]

    def _may_be_clear(self, one: _Rule, before: int, here: int, after: int) -> bool:
        """Tell whether a pair may meet unsoftened in a sentence, or in it and the next one."""
        around = before | after
        if one.bits & here == one.bits and not self._always(one, here, around):
            return True
        return one.rule.next_sentence and not self._always(one, here | after, around)

    def _always(self, one: _Rule, met: int, around: int) -> int:
        """Return what softens every meeting of a pair in a place."""
        return (one.unless & (met | around)) | (self.softening.everywhere(met, around) & ~one.keeps)

    def _in_order(
        self, clear: Mapping[int, _Met], sentences: Sentences, lines: Sequence[ReadLine], possible: _Possible
    ) -> list[FoundPair]:
        """Return pairs in the order in which they first met, softened or not."""
        first = {order: one.at for order, one in clear.items()}
        earlier = [[one for one in rules if at < first.get(one.order, 0)] for at, rules in enumerate(possible)]
        if len(clear) > 1 and any(earlier):
            met = self._meetings(sentences.all, lines, earlier, in_full=False)
            first |= {order: one.at for order, one in met.items()}
        return [clear[order].pair for order in sorted(clear, key=lambda order: (first[order], order))]

    def _meetings(
        self,
        sentences: Sequence[Sentence],
        lines: Sequence[ReadLine],
        possible: _Possible,
        *,
        in_full: bool,
    ) -> dict[int, _Met]:
        """Return the clearest meeting of each pair, in a sentence or in it and the next one, as they first appear.

        possible: for each sentence. What was found without a softener is not looked for again.
        in_full: whether a pair names everything that softens it, or only whether something does.
        """
        parts: dict[int, SentenceHits] = {}
        clearest: dict[int, _Met] = {}

        def wanted(at: int) -> list[_Rule]:
            return [one for one in possible[at] if (met := clearest.get(one.order)) is None or met.pair.softened_by]

        def look(at: int) -> Mapping[str, Sequence[Hit]]:
            near = [one.bits for each in range(max(at - 1, 0), at + 1) for one in wanted(each)]
            among = reduce(or_, near, self.softening.scoped["ahead"] | self.softening.scoped["behind"])
            return self.patterns.find(lines[at], among & lines[at].mask)

        def part(at: int) -> SentenceHits:
            if at not in parts:
                parts[at] = SentenceHits(sentences[at], lines[at], look=lambda: look(at))
            return parts[at]

        masks = [0, *(line.mask for line in lines), 0]
        for at in range(len(possible)):
            if not (rules := wanted(at)):
                continue
            around = masks[at] | masks[at + 2]
            alone = Place(self.softening, [part(at)], around=around)
            joined: Place | None = None
            for rule in rules:
                known = clearest.get(rule.order)
                search = _Search(rule, known.pair if known else None, in_full)
                one = self._meeting(search, alone) if rule.bits & alone.met == rule.bits else None
                if one is None and rule.rule.next_sentence and at + 1 < len(lines):
                    joined = joined or Place(self.softening, [part(at), part(at + 1)], around=around)
                    one = self._meeting(search, joined)
                if one:
                    clearest[rule.order] = _Met(known.at if known else at, one)
        return clearest

    def _meeting(self, search: _Search, place: Place) -> FoundPair | None:
        """Return a pair's clearest meeting: in a place or, if it is as clear, the known one; None if it is not here."""
        one, known = search.rule, search.known
        rule = one.rule
        # The same softens every meeting of the pair here.
        always = (one.unless & (place.met | place.around)) | (place.softeners & ~one.keeps)
        is_worse = known is not None and always.bit_count() >= len(known.softened_by)
        if is_worse and not rule.next_sentence:
            return known
        best: FoundPair | None = None
        for chosen in _combinations([place.hits(group) for group in rule.needs], place.line, within=rule.within):
            if is_worse:
                return known
            softened = self._softeners(one, place, chosen) if search.in_full or not always else _SOMETHING
            if best is None or not softened:
                words = tuple(hit.word for hit in chosen)
                best = FoundPair(one.name, rule.strength, words, place.written, softened)
            if always or not softened:
                break
        is_clearer = best and (known is None or len(best.softened_by) < len(known.softened_by))
        return best if is_clearer else known if best else None

    def _softeners(self, one: _Rule, place: Place, chosen: Sequence[Hit]) -> tuple[str, ...]:
        """Return what softens one meeting of a pair: what explains it, then softeners."""
        met, bits = place.met | place.around, self.patterns.bits
        unless = [group for group in one.rule.unless if bits.get(group, 0) & met] if one.unless & met else []
        standing = place.softened(chosen, one.rule.needs)
        if not unless and not standing:
            return ()
        return tuple(dict.fromkeys((*unless, *(each for each in standing if each not in one.rule.keeps))))


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
        beside={name: frozenset(one.beside) for name, one in softeners.items()},
    )


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
