"""Texts as sentences that word patterns can be compared with: folded, simplified, contractions written out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from router.text.chinese_script import fold_script
from router.text.plain import fold

CLAUSE: Final = "|"
"""Stands between the clauses of a sentence, as a word of its own."""

# A full stop inside a number or an abbreviation ends no sentence.
# It begins with a class, so that the engine can jump to the signs.
_SENTENCE_END: Final = re.compile(
    r"[!?。！？;；…\n.](?:(?<!\.)[!?。！？;；…\n]*|(?<=\.)(?:(?=\s|$)|(?<=[a-z]{3}\.)(?=[A-Z])))"
)
_THOUSANDS: Final = re.compile(r"[,，](?<=\d.)(?=\d{3})")
_CLAUSE_END: Final = re.compile(r"[,，、:：()（）~～]+")
_DASHES: Final = "-\u2013\u2014"
_DASH: Final = re.compile(rf"\s[{_DASHES}]+\s")
_BETWEEN: Final = f" {CLAUSE} "
# Stands between texts that are folded together: it is no blank, and no pattern knows it.
_BORDER: Final = "\x01"
_APOSTROPHE: Final = re.compile("['\u2018\u2019\u02bc`\u00b4]")
_NO_WORD: Final = re.compile(r"[^\w|]+")
_NO_WORD_OR_BORDER: Final = re.compile(rf"[^\w|{_BORDER}]+")
_BLANKS: Final = str.maketrans({code: " " for code in range(128) if _NO_WORD_OR_BORDER.match(chr(code))})
# A letter is looked for first, the beginning of a word after it: the engine can jump to letters.
_NEGATED: Final = re.compile(
    r"(d(?<=\bd)(?:id|oes|o)|w(?<=\bw)(?:as|ere|ould|o)|i(?<=\bi)s|a(?<=\ba)re|h(?<=\bh)(?:as|ave|ad)|"
    r"c(?<=\bc)(?:ould|an|a)|s(?<=\bs)hould)(?: ?n'?t|n'?t| not)\b"
)
_FULL: Final = {"ca": "can", "wo": "will"}
# Colons and brackets of quoted words are kept apart from the quotation itself.
_MARKS: Final = '"\u201c\u201d\u300c\u300d\u300e\u300f\u00ab\u00bb'
_QUOTED: Final = re.compile(f"[{_MARKS}]([^{_MARKS}\n]{{1,40}})[{_MARKS}]")
_MARK: Final = re.compile(f"[{_MARKS}]")
_UNIT: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]|[^\W_\u3400-\u4dbf\u4e00-\u9fff]+")
# A mention of a word is short; a quoted message is longer and may itself tell of a danger.
_LONGEST_MENTION: Final = 5
# Text without full stops, as dictated, is cut after this many words or Chinese characters.
_LONGEST: Final = 48
_OVERLAP: Final = 16


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence. written: as the customer wrote it.  comparable: as patterns see it, a blank at both ends."""

    written: str
    comparable: str


@dataclass(frozen=True, slots=True)
class Sentences:
    """A text and its sentences. can_join: whether the text is compared as its sentences one after the other."""

    text: str
    all: tuple[Sentence, ...]
    can_join: bool

    @property
    def comparable(self) -> str:
        """The whole text as patterns see it; see `comparable`."""
        if not self.can_join:
            return comparable(self.text)
        words = (one.comparable.removeprefix(" ").removesuffix(_BETWEEN) for one in self.all)
        return f" {' '.join(filter(None, words))}{_BETWEEN}"


def split_sentences(text: str) -> Sentences:
    """Split a text into sentences; a dictated one without full stops into overlapping pieces."""
    pieces, can_join = _pieces_of(text)
    lines = _comparable_each(pieces)
    sentences = tuple(Sentence(piece.strip(), line) for piece, line in zip(pieces, lines, strict=True))
    # A negation may be written on two lines.
    can_join = can_join and not any(line.startswith((" not", " nt")) for line in lines)
    return Sentences(text, sentences, can_join)


def units(text: str) -> int:
    """Count words; a Chinese character is one."""
    return len(_UNIT.findall(text))


def comparable(text: str) -> str:
    """Return a text as patterns see it. Short quotations, which mention a word, are left out."""
    return f" {_words(_folded(_without_quotes(text)))}{_BETWEEN}"


def _comparable_each(pieces: Sequence[str]) -> list[str]:
    """Return each piece as `comparable` does, all at once: no step looks over the border between two."""
    joined = _BORDER.join(pieces)
    if _MARK.search(joined):
        joined = _BORDER.join(map(_without_quotes, pieces))
    if joined.count(_BORDER) + 1 != len(pieces):
        return list(map(comparable, pieces))
    folded = _folded(joined)
    if folded.isascii():
        return [f" {' '.join(one.split())}{_BETWEEN}" for one in folded.translate(_BLANKS).split(_BORDER)]
    return [f" {one.strip()}{_BETWEEN}" for one in _NO_WORD_OR_BORDER.sub(" ", folded).split(_BORDER)]


def _without_quotes(text: str) -> str:
    return _QUOTED.sub(_unquoted, text) if _MARK.search(text) else text


def _folded(bare: str) -> str:
    """Return a text folded, with marks between clauses, contractions written out."""
    plain = _THOUSANDS.sub("", _APOSTROPHE.sub("'", bare))
    has_dashes = not plain.isascii() or "-" in plain
    apart = _CLAUSE_END.sub(_BETWEEN, _DASH.sub(_BETWEEN, plain) if has_dashes else plain)
    folded = fold_script(fold(apart)).replace("是不是", "是否")
    return _NEGATED.sub(_written_out, folded).replace("cannot", "can not").replace("'", "")


def _written_out(found: re.Match[str]) -> str:
    return f"{_FULL.get(found[1], found[1])} not"


def _words(folded: str) -> str:
    """Return the words of a folded text, with one blank between two."""
    if folded.isascii():
        return " ".join(folded.translate(_BLANKS).replace(_BORDER, " ").split())
    return _NO_WORD.sub(" ", folded).strip()


def _unquoted(found: re.Match[str]) -> str:
    return " " if units(found[1]) <= _LONGEST_MENTION else f" {CLAUSE} {found[1]} {CLAUSE} "


def _pieces_of(text: str) -> tuple[list[str], bool]:
    """Return the sentences as written, without the signs that end them, and whether `Sentences.can_join`."""
    pieces: list[str] = []
    can_join = _MARK.search(text) is None
    start = 0
    for end in [*_SENTENCE_END.finditer(text), None]:
        piece = text[start : end.start()] if end else text[start:]
        start = end.end() if end else start
        if len(piece) <= _LONGEST or units(piece) <= _LONGEST:
            if _UNIT.search(piece):
                pieces.append(piece)
                can_join = can_join and piece[0] not in _DASHES and piece[-1] not in _DASHES
            elif piece and not piece.isspace():
                can_join = False
        else:
            pieces += _parts(piece)
            can_join = False
    return pieces, can_join


def _parts(sentence: str) -> list[str]:
    """Return overlapping pieces of a very long sentence."""
    places = [found.start() for found in _UNIT.finditer(sentence)]
    starts = range(0, len(places) - _OVERLAP, _LONGEST - _OVERLAP)
    ends = [places[start + _LONGEST] if start + _LONGEST < len(places) else len(sentence) for start in starts]
    return [sentence[places[start] : end] for start, end in zip(starts, ends, strict=True)]
