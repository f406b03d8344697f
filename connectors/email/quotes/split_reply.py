"""Separate the new words of a mail from its quotes and its signature.

The mail's HTML is read first, because programs mark their quotes in it; then the lines of the text.
`mail-parser-reply` is the best public library for this and was measured: right on half of the mails that this module
reads correctly, and quadratic (6 KB of line feeds take it 6 s). `benchmarks.mail` compares the two.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from connectors.email.quotes.html import mark_lines
from connectors.email.quotes.lines import (
    SIGNED,
    LineMark,
    QuoteOpening,
    attribution_start,
    headers_end,
    is_bare_attribution,
    is_only_address,
    is_quoted,
    is_rule,
    is_sign_off,
    role_of,
    separator,
)
from connectors.email.quotes.markers import LABELS

# A line is examined closely only if it begins or ends like the opening of a quote or like a sign-off.
_QUOTES: Final = frozenset(">＞")
_BARS: Final = frozenset("|*")
_DASHES: Final = frozenset("-‐‑‒–—―_=~#")
_DELIMITERS: Final = frozenset({"--", "—", "——"})
_COLONS: Final = frozenset(":：")
# A label of one letter is followed directly by its colon; Chinese programs insert blanks into theirs ("主　题").
_LABELLED: Final = frozenset(
    begin for labels in LABELS.values() for label in labels for begin in (f"{label}:"[:2], f"{label[0]}　")
)
_FIRST: Final = _QUOTES | _BARS | _DASHES
_BEGINNINGS: Final = _LABELLED | SIGNED
# A colon, or the last letter of "wrote".
_LAST: Final = _COLONS | {"e"}
_LABEL_CHARACTERS: Final = 36
_SIGN_OFF_CHARACTERS: Final = 100
# RFC 3676 section 4.3 writes "-- "; if its blank is missing, a longer text below it is not a signature.
_SIGNATURE_LINES: Final = 20
_CARD_LINES: Final = 10
# Wrapping occurs near the 72 to 78 characters that RFC 5322 section 2.1.1 recommends.
_WRAPPED: Final = 60
_TRAILING: Final = "*_- \t\xa0"
_ATTRIBUTION_ENDINGS: Final = (":", "：", "wrote")
# Written by a program that turns a page into one line: "Yes, do it. On Mon, 16 Nov 2026, Desk wrote:".
_SHARED_LINE: Final = re.compile(
    r"(?<=[^\s-])[ \t]{0,3}"
    r"(?=(?:-{2,3})?[ \t]{1,3}On (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},? [^\n]{0,300}wrote:[ \t]{0,9}$)",
    re.MULTILINE,
)
# An address at the end of an attribution that a program broke off, with or without an empty line.
_BROKEN_ADDRESS: Final = re.compile(
    r"<[ \t]{0,3}\n{1,2}[ \t]{0,3}(?=[^\s<>@]{1,64}@[^\s<>@]{1,190}>:)"
    r"|(<[^\s<>@]{1,64}@[^\s<>@]{1,190})\n{1,2}[ \t]{0,3}(?=>:)"
)
_POSTSCRIPT: Final = re.compile(
    r"\s{0,9}(?:P\.?\s?S\b\.?|N\.?B\b\.?|附言|又及|补充|補充|另外|另[:：，])", re.IGNORECASE
)
# What a card has on a line: nothing, a name or a title, an address, a telephone number.
_CARD_LINE: Final = re.compile(
    r"(?:[^\W\d_]|[ .·'’\-()（）]){0,24}|[^\s<>@,，]{1,64}@[^\s<>@,，]{1,190}|\+?\d[\d \-]{6,18}\d"
)
_BLANK_LINES: Final = re.compile(r"\n[^\S\n]*(?:\n[^\S\n]*){2,}")


@dataclass(frozen=True, slots=True)
class SplitReply:
    """text: the new words only.  quoted: what the mail quotes.  signature: the writer's sign-off."""

    text: str
    quoted: str = ""
    signature: str = ""


def split_reply(text: str, *, html: str = "") -> SplitReply:
    """Return the new words of a mail, separate from the rest.

    html: the same mail's unsanitised HTML; its structure shows where quotes begin.
    A mail without new words that forwards another one has that one's words as its text: they are the message to us.
    Linear in both lengths, for any input.
    """
    if not html and "wrote:" in text:
        text = _SHARED_LINE.sub("\n", text)
    if ">:" in text:
        text = _BROKEN_ADDRESS.sub(lambda match: match[1] or "<", text)
    lines = text.split("\n")
    marks = mark_lines(lines, html=html) if html else {}
    scan = _Scan(lines, marks, text=text)
    if not scan.suspects and not marks:
        return SplitReply(text.strip())
    opening = scan.run()
    kinds = scan.kinds
    if opening in {QuoteOpening.FORWARD, QuoteOpening.HEADERS} and not _of(lines, kinds, LineMark.NEW):
        return SplitReply(_of(lines, kinds, LineMark.QUOTED), "", _of(lines, kinds, LineMark.SIGNATURE))
    words = SplitReply(*(_of(lines, kinds, mark) for mark in (LineMark.NEW, LineMark.QUOTED, LineMark.SIGNATURE)))
    return words if words.text else _below_signature(words)


