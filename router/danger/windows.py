"""The parts of a message that danger is looked for in: the whole of a short text, and each passage of a long one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from router.danger.clauses import Sentences, split_sentences, units
from router.danger.words import LONGEST

# A text up to this many words (a Chinese character is one) is one passage.
_SHORT: Final = 36
# What a passage of a long text holds at most.
_PASSAGE: Final = 36
_MOST: Final = 40


@dataclass(frozen=True, slots=True)
class SplitText:
    """A text with its sentences. passages: the whole first.  spans: each passage's first sentence, and the end."""

    sentences: Sentences
    passages: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]


def split_text(text: str) -> SplitText:
    """Split a text into the whole, and a long one also into passages of one to a few sentences, overlapping by one."""
    text = text[:LONGEST]
    sentences = split_sentences(text)
    parts = _runs([one.written for one in sentences.all]) if units(text) > _SHORT else {}
    kept = [(text, (0, len(sentences.all))), *parts.items()][:_MOST]
    return SplitText(sentences, tuple(part for part, _ in kept), tuple(span for _, span in kept))


def _runs(sentences: list[str]) -> dict[str, tuple[int, int]]:
    """Return runs of sentences, each as long as a passage may be, starting at every second sentence or sooner."""
    lengths = [units(sentence) for sentence in sentences]
    runs: dict[str, tuple[int, int]] = {}
    start = 0
    while start < len(sentences):
        end, length = start, 0
        while end < len(sentences) and (end == start or length + lengths[end] <= _PASSAGE):
            length += lengths[end]
            end += 1
        runs.setdefault(". ".join(sentences[start:end]), (start, end))
        start = end if end >= len(sentences) else max(start + 1, end - 1)
    return runs
