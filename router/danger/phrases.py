"""Words and phrases of an operator's file as patterns, found in folded sentences without trying each of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from router.danger.clauses import CLAUSE

_HAN: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
# How many words, or Chinese characters, may stand in the place of "..."; "not" among them would turn the meaning round.
_GAP_LATIN: Final = r"(?: (?!\||not )\S+){0,3}? "
_GAP_HAN: Final = r"[^|]{0,6}?"
_NUMBER: Final = r"\d[\d.]*\w{0,2}"
# The letters of a first word by which a phrase is looked up.
_KEY: Final = 3
_ANY: Final = ""
_NONE: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Hit:
    """Where a phrase stands in a folded sentence."""

    start: int
    end: int
    word: str


@dataclass(frozen=True, slots=True)
class WordPatterns:
    """Named groups of phrases; build with `compile_patterns`.

    latin, han: a pattern a group.  keys: the first letters of a group's Latin phrases, with the groups they begin.
    characters: the same for the first character of Chinese phrases.
    """

    latin: Mapping[str, re.Pattern[str]]
    han: Mapping[str, re.Pattern[str]]
    keys: Mapping[str, frozenset[str]]
    characters: Mapping[str, frozenset[str]]

    def find(self, line: str) -> dict[str, list[Hit]]:
        """Return every group's hits in a folded sentence."""
        found: dict[str, list[Hit]] = {}
        for name, pattern in self._candidates(line):
            for each in pattern.finditer(line):
                found.setdefault(name, []).append(Hit(each.start(), each.end(), each.group().strip()))
        return found

    def names_in(self, line: str) -> tuple[str, ...]:
        """Return which groups stand in a line."""
        return tuple(dict.fromkeys(name for name, pattern in self._candidates(line) if pattern.search(line)))

    def _candidates(self, line: str) -> Iterator[tuple[str, re.Pattern[str]]]:
        started = self.keys.get(_ANY, _NONE).union(*(self.keys.get(word[:_KEY], _NONE) for word in line.split()))
        yield from ((name, pattern) for name, pattern in self.latin.items() if name in started)
        if not line.isascii():
            begun = self.characters.get(_ANY, _NONE).union(*(self.characters.get(one, _NONE) for one in set(line)))
            yield from ((name, pattern) for name, pattern in self.han.items() if name in begun)


def compile_patterns(groups: Mapping[str, Sequence[str]]) -> WordPatterns:
    """Compile name -> phrases.

    "*" ends the beginning of a word, "..." stands for a few words, "a|b" is one or the other, "#" a number, "." the end
    of a clause. Latin phrases match whole words, Chinese ones anywhere.
    """
    latin = {name: [one for one in phrases if not _HAN.search(one)] for name, phrases in groups.items()}
    han = {name: [one for one in phrases if _HAN.search(one)] for name, phrases in groups.items()}
    whole = {name: rf"(?<= )(?:{'|'.join(map(_latin, each))})(?= )" for name, each in latin.items() if each}
    return WordPatterns(
        latin={name: re.compile(each) for name, each in whole.items()},
        han={name: re.compile("|".join(map(_chinese, each))) for name, each in han.items() if each},
        keys=_by_key(latin, length=_KEY),
        characters=_by_key(han, length=1),
    )


def _by_key(groups: Mapping[str, Sequence[str]], *, length: int) -> Mapping[str, frozenset[str]]:
    """Return which groups have a phrase that begins with some letters."""
    keys: dict[str, set[str]] = {}
    for name, phrases in groups.items():
        for key in (key for phrase in phrases for key in _keys(phrase, length)):
            keys.setdefault(key, set()).add(name)
    return {key: frozenset(names) for key, names in keys.items()}


def _keys(phrase: str, length: int) -> Iterator[str]:
    first = phrase.split(maxsplit=1)[0]
    for word in [CLAUSE] if first == "." else first.split("|"):
        bare = word.rstrip("*")
        # A number, and the beginning of a word that is shorter than a key, may begin anything.
        yield _ANY if word == "#" or (word.endswith("*") and len(bare) < length) else bare[:length]


def _latin(phrase: str) -> str:
    return _joined(phrase, between=" ", gap=_GAP_LATIN)


def _chinese(phrase: str) -> str:
    return _joined(phrase, between=" ?", gap=_GAP_HAN)


def _joined(phrase: str, *, between: str, gap: str) -> str:
    out, joint = "", ""
    for slot in phrase.split():
        if slot == "...":
            joint = gap
            continue
        words = rf"\{CLAUSE}" if slot == "." else f"(?:{'|'.join(map(_word, slot.split('|')))})"
        out += (joint if out else "") + words
        joint = between
    return out


def _word(word: str) -> str:
    if word == "#":
        return _NUMBER
    return re.escape(word.rstrip("*")) + (r"\w*" if word.endswith("*") else "")
