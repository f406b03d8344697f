"""Sentences as places in which groups of words meet: where the words stand, and what softens them there.

What is costly is looked for once a place, and only when a pair asks for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from itertools import accumulate
from operator import or_
from typing import Final

from router.danger.clauses import CLAUSE, Sentence
from router.danger.finder import EVERY, Hit, ReadLine, WordPatterns, bits_of
from router.settings.danger_words import Scope

# How far before a word its negation stands: "was not stolen", "没有被盗"; further if its words reach up to it.
_BEFORE: Final[Mapping[Scope, int]] = {"before": 3, "directly": 9}
# A letter or digit that is no Chinese character.
_NOT_HAN: Final = re.compile(r"[^\W\u3400-\u4dbf\u4e00-\u9fff]")
_WORD: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]|[^\s\u3400-\u4dbf\u4e00-\u9fff]+")


@dataclass(frozen=True, slots=True)
class Softening:
    """What softens pairs. patterns: of all groups and softeners.

    by_scope: the softeners of each scope, which are looked for by themselves.
    unless: a mask of the groups that cancel each softener.  scoped: a mask of the softeners of each scope.
    cut: a mask of those that name the end of a clause, which also is where a part of a line ends.
    beside: the groups of a pair whose words need not stand in the clause of a softener that stands behind it.
    """

    patterns: WordPatterns
    by_scope: Mapping[Scope, WordPatterns]
    unless: Mapping[str, int]
    scoped: Mapping[Scope, int]
    cut: int
    beside: Mapping[str, frozenset[str]]
    _unless: Mapping[int, int] = field(init=False)

    def __post_init__(self) -> None:
        """Keep what cancels each softener by its bit too."""
        by_bit = {self.patterns.bits[name]: groups for name, groups in self.unless.items()}
        object.__setattr__(self, "_unless", by_bit)

    def allowed(self, names: Iterable[str], met: int) -> tuple[str, ...]:
        """Return the softeners that none of the groups cancels."""
        return tuple(name for name in names if not self.unless[name] & met)

    def everywhere(self, met: int, around: int) -> int:
        """Return a mask of the softeners that do not depend on where the words of a pair stand."""
        return self.left((met & self.scoped["sentence"]) | ((met | around) & self.scoped["near"]), met)

    def left(self, standing: int, met: int) -> int:
        """Return those of a mask's softeners that none of the groups cancels."""
        for bit in bits_of(standing):
            if self._unless[bit] & met:
                standing ^= bit
        return standing

    def in_text(self, whole: Callable[[], str], met: int) -> tuple[str, ...]:
        """Return the softeners that stand anywhere in a text. whole: returns it.  met: its groups."""
        patterns = self.by_scope["text"]
        if not self.allowed(patterns.names, met):
            return ()
        return self.allowed(patterns.names_in(whole()), met)


class SentenceHits:
    """A sentence in which words are looked for when they are first asked for.

    look: returns where the words of the groups stand that any pair may need here.
    """

    def __init__(self, sentence: Sentence, line: ReadLine, *, look: Callable[[], Mapping[str, Sequence[Hit]]]) -> None:
        self.sentence = sentence
        self.line = line
        self._look = look

    @cached_property
    def hits(self) -> Mapping[str, Sequence[Hit]]:
        """Where the words of each group stand."""
        return self._look()


