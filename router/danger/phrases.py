"""How the words and phrases of an operator's file are written, and as patterns.

"*" ends the beginning of a word, "..." stands for a few words, "a|b" is one or the other, "#" a number, "." the end
of a clause.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from router.danger.clauses import CLAUSE

_HAN: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
# How many words, or Chinese characters, may stand in the place of "..."; "not" among them would turn the meaning round.
_GAP_LATIN: Final = r"(?: (?!\||not )\S+){0,3}? "
_GAP_HAN: Final = r"[^|]{0,6}?"
_NUMBER: Final = r"\d[\d.]*\w{0,2}"
_SOME: Final = "..."


@dataclass(frozen=True)
class Slot:
    """One word of a phrase, or several to choose from. after_gap: whether other words may stand before it."""

    written: str
    after_gap: bool

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words to choose from, as written."""
        return (CLAUSE,) if self.written == "." else tuple(self.written.split("|"))

    @cached_property
    def patterns(self) -> tuple[str, ...]:
        """A pattern a word."""
        return tuple(map(word_pattern, self.words))

    @property
    def pattern(self) -> str:
        """A pattern of the words, in their order."""
        return f"(?:{'|'.join(self.patterns)})"


@dataclass(frozen=True)
class Phrase:
    """A phrase of one group. slots: its words in order."""

    slots: tuple[Slot, ...]
    is_chinese: bool

    @cached_property
    def whole(self) -> str:
        """The phrase as a pattern."""
        return self.slots[0].pattern + self.behind(0)

    def behind(self, place: int) -> str:
        """Return the pattern of what follows the slot at a place."""
        rest = range(place + 1, len(self.slots))
        return "".join(self.joint(each) + self.slots[each].pattern for each in rest)

    def joint(self, place: int) -> str:
        """Return the pattern of what may stand before the slot at a place."""
        if self.slots[place].after_gap:
            return _GAP_HAN if self.is_chinese else _GAP_LATIN
        return " ?" if self.is_chinese else " "


def read_phrase(written: str) -> Phrase:
    """Return a phrase as the file writes it; Chinese if it has one Chinese character."""
    slots: list[Slot] = []
    after_gap = False
    for each in written.split():
        if each != _SOME:
            slots.append(Slot(each, after_gap and bool(slots)))
        after_gap = each == _SOME
    return Phrase(tuple(slots), _HAN.search(written) is not None)


def word_pattern(word: str) -> str:
    """Return one word as a pattern."""
    if word == "#":
        return _NUMBER
    return re.escape(word.rstrip("*")) + (r"\w*" if word.endswith("*") else "")
