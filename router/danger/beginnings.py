"""Which phrases begin with a word, or with two Chinese characters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Final

from router.danger.phrases import Phrase, Slot, word_pattern

_NUMBER: Final = re.compile(word_pattern("#"))
_REST: Final = re.compile(r"\w*")
_ANY: Final = ""
_NUMBERS: Final = "#"
NEXT: Final = 3
"""So many letters of the second word say which phrases are possible."""

# A phrase, and the bit of its group.
Listed = tuple[int, Phrase]


@dataclass(frozen=True, slots=True)
class Begun:
    """The phrases that begin with a word, or with two characters; groups are bits.

    sure: a mask of the groups that stand there for certain.  whole: those of which the word is the phrase that counts.
    longer: for the other groups a pattern of what follows the word (in Chinese of the phrase).  groups: their mask.
    maybe: those of them that may stand there whatever follows.
    maybe_before: the others, by the next word's first `NEXT` letters.
    test: a pattern that fits if one of the groups that are not sure stands there.  is_open: whether there are such.
    """

    sure: int = 0
    whole: tuple[int, ...] = ()
    longer: tuple[tuple[int, re.Pattern[str]], ...] = ()
    groups: int = 0
    maybe: int = 0
    maybe_before: Mapping[str, int] = field(default_factory=dict)
    test: re.Pattern[str] | None = None
    is_open: bool = False


class LatinBeginnings:
    """Looks up the phrases that begin with a word."""

    def __init__(self, phrases: Sequence[Listed]) -> None:
        self._phrases = phrases
        self._exact: dict[str, set[int]] = {}
        self._prefixes: dict[str, set[int]] = {}
        self._numbers: set[int] = set()
        for row, (_, phrase) in enumerate(phrases):
            for word in phrase.slots[0].words:
                self._rows(word).add(row)
        self._lengths = sorted({len(prefix) for prefix in self._prefixes})
        self._head = min([2, *self._lengths])
        self._heads = frozenset(known[: self._head] for known in (*self._exact, *self._prefixes))
        # There are not more of them than words in the file.
        self._begun = cache(self._compiled)

    def _rows(self, word: str) -> set[int]:
        if word == "#":
            return self._numbers
        table = self._prefixes if word.endswith("*") else self._exact
        return table.setdefault(word.rstrip("*"), set())

    def of(self, word: str) -> Begun | None:
        """Return what begins with a word; None if nothing does."""
        if word[: self._head] not in self._heads and not (self._numbers and word[:1].isdecimal()):
            return None
        found = set(self._exact.get(word, ()))
        for length in self._lengths:
            rows = self._prefixes.get(word[:length]) if length <= len(word) else None
            if rows and _REST.fullmatch(word, length):
                found |= rows
        if self._numbers and _NUMBER.fullmatch(word):
            found |= self._numbers
        return self._begun(tuple(sorted(found))) if found else None

    def _compiled(self, rows: tuple[int, ...]) -> Begun:
        by_group = _by_group(self._phrases[row] for row in rows)
        # The first phrase that fits is the one that is found.
        whole = tuple(bit for bit, phrases in by_group.items() if len(phrases[0].slots) == 1)
        sure = _mask(bit for bit, phrases in by_group.items() if any(len(one.slots) == 1 for one in phrases))
        longer = {bit: phrases for bit, phrases in by_group.items() if bit not in whole}
        unsure = [(bit, one) for bit, phrases in longer.items() if not bit & sure for one in phrases]
        before = _by_next_word(unsure)
        return Begun(
            sure=sure,
            whole=whole,
            longer=tuple((bit, _tails(phrases)) for bit, phrases in longer.items()),
            groups=_mask(longer),
            maybe=before.pop(_ANY, 0),
            maybe_before=before,
            test=_any_tail([one for _, one in unsure]) if len({bit for bit, _ in unsure}) > 1 else None,
            is_open=bool(unsure),
        )


def _by_group(listed: Iterable[Listed]) -> dict[int, list[Phrase]]:
    found: dict[int, list[Phrase]] = {}
    for bit, phrase in listed:
        found.setdefault(bit, []).append(phrase)
    return found


def _mask(bits: Iterable[int]) -> int:
    mask = 0
    for bit in bits:
        mask |= bit
    return mask


def _by_next_word(listed: Iterable[Listed]) -> dict[str, int]:
    """Return a mask of groups by how their phrases' second word begins; by `_ANY` those with any."""
    found: dict[str, int] = {}
    for bit, phrase in listed:
        slot = phrase.slots[1]
        for key in {_ANY} if slot.after_gap else map(_next_key, slot.words):
            found[key] = found.get(key, 0) | bit
    return found


def _next_key(word: str) -> str:
    bare = word.rstrip("*")
    is_short = word.endswith("*") and len(bare) < NEXT
    return _ANY if word == _NUMBERS or is_short else bare[:NEXT]


