"""Decode base64 as mail has it (RFC 2045 section 6.8), and keep what is no base64 although its label says so."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error, a2b_base64
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from connectors.email.mime import charsets
from connectors.email.mime.evidence import likely_charset

DAMAGED: Final = "A part's base64 is damaged; what can be decoded of it is shown."
NOT_ENCODED: Final = "A part is labelled base64, but some or all of it is not encoded; it is shown as it stands."
NOT_QUOTED: Final = "A part is labelled quoted-printable and holds bytes that are not encoded; they were kept."
_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_BASE64: Final = bytes(set(range(256)) - set(_ALPHABET))
_BREAKS: Final = b"\r\n"
_LINE: Final = re.compile(rb"[A-Za-z0-9+/]*={0,2}")
# More than one byte in this many outside the alphabet: these are words, or bytes that were never encoded.
_STRANGE: Final = 12
# Bytes that are UTF-8 by chance are rarer still.
_STRANGE_UTF_8: Final = 4
# No word is as long as a line of base64, which has 60 to 76 symbols.
_LONG_LINE: Final = 50
# No text holds these; random bytes do.
_CONTROLS: Final = bytes((*range(9), 11, *range(14, 27), 28, 29, 30, 31, 127))
_FIRST: Final = 120
_SAMPLE: Final = 4_000


@dataclass(frozen=True, slots=True)
class Content:
    """A part's bytes. charset: theirs if it is not the one that the part declares.  defect: a sentence or empty.

    footer: the words that a gateway wrote below the encoded ones.
    """

    data: bytes
    charset: str = ""
    defect: str = ""
    footer: str = ""


def read_text(symbols: bytes, charset: str, *, is_plain: bool) -> Content:
    """Return the bytes of a text that is labelled base64; all of it is kept, also where it is not base64.

    charset: the one that the part declares.  is_plain: words below the encoded ones are returned apart.
    """
    clean = _clean(symbols)
    if clean is not None and (_is_text(clean, charset) or _is_no_word(symbols) or likely_charset(clean)):
        return Content(clean)
    lenient = _lenient(symbols)
    allowed = _STRANGE_UTF_8 if charsets.fits(lenient[:_SAMPLE], "utf-8") else _STRANGE
    strange = len(symbols.translate(None, _ALPHABET + b"=\r\n"))
    if symbols.isascii() and _is_text(lenient, charset) and strange * allowed <= len(symbols):
        return Content(lenient, defect=DAMAGED)
    # Pieces of both kinds may have two charsets: each is read by itself.
    pieces = [(charsets.decode(data, charset), encoded) for data, encoded in _pieces(symbols.strip(_BREAKS), charset)]
    count = next((index for index, (_, encoded) in enumerate(pieces) if not encoded), len(pieces)) if is_plain else 0
    # Databases refuse a zero in text.
    footer = _joined(pieces[count:]).replace("\0", "") if count else ""
    defect = DAMAGED if all(encoded or not text.strip() for text, encoded in pieces) else NOT_ENCODED
    return Content(_joined(pieces[: count or None]).encode("utf-8", "replace"), "utf-8", defect, footer)


def read_file(symbols: bytes) -> Content:
    """Return the bytes of a file that is labelled base64; they stand as they are if they cannot be base64."""
    try:
        return Content(a2b_base64(symbols), defect=DAMAGED)
    except Error:
        strange = len(symbols.translate(None, _ALPHABET + b"= \t\r\n"))
        if strange * _STRANGE > len(symbols):
            return Content(symbols, defect=NOT_ENCODED)
        return Content(_lenient(symbols), defect=DAMAGED)


def seems_encoded(content: bytes, charset: str) -> bool:
    """Return whether the beginning of decoded base64 is text: words that were never encoded give other bytes."""
    sample = content[:_FIRST]
    begun = sample.decode("utf-8", "replace").rstrip("\ufffd")
    if "\ufffd" not in begun and len(sample.translate(None, _CONTROLS)) == len(sample):
        return True
    return _is_text(content[:_SAMPLE], charset)


def _clean(symbols: bytes) -> bytes | None:
    """Return the decoded bytes if the whole is base64 and no more; None if it is not."""
    bare = symbols.strip()
    try:
        data = a2b_base64(bare)
    except Error:
        return None
    # Each symbol that was skipped, and each that follows a padded end, is missing in the result.
    count = len(bare) - bare.count(b"\n") - bare.count(b"\r")
    return data if count == (len(data) + 2) // 3 * 4 else None


def _is_no_word(symbols: bytes) -> bool:
    """Return whether symbols are padded, or their lines longer than any word."""
    return b"=" in symbols or any(len(line) >= _LONG_LINE for line in symbols[:_SAMPLE].split())


def _lenient(symbols: bytes) -> bytes:
    # RFC 2045 section 6.8: characters outside the alphabet are skipped, and `=` ends a run.
    return b"".join(_run(run.translate(None, _NOT_BASE64)) for run in symbols.split(b"="))


def _run(symbols: bytes) -> bytes:
    # A lone last symbol carries six bits and no byte.
    symbols = symbols[:-1] if len(symbols) % 4 == 1 else symbols
    return b64decode(symbols + b"=" * (-len(symbols) % 4))


def _is_text(data: bytes, charset: str) -> bool:
    sample = data[:_SAMPLE]
    if len(sample.translate(None, _CONTROLS)) == len(sample) and charsets.fits(sample, "utf-8"):
        return True
    codec = charsets.codec_for(charset)
    if codec.startswith("utf") and codec != "utf-8":
        return charsets.fits(sample, charset)
    if len(sample.translate(None, _CONTROLS)) != len(sample) or not charsets.fits(sample, charset):
        return False
    if charsets.is_multibyte(codec):
        return True
    # Nearly every byte fits a charset of one byte: only what looks like words shows that these are letters.
    return sum(byte < 128 for byte in sample) * 5 >= len(sample) * 3


def _pieces(symbols: bytes, charset: str) -> Iterator[tuple[bytes, bool]]:
    """Yield the runs of lines, decoded if they are base64, and whether they were."""
    for is_base64, group in groupby(
        _segments(symbols), key=lambda segment: _LINE.fullmatch(segment.strip()) is not None
    ):
        lines = list(group)
        if not is_base64:
            yield b"\n".join(lines), False
            continue
        yield from _encoded(lines, charset)


def _segments(symbols: bytes) -> list[bytes]:
    return [line.rstrip(b"\r") for line in symbols.split(b"\n")]


def _encoded(lines: list[bytes], charset: str) -> Iterator[tuple[bytes, bool]]:
    """Yield lines that consist of base64's symbols: decoded where this gives a text, else as they stand."""
    data = _lenient(b"".join(lines))
    if _is_text(data, charset) or (max(map(len, lines)) >= _LONG_LINE and not _ended(lines)):
        yield data, True
        return
    # A word such as `Thanks` consists of these symbols too: it follows the line that ends the base64.
    end = _ended(lines)
    if end:
        yield _lenient(b"".join(lines[:end])), True
        yield b"\n".join(lines[end:]), False
    else:
        yield b"\n".join(lines), False


def _ended(lines: list[bytes]) -> int:
    """Return after how many lines the base64 ends before other words; 0 if it does not."""
    for index, line in enumerate(lines[:-1]):
        bare = line.strip()
        if bare and (bare.endswith(b"=") or not lines[index + 1].strip()) and max(map(len, lines[: index + 1])) > 11:
            return index + 1
    return 0


def _joined(pieces: list[tuple[str, bool]]) -> str:
    return "\n".join(text if encoded else text.strip("\r\n") for text, encoded in pieces)
