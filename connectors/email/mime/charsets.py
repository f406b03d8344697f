"""Decode mail bytes into text: the codec that each charset name means in practice, and a guess for undeclared bytes."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from charset_normalizer import from_bytes

from connectors.email.mime.escapes import as_shift_jis, read_escapes
from connectors.email.mime.evidence import (
    chinese_or_korean,
    contradicts,
    high_runs,
    is_east_asian,
    is_western,
    likely_charset,
    utf_16_of,
)

# Not one of Python's codecs: see `as_shift_jis`.
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
    "windows-1252": "cp1252",
    "x-cp1252": "cp1252",
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
# The names that people use for codecs.
_SPOKEN: Final = {
    "gb18030": "GB 18030", "big5hkscs": "Big5", "cp932": "Shift JIS", "euc_jp": "EUC-JP", "cp949": "EUC-KR",
    "utf-8": "UTF-8", "cp1252": "Windows-1252",
}  # fmt: skip
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
_CYRILLIC: Final = (
    ("koi8-r", re.compile(rb"[\xe0-\xff\xb3]?[\xc0-\xdf\xa3]+")),
    ("cp1251", re.compile(rb"[\xc0-\xdf\xa8]?[\xe0-\xff\xb8]+")),
)
# Programs write these two labels over any bytes: the first because they set none, the second because it fits always.
_ASCII_LABELS: Final = frozenset({"ascii", "us-ascii", "ansi_x3.4-1968"})
_WESTERN: Final = "cp1252"
# So many letters must speak against a label that is no such default.
_MANY: Final = 6
_WIDE: Final = ("utf-16", "utf_16", "utf16", "utf-32", "utf_32", "utf32")
# How UTF-16 begins, in either order of bytes (RFC 2781 section 3.2).
_ORDERS: Final = frozenset({b"\xff\xfe", b"\xfe\xff"})
# Statistics settle within this many bytes; more bytes only cost time.
_SAMPLE: Final = 8_192
# A text is read line by line, where it holds two charsets, up to this many lines.
_MOST_LINES: Final = 2_000

Hint = Callable[[], tuple[str, ...]]


class Decoded(NamedTuple):
    """text: the characters.  defect: what contradicts the label, in a sentence; empty if nothing does."""

    text: str
    defect: str = ""


@lru_cache(maxsize=512)
def codec_for(declared: str) -> str:
    """Return the codec for the declared charset; empty if the name says nothing or is unknown."""
    name = declared.strip().strip("\"'").lower().replace(" ", "")
    meant = _MEANT.get(name)
    if meant is None:
        meant = name if _is_text_codec(name) else _MEANT.get(name.replace("_", "-"), "")
    return meant


def no_hint() -> tuple[str, ...]:
    """Return that no other part of the mail names a charset."""
    return ()


def decode(content: bytes, declared: str = "", *, hint: Hint = no_hint) -> str:
    """Return the bytes as text. See `read`."""
    return read(content, declared, hint=hint).text


def read(content: bytes, declared: str = "", *, hint: Hint = no_hint) -> Decoded:
    """Return the bytes as text, and what contradicts their label.

    declared: the charset's name as the mail gives it; empty if it gives none.
    hint: called for the charsets that are named elsewhere in the same mail; they are tried before statistics.
    The rule: escape sequences of ISO 2022 name their charset themselves; ASCII is ASCII; valid UTF-8 is UTF-8, whatever
    the label, unless the label's codec is stateful and fits; then the declared codec, unless the bytes clearly have
    another one; then the hints; then the detector; then the declared codec with replacement characters.
    """
    codec = codec_for(declared)
    found = _ascii(content, codec, declared) if content.isascii() else _utf(content, codec, declared)
    if found is not None:
        return found
    if codec == _JAPANESE:
        content, codec = as_shift_jis(content), "cp932"
    if codec and not _is_doubtful(content, codec=codec, declared=declared, hint=hint):
        text = _strictly(content, codec)
        if text is not None:
            return Decoded(text)
    return _contradicted(content, codec=codec, declared=declared, hint=hint)


def _ascii(content: bytes, codec: str, declared: str) -> Decoded | None:
    """Read bytes below 128: themselves, or what their own escapes say; None if the label gives them another meaning."""
    if b"\x1b" in content or b"~{" in content:
        found = read_escapes(content)
        if found is not None:
            return Decoded(found[0], "" if codec in _STATEFUL else _says(declared, found[1]))
    other = codec in _STATEFUL or (codec.startswith("utf") and codec != "utf-8")
    return None if other else Decoded(content.decode("ascii"))


def _utf(content: bytes, codec: str, declared: str) -> Decoded | None:
    """Read Unicode, whatever the label, and the eight bits that charsets of seven bits do not have; None if neither."""
    if (b"\0" in content or content[:2] in _ORDERS) and not codec.startswith(_WIDE):
        order = utf_16_of(content)
        if order:
            return Decoded(content.decode(order, "replace").removeprefix("\ufeff"), _says(declared, order))
    if codec in _STATEFUL:
        # RFC 1468, RFC 1557, RFC 1843, RFC 2152; the label gives the language at most.
        siblings = _SIBLINGS.get(codec, ())
        likely = likely_charset(content, named=siblings, least=4)
        text = _first_that_fits(content, (*filter(None, [likely]), *siblings))
        return Decoded(text) if text else None
    if codec != "utf-8" and codec.startswith("utf"):
        return None
    text = _strictly(content, "utf-8")
    return Decoded(text, _says(declared, "utf-8") if codec not in {"", "utf-8"} else "") if text is not None else None


def is_multibyte(codec: str) -> bool:
    """Return whether a codec writes letters with several bytes each, so that random bytes do not fit it."""
    return is_east_asian(codec) or codec in _STATEFUL or codec in {"euc_kr", "gb2312", "hz"}


def fits(content: bytes, declared: str) -> bool:
    """Return whether bytes, of which the last character may be cut, are UTF-8 or what they are declared to be."""
    if _strictly(content, "utf-8") is not None:
        return True
    codec = codec_for(declared)
    return any(_begins_as(content, each) for each in ("utf-8", codec) if each)


def _begins_as(content: bytes, codec: str) -> bool:
    try:
        codecs.getincrementaldecoder(codec if codec != _JAPANESE else "iso2022_jp_ext")().decode(content)
    except (UnicodeDecodeError, LookupError):
        return False
    return True


def _says(declared: str, codec: str) -> str:
    # The name comes from the mail, and the sentence is shown.
    name = "".join(filter(str.isprintable, declared[:40]))
    label = f"labelled {name}" if name else "labelled with no charset"
    return f"A text is {label}, but its bytes are {_SPOKEN.get(codec, codec)}; it was read so."


def _is_doubtful(content: bytes, *, codec: str, declared: str, hint: Hint) -> bool:
    """Return whether the bytes clearly have another charset than their label, which they may fit as well."""
    if is_east_asian(codec):
        return bool(contradicts(content, codec))
    if _is_ascii(declared):
        return True
    if codec == _WESTERN and is_western(content[:_SAMPLE]):
        return False
    runs = high_runs(content[:_SAMPLE])
    is_russian = any(codec == each and all(map(word.fullmatch, runs)) for each, word in _CYRILLIC)
    if codec.startswith("utf") or is_russian:
        return False
    if (_evident(content, hint=hint) if codec == _WESTERN else likely_charset(content, least=_MANY)) != "":
        return True
    return sum(map(len, runs)) >= _MANY and bool(chinese_or_korean(runs))


def _is_ascii(declared: str) -> bool:
    return declared.strip().strip("\"'").lower() in _ASCII_LABELS


def _evident(content: bytes, *, hint: Hint) -> str:
    return likely_charset(content, named=tuple(map(codec_for, hint())))


def _contradicted(content: bytes, *, codec: str, declared: str, hint: Hint) -> Decoded:
    # ASCII has no letters of eight bits, so its label says nothing about them.
    codec = "" if _is_ascii(declared) else codec
    text, used = _guess(content, codec=codec, hint=hint)
    if "\ufffd" in text and b"\n" in content.strip():
        by_line = _line_by_line(content, codec=codec, hint=hint)
        text = by_line if by_line.count("\ufffd") < text.count("\ufffd") else text
    if used == codec and "\ufffd" not in text:
        return Decoded(text)
    if used == codec:
        return Decoded(text, f"Some bytes of a text are not {_SPOKEN.get(codec, codec)}, its charset by its label.")
    return Decoded(text, _says(declared, used))


def _guess(content: bytes, *, codec: str, hint: Hint) -> tuple[str, str]:
    """Return the bytes as text and the codec that they most likely have."""
    named = tuple(filter(None, map(codec_for, hint())))
    # Accents among ASCII letters: an East Asian charset would swallow their neighbours.
    western = is_western(content[:_SAMPLE])
    evident = "" if western else likely_charset(content, named=named)
    if evident:
        return content.decode(evident, "replace"), evident
    text = _strictly(content, "utf-8")
    if text is not None:
        return text, "utf-8"
    for each in named:
        text = None if western and is_east_asian(each) else _strictly(content, each)
        if text is not None:
            return text, each
    for each in dict.fromkeys(("utf-8", codec)):
        text = content.decode(each, "replace") if each else ""
        # Damage leaves single undecodable bytes. A text that is mostly undecodable was written in another charset.
        if each and text.count("\ufffd") * _HOLES <= len(text) - _ascii_count(text):
            return text, each
    likely = _WESTERN if western else _detect(content[:_SAMPLE]) or codec or _WESTERN
    return content.decode(likely, "replace"), likely


def _line_by_line(content: bytes, *, codec: str, hint: Hint) -> str:
    """Return a text that two programs wrote, each in a charset of its own, such as a gateway's footer below a mail."""
    named = tuple(filter(None, map(codec_for, hint())))
    lines = content.split(b"\n", _MOST_LINES)
    return "\n".join(_line(line, codec=codec, named=named) for line in lines)


def _line(line: bytes, *, codec: str, named: tuple[str, ...]) -> str:
    if line.isascii():
        return line.decode("ascii")
    text = _first_that_fits(line, ("utf-8", likely_charset(line, named=named), codec, *named))
    return text if text is not None else line.decode(codec or _WESTERN, "replace")


def _detect(sample: bytes) -> str:
    """Return the most likely charset of the bytes; empty if none fits.

    A subject has too few letters for statistics, so simple signs go first: pairs from GB 2312's first level (the 3,755
    everyday characters) are Chinese; words that are all small letters, or begin with one capital, are Russian, in the
    charset whose case bits fit.
    """
    runs = high_runs(sample)
    codec = chinese_or_korean(runs)
    if codec:
        return codec
    for codec, word in _CYRILLIC:
        if all(map(word.fullmatch, runs)):
            return codec
    best = from_bytes(sample, cp_isolation=_CANDIDATES, threshold=0.4).best()
    return best.encoding if best is not None else ""


def _first_that_fits(content: bytes, codecs_to_try: tuple[str, ...]) -> str | None:
    return next((text for codec in codecs_to_try if (text := _strictly(content, codec)) is not None), None)


def _ascii_count(text: str) -> int:
    return len(text.encode("ascii", "ignore"))


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
