"""Read a header section: fields in order, unfolded, decoded, also where they are malformed.

This module reads the section, not a MIME parser, because identity depends on it: an address is found in the raw
field first, and only its display name is decoded (RFC 2047 section 5 (3)), so no encoded word can pose as an address.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from connectors.email.mime import charsets, limits

_FIELD: Final = re.compile(r"^([!-9;-~]+)[ \t]*:[ \t]*(.*(?:\n[ \t].*)*)", re.MULTILINE)
_FIELD_BYTES: Final = re.compile(rb"[!-9;-~]+[ \t]*:")
# `From ` is the envelope line of a mailbox file (RFC 4155), not the end of a section.
_STRAY_LINE: Final = re.compile(rb"^(?![!-9;-~]+[ \t]*:|[ \t]|>?From )", re.MULTILINE)
_BREAKS: Final = (b"\r", b"\n")
# Nearly all header sections end within this; a search of the whole mail for a missing line takes longer.
_NEAR: Final = 32 * 1024
_CHARSET: Final = re.compile(rb"charset\s{0,4}=[\s\"']{0,4}([a-z0-9_.:-]{2,40})|=\?([a-z0-9_.:-]{2,40})\?[bq]\?")
_EVERYWHERE: Final = {"us-ascii", "ascii", "utf-8", "utf8"}
_HINTS: Final = 20
# Header sections with all their trace fields take 2 to 12 KB; the first part's fields follow.
_HINT_BYTES: Final = 16 * 1024
_FOLD: Final = re.compile(r"\r?\n[ \t]*")
# Lenient on purpose: senders leave blanks and question marks inside encoded words, which RFC 2047 section 2 forbids.
# `?=E9` goes on if the word ends later. The bound on question marks keeps an endless row of beginnings linear.
_ENCODED_WORD: Final = re.compile(
    r"=\?([^?\s*]{1,40})(?:\*[^?\s]{0,20})?\?"
    r"(?:([bB])\?([^?]*)|([qQ])\?([^?]*(?:(?<!=)\?(?!=(?![0-9A-Fa-f]{2}))[^?]*){0,8}))\?="
)
_QUOTED_BYTE: Final = re.compile(r"=([0-9A-Fa-f]{2})")
_NOT_BASE64: Final = re.compile(r"[^A-Za-z0-9+/]")


@dataclass(frozen=True, slots=True)
class Headers:
    """The fields of one header section. Values are kept as latin-1 text, one character per byte, until they are read.

    source: the bytes in which to look for a charset's name, for fields that declare none.
    """

    fields: dict[str, list[str]]
    source: bytes = b""

    def hint(self) -> tuple[str, ...]:
        """Return the charsets that the mail names and that are not usual ones, in order, each once.

        Called only for bytes that declare none, or a false one: their neighbours' charset is the best guess.
        """
        found = islice(_CHARSET.finditer(self.source[:_HINT_BYTES].lower()), _HINTS)
        names = dict.fromkeys((match[1] or match[2]).decode("ascii") for match in found)
        return tuple(name for name in names if name not in _EVERYWHERE)

    def raw(self, name: str) -> str:
        """Return the first field of that (lower-case) name, unfolded but not decoded; empty if there is none."""
        values = self.fields.get(name)
        if not values:
            return ""
        value = values[0]
        return unfold(value) if "\n" in value else value.strip()

    def last(self, name: str) -> str:
        """Return the last field of that name as `raw` does: RFC 8621 section 4.1.3 reads the last MIME field."""
        values = self.fields.get(name)
        return unfold(values[-1]) if values else ""

    def text(self, name: str) -> str:
        """Return the first field of that name, decoded for people to read; empty if there is none."""
        values = self.fields.get(name)
        return decode_words(self.readable(values[0])) if values else ""

    def each(self, name: str) -> Iterator[str]:
        """Yield every field of that name, unfolded, 8-bit bytes decoded, encoded words left as they are."""
        for value in self.fields.get(name, ()):
            yield self.readable(value)

    def readable(self, value: str) -> str:
        """Unfold a field and decode its 8-bit bytes; encoded words are left as they are."""
        if not value.isascii() or "\x1b" in value or "~{" in value:
            # Damaged escape sequences can give zeros, which databases refuse in text.
            value = charsets.decode(value.encode("latin-1"), hint=self.hint).replace("\0", "")
        return unfold(value) if "\n" in value else value.strip()


def open_mail(raw: bytes) -> tuple[Headers, bytes]:
    """Separate a mail's header section from its body, and read the fields.

    RFC 5322 section 2.1: the first empty line ends the section. Without one, the first line that is neither
    a field nor the continuation of one ends it. Within a section such lines are skipped: relays leave them there.
    """
    if raw.find(b"\n", 0, limits.HEADER_BYTES) < 0 and raw.find(b"\r", 0, limits.HEADER_BYTES) >= 0:
        raw = raw.replace(b"\r", b"\n")
    start = _first_field(raw) if raw[:1] in _BREAKS else 0
    full, bare = _empty_line(raw, start, start + _NEAR) if start >= 0 else (-1, -1)
    if full < 0 and bare < 0:
        full, bare = _empty_line(raw, start, len(raw))
    if full >= 0 and bare < 0:
        end, body = full, full + 3
    elif bare >= 0:
        end, body = bare, bare + 2
    else:
        end = body = _first_stray_line(raw, start)
    if start < 0:
        end, body = 0, -start
    head = raw[max(start, 0) : end][: limits.HEADER_BYTES].replace(b"\r\n", b"\n").replace(b"\0", b"")
    return read_fields(head, source=raw), raw[body:]


def _empty_line(raw: bytes, start: int, end: int) -> tuple[int, int]:
    """Return where the first empty line is if it ends with CRLF, and where if with LF alone; -1 for the other."""
    full = raw.find(b"\n\r\n", start, end)
    if full >= 0:
        end = full
    elif end < len(raw):
        # An empty line of the other kind that begins in the last two bytes ends after them.
        end -= 2
    return full, raw.find(b"\n\n", start, end)


def _first_field(raw: bytes) -> int:
    """Return where the header section begins after empty lines; without one, minus the start of the body."""
    rest = raw.lstrip(b"\r\n")
    if _FIELD_BYTES.match(rest):
        return len(raw) - len(rest)
    return -2 if raw[:2] == b"\r\n" else -1


def _first_stray_line(raw: bytes, start: int) -> int:
    match = _STRAY_LINE.search(raw, max(start, 0), limits.HEADER_BYTES)
    return match.start() if match else len(raw)


def read_fields(head: bytes, *, source: bytes = b"") -> Headers:
    """Read a header section with bare line feeds. Lines that are not fields are skipped.

    source: where charsets are named (see Headers).
    """
    fields: dict[str, list[str]] = {}
    for given, value in _FIELD.findall(head.decode("latin-1"))[: limits.HEADERS]:
        name = given.lower()
        if name in fields:
            fields[name].append(value[: limits.FIELD_CHARACTERS])
        else:
            fields[name] = [value[: limits.FIELD_CHARACTERS]]
    return Headers(fields, source)


def unfold(value: str) -> str:
    """Join a folded field (RFC 5322 section 2.2.3), one blank for each fold."""
    return _FOLD.sub(" ", value).strip() if "\n" in value else value.strip()


def decode_words(value: str) -> str:
    """Decode the encoded words of an unfolded field (RFC 2047).

    Neighbouring words of one charset are joined before decoding, because senders split characters between them.
    """
    if "=?" not in value:
        return value
    pieces: list[str] = []
    pending, charset, end = b"", "", 0
    for match in _ENCODED_WORD.finditer(value):
        between = value[end : match.start()]
        if pending and (between.strip() or match[1].lower() != charset):
            pieces.append(charsets.decode(pending, charset))
            pending = b""
            between = between if between.strip() else ""
        if not pending and not (end and not between.strip()):
            pieces.append(between)
        pending, charset, end = (
            pending + _word_bytes(match[2] or match[4], match[3] or match[5] or ""),
            match[1].lower(),
            match.end(),
        )
    if pending:
        pieces.append(charsets.decode(pending, charset))
    pieces.append(value[end:])
    # Databases refuse a zero in text, and people cannot read it.
    return "".join(pieces).replace("\x00", "")


def _word_bytes(encoding: str, text: str) -> bytes:
    if encoding in "qQ":
        spaced = text.replace("_", " ").encode("utf-8", "surrogateescape").decode("latin-1")
        return _QUOTED_BYTE.sub(lambda match: chr(int(match[1], 16)), spaced).encode("latin-1")
    symbols = _NOT_BASE64.sub("", text)
    # A lone last symbol carries six bits and no byte; the decoder would refuse the word because of it.
    symbols = symbols[:-1] if len(symbols) % 4 == 1 else symbols
    return b64decode(symbols + "=" * (-len(symbols) % 4))
