"""Read a header section: fields in order, unfolded, decoded however they were written.

The section is read here and not by a MIME parser because identity hangs on it: an address is found in the raw
field first, and only its display name is decoded (RFC 2047 section 5 (3)), so no encoded word can pose as an address.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from connectors.email import charsets, limits

_FIELD: Final = re.compile(r"^([!-9;-~]+)[ \t]*:[ \t]*(.*(?:\n[ \t].*)*)", re.MULTILINE)
_FOLD: Final = re.compile(r"\r?\n[ \t]*")
# Lenient on purpose: senders leave blanks inside encoded words, which RFC 2047 section 2 forbids.
_ENCODED_WORD: Final = re.compile(r"=\?([^?\s*]{1,40})(?:\*[^?\s]{0,20})?\?([bBqQ])\?([^?]*)\?=")
_QUOTED_BYTE: Final = re.compile(r"=([0-9A-Fa-f]{2})")
_NOT_BASE64: Final = re.compile(r"[^A-Za-z0-9+/]")


@dataclass(frozen=True, slots=True)
class Headers:
    """The fields of one header section. Values are kept as latin-1 text, one character a byte, until they are read.

    hint: a charset declared somewhere in the mail, for fields in raw 8-bit bytes that declare none.
    """

    fields: dict[str, list[str]]
    hint: str = ""
    count: int = field(default=0)

    def raw(self, name: str) -> str:
        """Return the first field of that (lower-case) name, unfolded but not decoded; empty if there is none."""
        values = self.fields.get(name)
        return unfold(values[0]) if values else ""

    def text(self, name: str) -> str:
        """Return the first field of that name as a person reads it; empty if there is none."""
        values = self.fields.get(name)
        return decode_words(self.readable(values[0])) if values else ""

    def each(self, name: str) -> Iterator[str]:
        """Yield every field of that name, unfolded, 8-bit bytes decoded, encoded words left alone."""
        for value in self.fields.get(name, ()):
            yield self.readable(value)

    def readable(self, value: str) -> str:
        """Unfold a field and decode its 8-bit bytes, leaving encoded words alone."""
        if not value.isascii():
            value = charsets.decode(value.encode("latin-1"), hint=self.hint)
        return unfold(value)


def split_head(raw: bytes) -> tuple[bytes, int]:
    """Return the header section with bare line feeds, and where the body starts.

    RFC 5322 section 2.1: the first empty line ends the section; without one the whole message is header.
    """
    if raw[:1] in (b"\n", b"\r"):
        return b"", 2 if raw[:2] == b"\r\n" else 1
    bare, full = raw.find(b"\n\n"), raw.find(b"\n\r\n")
    if full >= 0 and (bare < 0 or full < bare):
        return raw[:full].replace(b"\r\n", b"\n"), full + 3
    if bare >= 0:
        return raw[:bare].replace(b"\r\n", b"\n"), bare + 2
    return raw[: limits.HEADER_BYTES].replace(b"\r\n", b"\n"), len(raw)


def read_fields(head: bytes, *, hint: str = "") -> Headers:
    """Read a header section that `split_head` cut. Lines that are no field are passed over."""
    fields: dict[str, list[str]] = {}
    count = 0
    text = head[: limits.HEADER_BYTES].decode("latin-1")
    for match in islice(_FIELD.finditer(text), limits.HEADERS):
        fields.setdefault(match[1].lower(), []).append(match[2][: limits.FIELD_CHARACTERS])
        count += 1
    return Headers(fields, hint, count)


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
        pending, charset, end = pending + _word_bytes(match[2], match[3]), match[1].lower(), match.end()
    if pending:
        pieces.append(charsets.decode(pending, charset))
    pieces.append(value[end:])
    return "".join(pieces)


def _word_bytes(encoding: str, text: str) -> bytes:
    if encoding in "qQ":
        spaced = text.replace("_", " ").encode("utf-8", "surrogateescape").decode("latin-1")
        return _QUOTED_BYTE.sub(lambda match: chr(int(match[1], 16)), spaced).encode("latin-1")
    symbols = _NOT_BASE64.sub("", text)
    # A lone last symbol carries six bits and no byte; it would make the decoder refuse the word.
    symbols = symbols[:-1] if len(symbols) % 4 == 1 else symbols
    return b64decode(symbols + "=" * (-len(symbols) % 4))
