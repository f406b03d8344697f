"""The two forms in which a case is named: its reference, and the token that proves it.

People read the reference, `K7QF2MXD4`; subjects, addresses and Message-IDs have the token, `K7QF2MXD4-9F3A61C20B`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

TOKEN: Final = re.compile(r"\b([0-9A-HJKMNP-TV-Z]{9})-([0-9A-F]{10})\b", re.IGNORECASE)
MOST_TOKENS: Final = 8
LENGTH: Final = 9
# As it is printed. One reference in thirty has no digit, so a word in small letters is none.
_IN_SUBJECT: Final = re.compile(r"(?<![\w-])[0-9A-HJKMNP-TV-Z]{9}(?![\w-])", re.ASCII)
# The same in a text, where numbers of nine digits are orders and phones: one reference in 35,000 has no letter.
_IN_TEXT: Final = re.compile(r"(?<![\w-])(?!\d{9})[0-9A-HJKMNP-TV-Z]{9}(?![\w-])", re.ASCII)
# As much of a text as is searched.
_MOST_TEXT: Final = 4_000
_ALONE: Final = re.compile(r"[0-9A-HJKMNP-TV-Z]{9}")
# What people write before a reference.
_LABEL: Final = re.compile(r"\A(?:(?:REFERENCE|REF|CASE)(?![0-9A-Z])|编号|工单号|工单)")
_DASHES: Final = re.compile(r"[-\u2010-\u2015\u2212]")
# Users may type these letters in a reference; its alphabet has only the characters they look like.
_MISREAD: Final = str.maketrans("ILO", "110")
# Longer than a subject.
_LONGEST: Final = 400


def printed_tokens(places: Iterable[str]) -> tuple[str, ...]:
    """Return the tokens in some texts as they are printed, each once, at most `MOST_TOKENS`."""
    found = dict.fromkeys(match[0].upper() for place in places for match in TOKEN.finditer(place))
    return tuple(found)[:MOST_TOKENS]


def bare_references(subject: str) -> tuple[str, ...]:
    """Return what stands in a subject as references do, without a proof, each once, at most `MOST_TOKENS`."""
    return tuple(dict.fromkeys(_IN_SUBJECT.findall(unicodedata.normalize("NFKC", subject[:_LONGEST]))))[:MOST_TOKENS]


def text_references(text: str) -> tuple[str, ...]:
    """Return the one thing in a text that stands as references do; none where several might be meant, as in a list."""
    found = tuple(dict.fromkeys(_IN_TEXT.findall(text[:_MOST_TEXT])))
    return found if len(found) == 1 else ()


def typed_reference(text: str) -> str:
    """Return the reference that a person typed or pasted, as it is printed; empty if the text is not one.

    text: the reference or the token, in small or full-width letters, with spaces, hyphens, brackets or a label such as
    "编号" around it; or a whole subject, address or Message-ID with the token.
    """
    said = _DASHES.sub("-", unicodedata.normalize("NFKC", text[:_LONGEST])).upper()
    if printed := TOKEN.search(said):
        return printed[1]
    rest = _LABEL.sub("", _edges(said))
    # The proof may be cut off, as a narrow column does.
    parts = "".join(_edges(rest).split()).partition("-")
    whole = parts[0] if len(parts[0]) == LENGTH else "".join(parts).replace("-", "")
    found = whole.translate(_MISREAD)
    return found if _ALONE.fullmatch(found) else ""


def _edges(text: str) -> str:
    """Remove what is neither a letter nor a digit from both ends."""
    return re.sub(r"\A[\W_]+|[\W_]+\Z", "", text)
