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
        # A text with a word has each word inside of it too.
        self._any = tuple(word for word in set(words) if not any(one in word for one in set(words) - {word}))
        self._ascii_any = tuple(word for word in self._any if word.isascii())

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
        return any(map(text.__contains__, self._ascii_any if text.isascii() else self._any))


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
