"""Words as an index takes them, for languages with blanks between words and for those without.

A run of Chinese, Japanese, Korean or Thai becomes its pairs of neighbouring characters, so that a word of two is found
inside a sentence that no program has to segment; everything else becomes whole words, found by how they begin.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from operator import add
from typing import Final

_BLANKS: Final = str.maketrans({chr(code): " " for code in range(128) if not chr(code).isalnum()})


def ascii_words(text: str) -> list[str]:
    """Return the runs of letters and digits of an ASCII text, in lower case."""
    return text.lower().translate(_BLANKS).split()


# Longer texts are quoted logs and newsletters: what somebody looks for is said before.
MOST_CHARACTERS: Final = 10_000
_MOST_WORD: Final = 64
# A beginning shorter than this fits half of all words.
_SHORTEST_BEGINNING: Final = 3
_DENSE: Final = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_PIECE: Final = re.compile(rf"[{_DENSE}]+|[^\W_{_DENSE}]+")
_IS_DENSE: Final = re.compile(rf"[{_DENSE}]")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for.

    words: in the index as they are.  beginnings: words that begin so.  needles: what the text then has to hold as it
    stands.  Without words and beginnings the index knows nothing of it.
    """

    words: tuple[str, ...]
    beginnings: tuple[str, ...]
    needles: tuple[str, ...]


def fold(text: str) -> str:
    """Return the text without what nobody means: case, width, and forms of one character."""
    return text.casefold() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()


def index_words(*texts: str) -> set[str]:
    """Return the words under which texts are found."""
    text = "\n".join(texts)[:MOST_CHARACTERS]
    if text.isascii():
        return {word[:_MOST_WORD] for word in ascii_words(text)}
    found: set[str] = set()
    for piece in _PIECE.findall(fold(text)):
        if _IS_DENSE.match(piece):
            found.update(_pairs(piece))
        else:
            found.add(piece[:_MOST_WORD])
    return found


def words_to_index(*texts: str) -> str:
    """Return the same words as an index is given them, between single blanks."""
    return " ".join(index_words(*texts))


def read_query(query: str) -> Wanted:
    """Return what a query asks for: all of its parts, in any order, each as it is written."""
    needles = tuple(dict.fromkeys(fold(query).split()))
    words: list[str] = []
    beginnings: list[str] = []
    for needle in needles:
        pieces = _PIECE.findall(needle)
        for place, piece in enumerate(pieces, start=1):
            if _IS_DENSE.match(piece):
                # One character alone is the beginning or the end of countless pairs.
                words += _pairs(piece) if len(piece) > 1 else ()
            elif place == len(pieces) and len(piece) >= _SHORTEST_BEGINNING and needle.endswith(piece):
                beginnings.append(piece[:_MOST_WORD])
            else:
                words.append(piece[:_MOST_WORD])
    return Wanted(tuple(dict.fromkeys(words)), tuple(dict.fromkeys(beginnings)), needles)


def holds(wanted: Wanted, *texts: str) -> bool:
    """Return whether the texts hold all that is wanted, as it is written."""
    folded = fold("\n".join(texts))
    return all(needle in folded for needle in wanted.needles)


def excerpt(wanted: Wanted, text: str, *, length: int) -> str:
    """Return the part of the text around the first thing wanted."""
    folded = fold(text)
    places = [place for place in map(folded.find, wanted.needles) if place >= 0]
    begin = max(0, min(places, default=0) - length // 3)
    shown = text[begin : begin + length]
    return f"{'…' if begin else ''}{shown}{'…' if begin + length < len(text) else ''}"


def _pairs(piece: str) -> list[str]:
    return list(map(add, piece, piece[1:])) if len(piece) > 1 else [piece]