class Place:
    """A sentence, or two as one, in which pairs may meet; what was found once is remembered.

    met, around: masks of its groups, and of its neighbours'.  softeners: of those that stand for all of it.
    """

    def __init__(self, softening: Softening, parts: Sequence[SentenceHits], *, around: int) -> None:
        self.met = reduce(or_, (part.line.mask for part in parts))
        self.around = around
        self.softeners = softening.everywhere(self.met, around)
        self.line = parts[0].line.text + "".join(part.line.text[1:] for part in parts[1:])
        self.softening = softening
        self._parts = parts
        # The blank between two sentences is shared.
        self._offsets = [*accumulate((len(part.line.text) - 1 for part in parts[:-1]), initial=0)]
        self._hits: dict[str, Sequence[Hit]] = {}
        self._ahead: list[tuple[int, int]] | None = None
        self._behind: list[tuple[str, int, int]] | None = None
        self._negated: Sequence[tuple[Scope, Sequence[int] | None]] | None = None
        self._before: dict[tuple[int, int], tuple[str, ...]] = {}

    @property
    def written(self) -> str:
        """The sentences as the customer wrote them."""
        return " ".join(part.sentence.written for part in self._parts)

    def hits(self, name: str) -> Sequence[Hit]:
        """Return where the words of a group stand."""
        known = self._hits.get(name)
        if known is None:
            known = self._parts[0].hits.get(name, ())
            for part, offset in zip(self._parts[1:], self._offsets[1:], strict=True):
                more = part.hits.get(name, ())
                known = [*known, *(Hit(at + offset, end + offset, word) for at, end, word in more)]
            self._hits[name] = known
        return known

    def softened(self, chosen: Sequence[Hit], groups: Sequence[str]) -> tuple[str, ...]:
        """Return the softeners of a pair of which words are chosen. groups: of each word."""
        placed = sorted(chosen)
        standing = self.softeners | self._ahead_of(placed[-1].start)
        names = tuple(self.softening.patterns.named(standing)) if standing else ()
        names += self._behind_words(chosen, groups)
        if not self._negations():
            return names
        start = 0
        for at, end, _ in placed:
            known = self._before.get((start, at))
            names += self._before_word(start, at) if known is None else known
            start = end
        return names

    def _ahead_of(self, last: int) -> int:
        """Return a mask of the softeners that stand ahead of the last word of a pair, which begins at `last`."""
        if self._ahead is None:
            softening = self.softening
            standing = softening.left(self.met & softening.scoped["ahead"], self.met)
            hits = [(softening.patterns.bits[name], self.hits(name)) for name in softening.patterns.named(standing)]
            self._ahead = [(bit, min(hit.start for hit in each)) for bit, each in hits if each]
        return reduce(or_, [bit for bit, start in self._ahead if start < last], 0) if self._ahead else 0

    def _behind_words(self, chosen: Sequence[Hit], groups: Sequence[str]) -> tuple[str, ...]:
        """Return the softeners that end behind the words of a pair, in their clause."""
        if self._behind is None:
            softening, line = self.softening, self.line
            standing = softening.left(self.met & softening.scoped["behind"], self.met)
            self._behind = [
                (name, line.rfind(CLAUSE, 0, hit.start) + 1, hit.end)
                for name in softening.patterns.named(standing)
                for hit in self.hits(name)
            ]
        found: list[str] = []
        for name, start, end in self._behind:
            beside = self.softening.beside[name]
            bound = [hit for hit, group in zip(chosen, groups, strict=True) if group not in beside]
            if bound and all(start <= hit.start and hit.end <= end for hit in bound):
                found.append(name)
        return tuple(dict.fromkeys(found))

    def _before_word(self, start: int, end: int) -> tuple[str, ...]:
        """Return the negations between the word before and a word: what that negates itself is no negation of this."""
        line = self.line
        # A negation in another clause does not count in this one.
        clause = max(start, line.rfind(CLAUSE, start, end) + 1)
        found: list[str] = []
        for scope, places in self._negations():
            if places is None or any(clause <= at < end for at in places):
                first = _last_words(line, clause, end, count=_BEFORE[scope])
                if first < end and (places is None or any(first <= at < end for at in places)):
                    words = f" {line[first:end].strip()} {CLAUSE} "
                    found += self.softening.by_scope[scope].names_in(words)
        names = self._before[start, end] = self.softening.allowed(found, self.met) if found else ()
        return names

    def _negations(self) -> Sequence[tuple[Scope, Sequence[int] | None]]:
        """Return the scopes of which a negation may stand here, and where it may begin; None for anywhere."""
        if self._negated is None:
            softening = self.softening
            keeps_words = self._keeps_words()
            may_stand = self.met | softening.cut if keeps_words else EVERY
            scoped = [(scope, groups) for scope in _BEFORE if (groups := softening.scoped[scope]) & may_stand]
            starts = self._starts(reduce(or_, (groups for _, groups in scoped))) if scoped and keeps_words else []
            self._negated = [
                (scope, [at for at, mask in starts if mask & groups])
                if keeps_words and not groups & softening.cut
                else (scope, None)
                for scope, groups in scoped
            ]
        return self._negated

    def _starts(self, groups: int) -> list[tuple[int, int]]:
        parts = zip(self._parts, self._offsets, strict=True)
        return [(at + offset, mask) for part, offset in parts for at, mask in part.line.starts(groups)]

    def _keeps_words(self) -> bool:
        """Tell whether a part of the line has the words of the line: it may cut words of mixed scripts."""
        line = self.line
        is_plain = line.isascii() or not _NOT_HAN.search(line)
        return is_plain and line.count(CLAUSE) == line.count(f" {CLAUSE} ")


def _last_words(line: str, start: int, end: int, *, count: int) -> int:
    """Return where the last few words of a part of a line begin; its end if it has none."""
    words = [found.start() for found in _WORD.finditer(line, start, end)][-count:]
    return words[0] if words else end
