"""Sentences as places in which groups of words meet: where the words stand, and what softens them there.

What is costly is looked for once a place, and only when a pair asks for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Final

from router.danger.clauses import CLAUSE, Sentence
from router.danger.finder import EVERY, Hit, ReadLine, WordPatterns
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
    """

    patterns: WordPatterns
    by_scope: Mapping[Scope, WordPatterns]
    unless: Mapping[str, int]
    scoped: Mapping[Scope, int]
    cut: int

    def allowed(self, names: Iterable[str], met: int) -> tuple[str, ...]:
        """Return the softeners that none of the groups cancels."""
        return tuple(name for name in names if not self.unless[name] & met)

    def everywhere(self, met: int, around: int) -> int:
        """Return a mask of the softeners that do not depend on where the words of a pair stand."""
        standing = (met & self.scoped["sentence"]) | ((met | around) & self.scoped["near"])
        return self._mask(self.allowed(self.patterns.named(standing), met)) if standing else 0

    def in_text(self, whole: Callable[[], str], met: int) -> tuple[str, ...]:
        """Return the softeners that stand anywhere in a text. whole: returns it.  met: its groups."""
        patterns = self.by_scope["text"]
        if not self.allowed(patterns.names, met):
            return ()
        return self.allowed(patterns.names_in(whole()), met)

    def _mask(self, names: Iterable[str]) -> int:
        return reduce(or_, (self.patterns.bits[name] for name in names), 0)


@dataclass(frozen=True, slots=True)
class SentenceHits:
    """A sentence with what was found in it.

    hits: where the words of its groups stand.  offset: where it begins in the line of its place.
    """

    sentence: Sentence
    line: ReadLine
    hits: Mapping[str, Sequence[Hit]]
    offset: int = 0


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
        self._hits: dict[str, Sequence[Hit]] = {}
        self._ahead: list[tuple[int, int]] | None = None
        self._negated: tuple[Sequence[Scope], Sequence[int] | None] | None = None
        self._before: dict[tuple[int, int], tuple[str, ...]] = {}

    @property
    def written(self) -> str:
        """The sentences as the customer wrote them."""
        return " ".join(part.sentence.written for part in self._parts)

    def hits(self, name: str) -> Sequence[Hit]:
        """Return where the words of a group stand."""
        known = self._hits.get(name)
        if known is None:
            first, *more = self._parts
            known = list(first.hits.get(name, ()))
            for part in more:
                known += (Hit(at + part.offset, end + part.offset, word) for at, end, word in part.hits.get(name, ()))
            self._hits[name] = known
        return known

    def softened(self, chosen: Sequence[Hit]) -> tuple[str, ...]:
        """Return the softeners of a pair of which words are chosen."""
        placed = sorted(chosen)
        standing = self.softeners | self._ahead_of(placed[-1].start)
        names = tuple(self.softening.patterns.named(standing)) if standing else ()
        if not self._negations()[0]:
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
            names = softening.patterns.named(self.met & softening.scoped["ahead"])
            hits = ((name, self.hits(name)) for name in softening.allowed(names, self.met))
            bits = softening.patterns.bits
            self._ahead = [(bits[name], min(hit.start for hit in each)) for name, each in hits if each]
        return reduce(or_, [bit for bit, start in self._ahead if start < last], 0) if self._ahead else 0

    def _before_word(self, start: int, end: int) -> tuple[str, ...]:
        """Return the negations between the word before and a word: what that negates itself is no negation of this."""
        scopes, places = self._negations()
        may_stand = places is None or any(start <= at < end for at in places)
        found = self._before[start, end] = self._negating(start, end, scopes) if may_stand else ()
        return found

    def _negating(self, start: int, end: int, scopes: Sequence[Scope]) -> tuple[str, ...]:
        clause = self.line[start:end].rsplit(CLAUSE, 1)[-1]
        found = [
            name
            for scope in scopes
            for name in self.softening.by_scope[scope].names_in(_last_words(clause, count=_BEFORE[scope]))
        ]
        return self.softening.allowed(found, self.met) if found else ()

    def _negations(self) -> tuple[Sequence[Scope], Sequence[int] | None]:
        """Return the scopes of which a negation may stand here, and where they may begin; None for anywhere."""
        if self._negated is None:
            softening = self.softening
            may_stand = self.met | softening.cut if self._keeps_words() else EVERY
            scopes = [scope for scope in _BEFORE if softening.scoped[scope] & may_stand]
            groups = reduce(or_, (softening.scoped[scope] for scope in scopes), 0)
            starts = [at + part.offset for part in self._parts for at in part.line.starts(groups)] if groups else []
            self._negated = scopes, None if may_stand == EVERY or groups & softening.cut else starts
        return self._negated

    def _keeps_words(self) -> bool:
        """Tell whether a part of the line has the words of the line: it may cut words of mixed scripts."""
        line = self.line
        is_plain = line.isascii() or not _NOT_HAN.search(line)
        return is_plain and line.count(CLAUSE) == line.count(f" {CLAUSE} ")


def _last_words(clause: str, *, count: int) -> str:
    """Return the last few words, as a clause."""
    words = [found.start() for found in _WORD.finditer(clause)][-count:]
    return f" {clause[words[0] :].strip()} {CLAUSE} " if words else ""