def _tails(phrases: Sequence[Phrase]) -> re.Pattern[str]:
    return re.compile(f"(?:{'|'.join(one.behind(0) for one in phrases)})(?= )")


def _any_tail(phrases: Sequence[Phrase]) -> re.Pattern[str]:
    """Return a pattern of what may follow the first word of any of the phrases.

    The engine skips at once what begins with another letter: so each is sorted by the second word's first one.
    """
    by_joint: dict[str, dict[str, None]] = {}
    for phrase in phrases:
        ways = by_joint.setdefault(phrase.joint(1), {})
        ways.update(dict.fromkeys(f"{word}{phrase.behind(1)}" for word in phrase.slots[1].patterns))
    return re.compile(f"(?:{'|'.join(joint + _sorted(ways) for joint, ways in by_joint.items())})(?= )")


def _sorted(patterns: Iterable[str]) -> str:
    by_letter: dict[str, list[str]] = {}
    for each in patterns:
        by_letter.setdefault(each[:1] if each[:1].isalpha() else "", []).append(each)
    ways = (f"{letter}(?:{'|'.join(one.removeprefix(letter) for one in some)})" for letter, some in by_letter.items())
    return f"(?:{'|'.join(ways)})"


class ChineseBeginnings:
    """Looks up the phrases that begin with two characters."""

    def __init__(self, phrases: Sequence[Listed]) -> None:
        self._phrases = phrases
        self._rows: dict[str, set[int]] = {}
        self._sure: dict[str, int] = {}
        for row, (bit, phrase) in enumerate(phrases):
            for key in _beginnings(phrase):
                self._rows.setdefault(key, set()).add(row)
            for word in phrase.slots[0].words if len(phrase.slots) == 1 else ():
                self._sure[word] = self._sure.get(word, 0) | bit
        self._firsts = frozenset(key[:1] for key in self._rows)
        # There are not more of them than characters in the file.
        self._begun, self._known = cache(self._compiled), cache(self._look_up)

    def places(self, line: str) -> Iterator[tuple[int, Begun]]:
        """Yield where phrases may begin in a line, and which."""
        firsts, rows = self._firsts, self._rows
        loose = _ANY in firsts
        for at, first in enumerate(line):
            if first in firsts or loose or (_NUMBERS in firsts and first.isdecimal()):
                second = line[at + 1 : at + 2]
                is_apart = second == " "
                pair = first + (line[at + 2 : at + 3] if is_apart else second)
                begun = self._known(
                    first if first in rows else _ANY, pair if pair in rows else _ANY, first.isdecimal(), is_apart
                )
                if begun is not None:
                    yield at, begun

    def _look_up(self, first: str, pair: str, is_digit: bool, is_apart: bool) -> Begun | None:
        keys = {_ANY, first, pair, *([_NUMBERS] if is_digit else [])}
        found = {row for key in keys for row in self._rows.get(key, ())}
        if not found:
            return None
        begun = self._begun(tuple(sorted(found)))
        sure = self._sure.get(first, 0) | (0 if is_apart else self._sure.get(pair, 0))
        return replace(begun, sure=sure, maybe=begun.groups & ~sure)

    def _compiled(self, rows: tuple[int, ...]) -> Begun:
        by_group = _by_group(self._phrases[row] for row in rows)
        longer = ((bit, re.compile("|".join(one.whole for one in each))) for bit, each in by_group.items())
        unsure = [phrase for _, phrase in (self._phrases[row] for row in rows) if not _is_sure(phrase)]
        test = re.compile(_sorted(f"{word}{one.behind(0)}" for one in unsure for word in one.slots[0].patterns))
        return Begun(longer=tuple(longer), groups=_mask(by_group), test=test)


def _is_sure(phrase: Phrase) -> bool:
    """Tell whether two characters are all of a phrase."""
    return len(phrase.slots) == 1 and all(len(word) <= 2 and word[-1:] not in "*#" for word in phrase.slots[0].words)


def _beginnings(phrase: Phrase) -> Iterator[str]:
    """Yield the first two characters of a phrase, as far as they are certain."""
    after = phrase.slots[1] if len(phrase.slots) > 1 and not phrase.slots[1].after_gap else None
    seconds = _first_letters(after) if after else {_ANY}
    for word in phrase.slots[0].words:
        bare = word.rstrip("*")
        if word == "#" or not bare:
            yield _NUMBERS if bare else _ANY
        elif len(bare) > 1 or word.endswith("*"):
            yield bare[:2]
        else:
            yield from (f"{bare}{second}" for second in seconds)


def _first_letters(slot: Slot) -> set[str]:
    """Return the letters with which a slot's words begin; `_ANY` alone if one of them may begin with any."""
    letters = {_ANY if word == "#" else word.rstrip("*")[:1] for word in slot.words}
    return {_ANY} if _ANY in letters else letters
