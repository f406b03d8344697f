"""A text as its reader sees it: digits of any script as plain ones, no tags, no invisible characters."""

from __future__ import annotations

import re
import string
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

# Marks that stand on or around a character change its look, not what is read ("4\ufe0f\u20e3" is a key with a 4).
_INVISIBLE: Final = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20d0-\u20f0"
    r"\ufe00-\ufe0f\ufeff\U000e0000-\U000e01ef"
)
INVISIBLE: Final = _INVISIBLE
"""Invisible characters, for a character class."""
UNSEEN: Final = rf"[{_INVISIBLE}]|<[^<>]{{0,2000}}>|&(?:shy|zwnj|zwj|\#8203|\#x200b);"
"""A pattern of what the reader does not see, not even as a gap."""
TAG: Final = re.compile(r"<[^<>]{0,2000}>")
_UNSEEN_SIGN: Final = re.compile(rf"[<&{_INVISIBLE}]")
# The reader sees a gap at the tags of the group; other tags may stand inside a word.
_HIDDEN: Final = re.compile(
    rf"(</?(?:p|div|br|td|th|tr|li|h[1-6]|table|ul|ol|dd|dt|hr|blockquote|pre)\b[^<>]{{0,2000}}>)|{UNSEEN}",
    re.IGNORECASE,
)

_CHINESE: Final = "〇零一二三四五六七八九幺壹贰貳叁參肆伍陆陸柒捌玖"
_CHINESE_VALUES: Final = "0012345678911223345667" + "89"
# Full-width forms stand at this distance from the plain ones.
_WIDTH: Final = 0xFEE0
_WIDE: Final = {chr(ord(char) + _WIDTH): char for char in f"{string.ascii_letters}@#_.-%="}
# No digit has a higher number, and this runs at every start.
_LAST_DIGIT: Final = 0x20000


def _digits_of_all_scripts() -> dict[str, str]:
    """Return each character that stands for one digit (full width, circled, of another script) -> the digit."""
    values = ((chr(code), unicodedata.digit(chr(code), None)) for code in range(0x80, _LAST_DIGIT))
    return {char: str(value) for char, value in values if value is not None}


def _char_class(chars: Iterable[str]) -> str:
    """Return the inside of a character class, neighbours as ranges."""
    ranges: list[list[int]] = []
    for code in sorted(map(ord, chars)):
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)


_OTHER_DIGITS: Final = _digits_of_all_scripts()
# One character replaces one, so that positions in the narrow text are positions in the original.
_NARROW: Final = str.maketrans(_OTHER_DIGITS | _WIDE)
_NARROW_CHINESE: Final = _NARROW | str.maketrans(_CHINESE, _CHINESE_VALUES)
_IS_WIDE: Final = re.compile(f"[{_char_class((*_OTHER_DIGITS, *_WIDE))}]")
# Fewer of them are words: "一个", "三千", "二〇二六".
_IS_CHINESE_NUMBER: Final = re.compile(rf"[{_CHINESE}](?:[\s\-,，、.·]?[{_CHINESE}]){{5}}|[{_CHINESE}]{{4}}")


def narrow(text: str) -> str:
    """Return the text, of equal length, with the digits of every script and width as plain ones."""
    if text.isascii():
        return text
    if _IS_CHINESE_NUMBER.search(text):
        return text.translate(_NARROW_CHINESE)
    return text.translate(_NARROW) if _IS_WIDE.search(text) else text


@dataclass(frozen=True, slots=True)
class FoundSecret:
    """One secret at text[start:end], and the text that replaces it."""

    start: int
    end: int
    kind: str
    shown: str


@dataclass(frozen=True, slots=True)
class VisibleText:
    """What the reader sees of a text or a piece of HTML, and where it stands in it; build with `see`."""

    text: str
    source: str

    def originals(self, found: Iterable[FoundSecret]) -> list[FoundSecret]:
        """Return the same secrets at their positions in the source."""
        secrets = list(found)
        if not secrets or self.text is self.source:
            return secrets
        starts, origins = self._pieces()

        def origin(position: int) -> int:
            piece = bisect_right(starts, position) - 1
            return origins[piece] + position - starts[piece]

        return [replace(one, start=origin(one.start), end=origin(one.end - 1) + 1) for one in secrets]

    def _pieces(self) -> tuple[list[int], list[int]]:
        """Return where the visible pieces begin, here and in the source."""
        starts, origins, hidden = [0], [0], 0
        for match in _HIDDEN.finditer(self.source):
            start, end = match.span()
            is_gap = match.lastindex is not None
            if is_gap:
                # The blank stands where the tag begins.
                starts.append(start - hidden)
                origins.append(start)
            hidden += end - start - is_gap
            starts.append(end - hidden)
            origins.append(end)
        return starts, origins


def see(text: str) -> VisibleText:
    """Return what the reader sees of a narrow text."""
    if not _UNSEEN_SIGN.search(text):
        return VisibleText(text, text)
    # Split with one group: text, dividing tag or None, text, ...
    pieces: list[str | None] = [*_HIDDEN.split(text)]
    if len(pieces) == 1:
        return VisibleText(text, text)
    pieces[1::2] = [" " if tag else "" for tag in pieces[1::2]]
    return VisibleText("".join(filter(None, pieces)), text)
