"""The parts of a message that danger is looked for in: the whole of a short text, and each passage of a long one."""

from __future__ import annotations

from typing import Final

from router.danger.clauses import sentences_of, units
from router.danger.words import LONGEST

# A text up to this many words (a Chinese character is one) is one passage.
_SHORT: Final = 36
# What a passage of a long text holds at most.
_PASSAGE: Final = 36
_MOST: Final = 40


def passages_of(text: str) -> tuple[str, ...]:
    """Return the whole text, and of a long one also its passages of one to a few sentences, overlapping by one."""
    text = text[:LONGEST]
    if units(text) <= _SHORT:
        return (text,)
    written = [one.written for one in sentences_of(text)]
    return (text, *dict.fromkeys(_runs(written)))[:_MOST]


def _runs(sentences: list[str]) -> list[str]:
    """Return runs of sentences, each as long as a passage may be, starting at every second sentence or sooner."""
    runs: list[str] = []
    start = 0
    while start < len(sentences):
        end, length = start, 0
        while end < len(sentences) and (end == start or length + units(sentences[end]) <= _PASSAGE):
            length += units(sentences[end])
            end += 1
        runs.append(". ".join(sentences[start:end]))
        start = end if end >= len(sentences) else max(start + 1, end - 1)
    return runs