def _below_signature(words: SplitReply) -> SplitReply:
    """Return the words that were typed below a signature, where a mail has no others: some programs put it on top."""
    first, _, rest = words.signature.partition("\n\n")
    is_delimited = first.split("\n", 1)[0].strip() in _DELIMITERS
    return SplitReply(rest.strip(), words.quoted, first) if is_delimited and rest.strip() else words


def _suspects(lines: Sequence[str], text: str) -> list[int]:
    # Beginnings that need a colon are not searched for in a text without one.
    beginnings = _BEGINNINGS if ":" in text or "：" in text else SIGNED
    endings = _LAST if "wrote" in text else _COLONS
    found = []
    for index, line in enumerate(lines):
        bare = line.strip()
        # Most lines begin and end like nothing of this kind and are not examined further.
        if bare and (bare[0] in _FIRST or bare[-1] in endings or bare[:2].lower() in beginnings) and _is_suspect(bare):
            found.append(index)
    return found


def _is_suspect(bare: str) -> bool:
    first = bare[0]
    # An empty quoted line consists of its mark alone.
    if first in _QUOTES:
        return True
    if first in _BARS or bare[-1] in _COLONS:
        return len(bare) > 1
    if first in _DASHES:
        return bare in _DELIMITERS or (bare[1:2] in _DASHES and not is_rule(bare))
    key = bare[:2].lower()
    return (
        (key in _LABELLED and (bare.find(":", 0, _LABEL_CHARACTERS) > 0 or bare.find("：", 0, _LABEL_CHARACTERS) > 0))
        or (key in SIGNED and len(bare) <= _SIGN_OFF_CHARACTERS and is_sign_off(bare))
        or bare.endswith("wrote")
    )


def _of(lines: Sequence[str], kinds: Sequence[LineMark], wanted: LineMark) -> str:
    chosen = "\n".join(line for line, kind in zip(lines, kinds, strict=True) if kind is wanted).strip()
    return _BLANK_LINES.sub("\n\n", chosen) if len(set(kinds)) > 1 else chosen


