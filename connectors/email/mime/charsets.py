"""Decode mail bytes into text: the codec that each charset name means in practice, and a guess for undeclared bytes."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from charset_normalizer import from_bytes

# Not one of Python's codecs: see `_as_shift_jis`.
_JAPANESE: Final = "iso-2022-jp"
# Senders name the charset they believe they use; the right column is the charset that their bytes have. The supersets
# for Latin, Chinese, Japanese, Korean and Thai are those of the WHATWG Encoding Standard, section 4.2.
_MEANT: Final = {
    "": "",
    "ascii": "cp1252",
    "us-ascii": "cp1252",
    "ansi_x3.4-1968": "cp1252",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "iso_8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "iso-8859-8-i": "iso8859-8",
    "iso-8859-8-e": "iso8859-8",
    "gb2312": "gb18030",
    "gb_2312-80": "gb18030",
    "gb2312-80": "gb18030",
    "x-gb2312": "gb18030",
    "euc-cn": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "cp936": "gb18030",
    "windows-936": "gb18030",
    "chinese": "gb18030",
    "hz-gb-2312": "hz",
    "big5": "big5hkscs",
    "big-5": "big5hkscs",
    "x-x-big5": "big5hkscs",
    "cn-big5": "big5hkscs",
    "cp950": "big5hkscs",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "ms_kanji": "cp932",
    "iso-2022-jp": _JAPANESE,
    "iso-2022-jp-ms": _JAPANESE,
    "cp50220": _JAPANESE,
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "ksc5601": "cp949",
    "iso-2022-kr": "iso2022_kr",
    "unicode-1-1-utf-7": "utf-7",
    "unicode-1-1-utf-8": "utf-8",
    "utf8mb4": "utf-8",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
    "koi8": "koi8-r",
    "x-unknown": "",
    "unknown-8bit": "",
    "unknown": "",
    "default": "",
    "binary": "",
    "none": "",
}
# In these charsets, bytes below 128 do not stand for themselves.
_UTF_7: Final = frozenset({"utf-7", "utf_7", "utf7", "u7"})
_STATEFUL: Final = frozenset({_JAPANESE, "iso2022_kr", "hz", "utf-7", "utf_7"})
_ESCAPE: Final = re.compile(rb"(\x1b\$[@B]|\x1b\([BJI])")
_SIBLINGS: Final = {
    _JAPANESE: ("utf-8", "euc_jp", "cp932"),
    "iso2022_kr": ("utf-8", "cp949"),
    "hz": ("utf-8", "gb18030"),
}
# What the detector may answer: charsets that are used in mail, not those of mainframes.
_CANDIDATES: Final = [
    "utf_8", "gb18030", "big5", "cp932", "euc_jp", "cp949", "cp1251", "koi8_r", "cp1252", "cp1250",
    "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp874", "mac_roman",
]  # fmt: skip
# The label is wrong if more than one in this many non-ASCII letters cannot be decoded.
_HOLES: Final = 4
_HIGH_RUN: Final = re.compile(rb"[\x80-\xff]+")
_ACCENTS: Final = 1
# Ideographs from B0A1 on, and between them the full-width characters of row A3 and the punctuation of row A1.
_GB_LEVEL_1: Final = re.compile(rb"[\xb0-\xd7\xa1\xa3][\xa1-\xfe]")
_MOSTLY: Final = 0.9
_KOREAN_BYTES: Final = 16
_CYRILLIC: Final = (
    ("koi8-r", re.compile(rb"[\xe0-\xff\xb3]?[\xc0-\xdf\xa3]+")),
    ("cp1251", re.compile(rb"[\xc0-\xdf\xa8]?[\xe0-\xff\xb8]+")),
)
# Statistics settle within this many bytes; more bytes only cost time.
_SAMPLE: Final = 8_192


@lru_cache(maxsize=512)
def codec_for(declared: str) -> str:
    """Return the codec for the declared charset; empty if the name says nothing or is unknown."""
    name = declared.strip().strip("\"'").lower().replace(" ", "")
    meant = _MEANT.get(name)
    if meant is None:
        meant = name if _is_text_codec(name) else _MEANT.get(name.replace("_", "-"), "")
    return meant


def no_hint() -> str:
    """Return that no other part of the mail names a charset."""
    return ""


def decode(content: bytes, declared: str = "", *, hint: Callable[[], str] = no_hint) -> str:
    """Return the bytes as text.

    declared: the charset's name as the mail gives it; empty if it gives none.
    hint: called for a charset that is named elsewhere in the same mail; it is tried before statistics.
    The rule: ASCII is ASCII; valid UTF-8 is UTF-8, whatever the label, unless the label's codec is stateful and fits;
    then the declared codec; then the hint; then the detector; then the declared codec with replacement characters.
    """
    codec = codec_for(declared)
    if codec == "utf-8":
        text = _strictly(content, codec)
        return text if text is not None else _guess(content, codec=codec, hint=hint)
    if codec in _STATEFUL and not content.isascii():
        # These have seven bits only (RFC 1468, RFC 1557, RFC 1843, RFC 2152); the label gives the language at most.
        return _first_that_fits(content, _SIBLINGS.get(codec, ())) or _guess(content, codec="", hint=hint)
    if codec not in _STATEFUL and not codec.startswith("utf"):
        if content.isascii():
            return content.decode("ascii")
        text = _strictly(content, "utf-8")
        if text is not None:
            return text
    if codec == _JAPANESE:
        content, codec = _as_shift_jis(content), "cp932"
    if codec:
        text = _strictly(content, codec)
        if text is not None:
            return text
    return _guess(content, codec=codec, hint=hint)


def _guess(content: bytes, *, codec: str, hint: Callable[[], str]) -> str:
    named = codec_for(hint())
    text = _first_that_fits(content, ("utf-8", named) if named else ("utf-8",))
    if text is not None:
        return text
    if codec:
        text = content.decode(codec, errors="replace")
        # Damage leaves single undecodable bytes. A text that is mostly undecodable was written in another charset.
        if text.count("\ufffd") * _HOLES <= len(text) - _ascii_count(text):
            return text
    return content.decode(_detect(content[:_SAMPLE]) or codec or "cp1252", errors="replace")


def _detect(sample: bytes) -> str:
    """Return the most likely charset of the bytes; empty if none fits.

    A subject has too few letters for statistics, so simple signs go first: lone high bytes among ASCII letters are
    a Western language's accents; pairs from GB 2312's first level (the 3,755 everyday characters) are Chinese; words
    that are all small letters, or begin with one capital, are Russian, in the charset whose case bits fit.
    """
    runs = _HIGH_RUN.findall(sample)
    if max(map(len, runs), default=0) <= _ACCENTS:
        return "cp1252"
    pairs = b"".join(runs)
    if len(_GB_LEVEL_1.findall(pairs)) * 2 >= len(pairs) * _MOSTLY and all(len(run) % 2 == 0 for run in runs):
        leads = {pair[0] for pair in _GB_LEVEL_1.findall(pairs)}
        # Hangul fills rows B0 to C8 of KS X 1001; a longer Chinese text goes beyond these rows.
        is_korean = len(pairs) >= _KOREAN_BYTES and max(leads) <= 0xC8 and 0xA3 not in leads
        return "cp949" if is_korean else "gb18030"
    for codec, word in _CYRILLIC:
        if all(map(word.fullmatch, runs)):
            return codec
    best = from_bytes(sample, cp_isolation=_CANDIDATES, threshold=0.4).best()
    return best.encoding if best is not None else ""


def _first_that_fits(content: bytes, codecs_to_try: tuple[str, ...]) -> str | None:
    return next((text for codec in codecs_to_try if (text := _strictly(content, codec)) is not None), None)


def _ascii_count(text: str) -> int:
    return len(text.encode("ascii", "ignore"))


def _as_shift_jis(content: bytes) -> bytes:
    """Return ISO-2022-JP (RFC 1468) as Shift JIS.

    Mailers write vendors' characters such as ① in it, which Python's codec refuses and its cp932 knows; the WHATWG
    Encoding Standard, section 12.2, decodes them too.
    """
    pieces = _ESCAPE.split(content)
    # Split with one group: text, escape, text, escape, ... Before the first escape it is ASCII.
    return pieces[0] + b"".join(_segment(escape, text) for escape, text in zip(pieces[1::2], pieces[2::2], strict=True))


def _segment(escape: bytes, text: bytes) -> bytes:
    if escape == b"\x1b(I":
        return bytes(byte | 0x80 for byte in text)
    if not escape.startswith(b"\x1b$"):
        return text
    converted = bytearray()
    pairs = iter(text.translate(None, b"\r\n"))
    for row, cell in zip(pairs, pairs, strict=False):
        # JIS X 0208 to Shift JIS, JIS X 0208:1997 appendix 1.
        lead = (row + 1) // 2 + (0x70 if row < 0x5F else 0xB0)
        trail = cell + (0x7E if row % 2 == 0 else 0x20 if cell > 0x5F else 0x1F)
        converted += bytes((lead & 0xFF, trail & 0xFF))
    return bytes(converted) + (b"\n" if text.endswith(b"\n") else b"")


def _strictly(content: bytes, codec: str) -> str | None:
    try:
        text = content.decode(codec)
        # UTF-7 can encode half of a surrogate pair, which JSON and databases refuse.
        return text.encode("utf-8", "replace").decode() if codec in _UTF_7 else text
    except (UnicodeDecodeError, LookupError):
        return None


def _is_text_codec(name: str) -> bool:
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):
        return False
    # `rot13`, `zlib`, `idna` and similar ones are codecs too, but not charsets.
    return found._is_text_encoding and found.name not in {
        "idna",
        "punycode",
        "unicode_escape",
        "raw_unicode_escape",
        "undefined",
    }
