"""Find the parts of `remark_parts` in the words of a text: each part is a row of slots, each slot some phrases."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from router.remarks.remark_names import may_be_name
from router.remarks.remark_parts import NAME

_OPTIONAL: Final = "?*"
_REPEATED: Final = "*+"

_Tokens = Sequence[str]
_Slot = Mapping[str, tuple[tuple[str, ...], ...]]


@dataclass(frozen=True, slots=True)
class _Part:
    """bits: what it says.  slots: with whether each may be left out, and whether it may be said again."""

    bits: int
    slots: tuple[tuple[_Slot, bool, bool], ...]

    def ends(self, tokens: _Tokens, at: int) -> set[int]:
        """Return where the part may end if it begins at `at`."""
        here = {at}
        for phrases, may_miss, may_repeat in self.slots:
            here = _after(tokens, here, phrases, may_repeat=may_repeat) | (here if may_miss else set())
            if not here:
                break
        return here - {at}


@dataclass(frozen=True, slots=True)
class RemarkGrammar:
    """Parts by the words that they can begin with; a part never begins with a name. words: all that parts may have."""

    by_first_word: Mapping[str, tuple[_Part, ...]]
    words: frozenset[str]

    def found(self, tokens: _Tokens, at: int) -> Iterator[tuple[int, int]]:
        """Yield the end and the bits of each part that begins at `at`."""
        for part in self.by_first_word.get(tokens[at], ()):
            for end in part.ends(tokens, at):
                yield end, part.bits


def build_grammar(
    parts: Mapping[int, Sequence[str]], *, slots: Mapping[str, Sequence[str]], tokens_of: Callable[[str], list[str]]
) -> RemarkGrammar:
    """Build the grammar. parts: by their bits, each a row of slots' names.  slots: phrases by name."""
    known = {name: _slot(phrases, tokens_of=tokens_of) for name, phrases in slots.items()}
    found: dict[str, list[_Part]] = {}
    for bits, rows in parts.items():
        for row in rows:
            part = _Part(bits, tuple(_marked(name, known) for name in row.split()))
            for word in _first_words(part):
                found.setdefault(word, []).append(part)
    words = {word for slot in known.values() for phrases in slot.values() for phrase in phrases for word in phrase}
    return RemarkGrammar({word: tuple(each) for word, each in found.items()}, frozenset(words))


def _marked(name: str, known: Mapping[str, _Slot]) -> tuple[_Slot, bool, bool]:
    mark = name[-1]
    return known[name.rstrip(_OPTIONAL + _REPEATED)], mark in _OPTIONAL, mark in _REPEATED


def _slot(phrases: Sequence[str], *, tokens_of: Callable[[str], list[str]]) -> _Slot:
    found: dict[str, set[tuple[str, ...]]] = {}
    for phrase in phrases:
        words = (NAME,) if phrase == NAME else tuple(tokens_of(phrase))
        found.setdefault(words[0], set()).add(words)
    return {word: tuple(sorted(each)) for word, each in found.items()}


def _first_words(part: _Part) -> set[str]:
    words: set[str] = set()
    for phrases, may_miss, _ in part.slots:
        words |= phrases.keys()
        if not may_miss:
            break
    return words


def _after(tokens: _Tokens, here: set[int], phrases: _Slot, *, may_repeat: bool) -> set[int]:
    """Return where a slot may end that begins at one of these places."""
    found: set[int] = set()
    waiting = [*here]
    while waiting:
        at = waiting.pop()
        if at >= len(tokens):
            continue
        if NAME in phrases and may_be_name(tokens[at]):
            found.add(at + 1)
        for words in phrases.get(tokens[at], ()):
            end = at + len(words)
            if end not in found and tuple(tokens[at:end]) == words:
                found.add(end)
                if may_repeat:
                    waiting.append(end)
    return found