class _Scan:
    """The lines of one mail while they are sorted. kinds: the role of each line, so far."""

    def __init__(self, lines: Sequence[str], marks: Mapping[int, LineMark], *, text: str) -> None:
        self.lines = lines
        self.kinds = (
            [marks.get(index, LineMark.NEW) for index in range(len(lines))] if marks else [LineMark.NEW] * len(lines)
        )
        self.suspects = _suspects(lines, text)

    def run(self) -> QuoteOpening | None:
        """Sort every line; return how the last quote opens; None if there is no quote."""
        opening: QuoteOpening | None = None
        end = 0
        for index in self.suspects:
            if index < end:
                continue
            if is_quoted(self.lines[index]):
                self._quote_line(index)
                continue
            if self.lines[index].strip() in _DELIMITERS:
                continue
            found = self._open(index, floor=end)
            if found is None:
                continue
            opening, start, end = found
            if opening is QuoteOpening.HEADERS:
                start = self._with_own_address(start, floor=end if end < start else 0)
            if self._ends_card(start):
                self._close(self._card_above(start), start, LineMark.SIGNATURE)
            if self._goes_on(end):
                self._quote(self._with_rules(start), len(self.lines))
                break
            self._quote(start, self._next(end))
        self._join_rules()
        self._sign()
        return opening

    def _open(self, index: int, *, floor: int) -> tuple[QuoteOpening, int, int] | None:
        """Return how, from where and to where the line opens a quote."""
        line = self.lines[index]
        drawn = separator(line, above=self.lines[index - 1] if index else "")
        if drawn:
            return drawn, index, max(index + 1, headers_end(self.lines, self._next(index + 1)))
        if role_of(line):
            end = headers_end(self.lines, index)
            if end > index:
                return QuoteOpening.HEADERS, index, end
        if line.rstrip(_TRAILING).endswith(_ATTRIBUTION_ENDINGS):
            start = attribution_start(self.lines, index, floor=floor, followed=not self._goes_on(index + 1))
            if start is not None:
                return QuoteOpening.ATTRIBUTION, start, index + 1
        return None

    def _next(self, index: int) -> int:
        while index < len(self.lines) and not self.lines[index].strip():
            index += 1
        return index

    def _goes_on(self, end: int) -> bool:
        """Return whether the quote continues without marks: then it reaches to the end, because no mark ends it."""
        below = self._next(end)
        return below == len(self.lines) or not (is_quoted(self.lines[below]) or self.kinds[below] is LineMark.QUOTED)

    def _quote_line(self, index: int) -> None:
        self.kinds[index] = LineMark.QUOTED
        self._quote_bare_attribution(index)
        # A mailer that wraps quoted lines leaves the wrapped ends unmarked between two marked lines.
        above = self.lines[index - 2] if index > 1 else ""
        between = self.lines[index - 1] if index else ""
        if not is_quoted(above):
            return
        wrapped = len(above) >= _WRAPPED and between[:1].islower() and len(between) < len(above)
        # Or the line closes a link that the line above broke off.
        if wrapped or (between.rstrip().endswith(">") and "<" not in between):
            self.kinds[index - 1] = LineMark.QUOTED

    def _quote_bare_attribution(self, index: int) -> None:
        above = index - 1
        while above >= max(0, index - 3) and not self.lines[above].strip():
            above -= 1
        if 0 <= above < index and self.kinds[above] is LineMark.NEW and is_bare_attribution(self.lines[above]):
            self._quote(above, index)

    def _quote(self, start: int, end: int) -> None:
        self.kinds[start:end] = [LineMark.QUOTED] * (end - start)

    def _with_own_address(self, start: int, *, floor: int) -> int:
        """Return where the quote begins with the sender's own address in it, which stands alone above it."""
        above = start - 1
        while above > max(floor, start - 4) and not self.lines[above].strip():
            above -= 1
        alone = above > floor and not self.lines[above - 1].strip()
        return above if alone and is_only_address(self.lines[above]) else start

    def _with_rules(self, start: int) -> int:
        """Return where the drawn lines right above a quote begin."""
        above = start
        while above > 0 and (not self.lines[above - 1].strip() or is_rule(self.lines[above - 1])):
            above -= 1
        return above

    def _join_rules(self) -> None:
        """Quote the drawn lines right above a quote that the page marks: Outlook's text has one for its ruler."""
        for index in range(1, len(self.lines)):
            if self.kinds[index] is LineMark.QUOTED and self.kinds[index - 1] is LineMark.NEW:
                start = self._with_rules(index)
                if any(line.strip() for line in self.lines[start:index]):
                    self._quote(start, index)

    def _sign(self) -> None:
        for index in self.suspects:
            if self.kinds[index] is not LineMark.NEW:
                continue
            if self._is_delimiter(index):
                self._close(index, len(self.lines), LineMark.SIGNATURE)
                return
            if is_sign_off(self.lines[index]) and self._stands_alone(index):
                self._sign_off(index)

    def _is_delimiter(self, index: int) -> bool:
        line = self.lines[index]
        if line in {"-- ", "--\xa0"}:
            return True
        if len(self.lines) - index > _SIGNATURE_LINES or line.strip() not in _DELIMITERS:
            return False
        return any(below.strip() for below in self.lines[index + 1 :])

    def _stands_alone(self, index: int) -> bool:
        return index == 0 or not self.lines[index - 1].strip(" \t\xa0|-_") or self.kinds[index - 1] is not LineMark.NEW

    def _sign_off(self, index: int) -> None:
        card = self._card_above(index)
        self._close(card, index + 1, LineMark.SIGNATURE)
        has_words = any(
            self.kinds[above] is LineMark.NEW and self.lines[above].strip() for above in range(max(0, card - 50), card)
        )
        if has_words and index + 1 < len(self.lines) and not self._is_postscript(index + 1):
            # A phone puts the mail that it answers below its signature, often without any other mark.
            below = LineMark.SIGNATURE if self.lines[index + 1].strip() else LineMark.QUOTED
            self._close(index + 1, len(self.lines), below)

    def _is_postscript(self, start: int) -> bool:
        """Return whether a postscript stands below a sign-off, after an empty line."""
        below = self._next(start)
        return start < below < len(self.lines) and _POSTSCRIPT.match(self.lines[below]) is not None

    def _card_above(self, index: int) -> int:
        """Return where the name card begins that NetEase's Mail Master draws with bars above its sign-off."""
        first = index
        for above in range(index - 1, max(-1, index - _CARD_LINES), -1):
            bare = self.lines[above].strip()
            if bare and not bare.strip("| "):
                first = above
        return first

    def _ends_card(self, start: int) -> bool:
        """Return whether Mail Master's card without its sign-off stands right above: names and numbers between bars."""
        above = start - 1
        while above > max(0, start - 4) and not self.lines[above].strip():
            above -= 1
        bare = self.lines[above].strip() if above > 0 else ""
        if not bare or bare.strip("| "):
            return False
        # A table that the customer pasted is drawn with the same bars.
        return all(_CARD_LINE.fullmatch(line.strip("| \t")) for line in self.lines[self._card_above(start) : start])

    def _close(self, start: int, end: int, mark: LineMark) -> None:
        for index in range(start, end):
            if self.kinds[index] is LineMark.NEW:
                self.kinds[index] = mark
