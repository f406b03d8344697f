"""Match a slow pattern only at the positions where a match may begin.

The engine tries a pattern of many alternatives at every character of a text; to find its first words one by one is
ten times as fast.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator


def occurrences(text: str, words: Iterable[str]) -> Iterator[int]:
    """Yield the positions of each of `words` in the text, word by word, with overlaps."""
    for word in words:
        at = text.find(word)
        while at >= 0:
            yield at
            at = text.find(word, at + 1)


class WordPlaces:
    """Words whose places in a text are looked for; an ASCII text is searched for the ASCII words alone."""

    def __init__(self, *words: str) -> None:
        self._words = words
        self._ascii_words = tuple(word for word in words if word.isascii())
        self._any, self._ascii_any = _any_of(words), _any_of(self._ascii_words)

    @property
    def words(self) -> tuple[str, ...]:
        """The words."""
        return self._words

    def starts(self, text: str) -> list[int]:
        """Return where one of the words begins, in ascending order."""
        words = self._ascii_words if text.isascii() else self._words
        found = [word for word in words if word in text]
        return sorted(set(occurrences(text, found))) if found else []

    def are_in(self, text: str) -> bool:
        """Return whether the text has any of the words."""
        return (self._ascii_any if text.isascii() else self._any).search(text) is not None


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern of any of the words; it never matches without words."""
    by_first: dict[str, list[str]] = {}
    # A text with a word has each word inside of it too.
    for word in sorted(set(words)):
        if not any(one in word for one in set(words) - {word}):
            by_first.setdefault(word[0], []).append(re.escape(word[1:]))
    # Where none is, one search costs half of a look for each of fifty words.
    return re.compile(
        "|".join(f"{re.escape(first)}(?:{'|'.join(rests)})" for first, rests in by_first.items()) or "(?!)"
    )


def matches_at(pattern: re.Pattern[str], text: str, starts: Iterable[int]) -> Iterator[re.Match[str]]:
    """Yield the matches of `pattern.finditer(text)`, provided that every match begins at one of `starts`.

    starts: in any order; positions without a match are allowed.
    """
    end = 0
    for start in sorted(starts):
        match = pattern.match(text, start) if start >= end else None
        if match:
            end = match.end()
            yield match
