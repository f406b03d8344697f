"""Texts as sentences that word patterns can be compared with: folded, simplified, contractions written out."""

from __future__ import annotations

import re
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
_THOUSANDS: Final = re.compile(r"(?<=\d)[,，](?=\d{3})")
_CLAUSE_END: Final = re.compile(r"[,，、:：()（）~～]+")
_DASH: Final = re.compile(r"\s[-\u2013\u2014]+\s")
_BETWEEN: Final = f" {CLAUSE} "
_APOSTROPHE: Final = re.compile("['\u2018\u2019\u02bc`\u00b4]")
_NO_WORD: Final = re.compile(r"[^\w|]+")
_BLANKS: Final = str.maketrans({code: " " for code in range(128) if _NO_WORD.match(chr(code))})
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
    is_question: bool


def sentences_of(text: str) -> tuple[Sentence, ...]:
    """Split a text into sentences; a dictated one without full stops into overlapping pieces."""
    found: list[Sentence] = []
    start = 0
    for end in [*_SENTENCE_END.finditer(text), None]:
        stop = end.start() if end else len(text)
        mark = end.group() if end else ""
        found.extend(_sentence(piece, mark) for piece in _pieces(text[start:stop]))
        start = end.end() if end else stop
    return tuple(found)


def units(text: str) -> int:
    """Count words; a Chinese character is one."""
    return len(_UNIT.findall(text))


def comparable(text: str) -> str:
    """Return a text as patterns see it. Short quotations, which mention a word, are left out."""
    bare = _APOSTROPHE.sub("'", _QUOTED.sub(_unquoted, text) if _MARK.search(text) else text)
    apart = _CLAUSE_END.sub(_BETWEEN, _DASH.sub(_BETWEEN, _THOUSANDS.sub("", bare)))
    folded = fold_script(fold(apart)).replace("是不是", "是否")
    full = _NEGATED.sub(_written_out, folded).replace("cannot", "can not").replace("'", "")
    return f" {_words(full)} {CLAUSE} "


def _written_out(found: re.Match[str]) -> str:
    return f"{_FULL.get(found[1], found[1])} not"


def _words(folded: str) -> str:
    """Return the words of a folded text, with one blank between two."""
    if folded.isascii():
        return " ".join(folded.translate(_BLANKS).split())
    return _NO_WORD.sub(" ", folded).strip()


def _unquoted(found: re.Match[str]) -> str:
    return " " if units(found[1]) <= _LONGEST_MENTION else f" {CLAUSE} {found[1]} {CLAUSE} "


def _sentence(piece: str, mark: str) -> Sentence:
    return Sentence(piece.strip(), comparable(piece), "?" in mark or "？" in mark)


def _pieces(sentence: str) -> list[str]:
    """Return the sentence, or overlapping pieces of a very long one; nothing for a blank one."""
    if len(sentence) <= _LONGEST or units(sentence) <= _LONGEST:
        return [sentence] if _UNIT.search(sentence) else []
    places = [found.start() for found in _UNIT.finditer(sentence)]
    starts = range(0, len(places) - _OVERLAP, _LONGEST - _OVERLAP)
    ends = [places[start + _LONGEST] if start + _LONGEST < len(places) else len(sentence) for start in starts]
    return [sentence[places[start] : end] for start, end in zip(starts, ends, strict=True)]
