"""Say a sentence of the program in Chinese: refusals, a channel's trouble, defects of a message.

The program writes such a sentence once, in English, where it arises: REST, the terminal and the log show it so. The
Chinese words are found by the sentence itself (`sentence_words`), and values in it are kept.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from api.text.blanks import fill
from api.text.phrases import Words
from api.text.terms.sentence_words import SENTENCES

_HOLE: Final = re.compile(r"\{(\w+)\}")


def in_chinese(sentence: str) -> str | None:
    """Return the sentence in Chinese; None if it has no words there."""
    known = SENTENCES.get(sentence)
    if known is not None:
        return known
    for pattern, chinese in _patterns():
        if found := pattern.fullmatch(sentence):
            return fill(chinese, found.groupdict())
    return None


def say_refusal(sentence: str, *, slug: str, words: Words) -> str:
    """Return why a request was refused, in the reader's language; by its kind alone if there are no better words."""
    if words.language != "zh":
        return sentence
    return in_chinese(sentence) or words(f"problem_{slug}")


def say_trouble(sentence: str, *, words: Words) -> str:
    """Return a channel's trouble or a message's defect in the reader's language, or as the program wrote it."""
    return (in_chinese(sentence) or sentence) if words.language == "zh" else sentence


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return the sentences with values, the longest first: it says more than one that also fits."""
    written = sorted((english for english in SENTENCES if _HOLE.search(english)), key=len, reverse=True)
    return tuple((_pattern(english), SENTENCES[english]) for english in written)


def _pattern(english: str) -> re.Pattern[str]:
    parts = _HOLE.split(english)
    written = (f"(?P<{part}>.+)" if place % 2 else re.escape(part) for place, part in enumerate(parts))
    return re.compile("".join(written), re.DOTALL)
