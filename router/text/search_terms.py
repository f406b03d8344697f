"""Index words and search queries, for languages with blanks between words and for those without.

A run of Chinese, Japanese, Korean or Thai becomes pairs of neighbouring characters, so that a search finds a word of
two characters in a sentence without segmentation; all other text becomes whole words, which a search finds by prefix.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import accumulate, groupby
from operator import add
from typing import Final

from router.text.amounts import amount_words, read_amount
from router.text.chinese import simplified

_BLANKS: Final = str.maketrans({chr(code): " " for code in range(128) if not chr(code).isalnum()})


def ascii_words(text: str) -> list[str]:
    """Return the runs of letters and digits of an ASCII text, in lower case."""
    return text.lower().translate(_BLANKS).split()


# Longer texts are quoted logs and newsletters: the words that people search for stand before this length.
MOST_CHARACTERS: Final = 10_000
_MOST_WORD: Final = 64
# A shorter prefix matches half of all words.
_SHORTEST_BEGINNING: Final = 3
_DENSE: Final = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_PIECE: Final = re.compile(rf"[{_DENSE}]+|[^\W_{_DENSE}]+")
# Where no word is. Some signs join two words of ASCII into one piece of a query: an address, an amount, a name.
_BETWEEN: Final = re.compile(r"[\W_]+")
_SEPARATORS: Final = re.compile(r"(?:(?<![a-z0-9])[\W_]|[\W_](?![a-z0-9])|[^\w@.\-_/:+'&#%=~])+")
_IS_DENSE: Final = re.compile(rf"[{_DENSE}]")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A parsed search query.

    words: whole index words.  beginnings: prefixes of index words.  needles: what the text must contain, with one blank
    where a word ends; a query of signs alone has the signs.  Without words and beginnings the index cannot answer it.
    """

    words: tuple[str, ...]
    beginnings: tuple[str, ...]
    needles: tuple[str, ...]


def fold(text: str) -> str:
    """Return the text without differences of case, width and character form, and in simplified Chinese."""
    return text.casefold() if text.isascii() else simplified(unicodedata.normalize("NFKC", text).casefold())


def index_words(*texts: str) -> set[str]:
    """Return the index words of the texts."""
    text = "\n".join(texts)[:MOST_CHARACTERS]
    if text.isascii():
        return {word[:_MOST_WORD] for word in ascii_words(text)} | amount_words(text)
    folded = fold(text)
    found = amount_words(folded)
    for piece in _PIECE.findall(folded):
        if _IS_DENSE.match(piece):
            found.update(_pairs(piece))
        else:
            found.add(piece[:_MOST_WORD])
    return found


def words_to_index(*texts: str) -> str:
    """Return the index words as one string, separated by single blanks."""
    return " ".join(index_words(*texts))


def read_query(query: str) -> Wanted:
    """Parse a query: a text must contain all of its parts, in any order.

    Punctuation separates words, as in the index. What stands between letters and digits in one piece, such as an
    address or an amount, keeps their order: a text must have those words next to each other.
    """
    folded = fold(query)
    parts = (_separated(part) for part in _SEPARATORS.split(folded))
    needles = tuple(dict.fromkeys(part for part in parts if part)) or tuple(dict.fromkeys(folded.split()))
    words: list[str] = []
    beginnings: list[str] = []
    for needle in needles:
        pieces = _PIECE.findall(needle)
        for place, piece in enumerate(pieces, start=1):
            if _IS_DENSE.match(piece):
                # A single character matches too many pairs.
                words += _pairs(piece) if len(piece) > 1 else ()
            elif place == len(pieces) and len(piece) >= _SHORTEST_BEGINNING and needle.endswith(piece):
                beginnings.append(piece[:_MOST_WORD])
            else:
                words.append(piece[:_MOST_WORD])
    return Wanted(tuple(dict.fromkeys(words)), tuple(dict.fromkeys(beginnings)), needles)


def pieces_of(query: str) -> set[str]:
    """Return how the index words begin that a short text, such as a name, must have all of."""
    found: set[str] = set()
    for piece in _PIECE.findall(fold(query)):
        found.update(_pairs(piece) if _IS_DENSE.match(piece) else (piece,))
    return found


def characters_of(text: str) -> set[str]:
    """Return the characters of the text's parts without blanks between words."""
    return set(_IS_DENSE.findall(fold(text)))


def read_amount_query(query: str) -> Wanted | None:
    """Return the query for texts with this amount in any writing; None if the query is no amount."""
    word = read_amount(query)
    return Wanted((word,), (), ()) if word else None


def _separated(text: str) -> str:
    return _BETWEEN.sub(" ", text).strip()


def holds(wanted: Wanted, *texts: str) -> bool:
    """Return whether the texts contain every needle."""
    folded = fold("\n".join(texts))
    separated = _separated(folded)
    return all(needle in (separated if _PIECE.search(needle) else folded) for needle in wanted.needles)


def excerpt(wanted: Wanted, text: str, *, length: int) -> str:
    """Return the part of the text around the first needle."""
    folded = fold(text)
    firsts = (needle.partition(" ")[0] for needle in wanted.needles)
    places = [place for place in map(folded.find, firsts) if place >= 0]
    begin = max(0, min(places, default=0) - length // 3)
    shown = text[begin : begin + length]
    return f"{'…' if begin else ''}{shown}{'…' if begin + length < len(text) else ''}"


def marked(wanted: Wanted, text: str) -> list[tuple[str, bool]]:
    """Return the text in pieces, each with whether it is a match; joined, they are the text."""
    folded = [fold(char) for char in text]
    begins = list(accumulate((len(each) for each in folded), initial=0))
    joined, hits = "".join(folded), [False] * len(text)
    for needle in (word for each in wanted.needles for word in each.split()):
        place = joined.find(needle)
        while place >= 0:
            first, last = bisect_right(begins, place) - 1, bisect_left(begins, place + len(needle))
            hits[first:last] = [True] * (last - first)
            place = joined.find(needle, place + len(needle))
    groups = groupby(zip(text, hits, strict=True), key=lambda pair: pair[1])
    return [("".join(char for char, _ in pairs), hit) for hit, pairs in groups]


def _pairs(piece: str) -> list[str]:
    return list(map(add, piece, piece[1:])) if len(piece) > 1 else [piece]
