"""Turn mail bytes into text: what a charset's name means in practice, and what undeclared bytes most likely are."""

from __future__ import annotations

import codecs
from functools import lru_cache
from typing import Final

from charset_normalizer import from_bytes

# Senders name the charset they believe they use; the right column is what their bytes turn out to be. The supersets
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
    "iso-2022-jp": "iso2022_jp_ext",
    "iso-2022-jp-ms": "iso2022_jp_ext",
    "cp50220": "iso2022_jp_ext",
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
# In these, bytes below 128 do not stand for themselves.
_STATEFUL: Final = frozenset({"iso2022_jp_ext", "iso2022_kr", "hz", "utf-7", "utf_7"})
# What the detector may answer: charsets that mail has been written in, not those of mainframes.
_CANDIDATES: Final = [
    "utf_8", "gb18030", "big5", "cp932", "euc_jp", "cp949", "cp1251", "koi8_r", "cp1252", "cp1250",
    "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp874", "mac_roman",
]  # fmt: skip
# Statistics settle within this many bytes; the rest only costs time.
_SAMPLE: Final = 8_192


@lru_cache(maxsize=512)
def codec_for(declared: str) -> str:
    """Return the codec that bytes declared so are read with; empty if the name says nothing or is unknown."""
    name = declared.strip().strip("\"'").lower().replace(" ", "")
    meant = _MEANT.get(name)
    if meant is None:
        meant = name if _is_text_codec(name) else _MEANT.get(name.replace("_", "-"), "")
    return meant


def decode(content: bytes, declared: str = "", *, hint: str = "") -> str:
    """Return the bytes as text.

    declared: the charset's name as the mail gives it; empty if it gives none.
    hint: a charset declared elsewhere in the same mail, tried before statistics.
    The rule: ASCII is ASCII; valid UTF-8 is UTF-8, whatever the label, unless the label's own codec fits better by
    being stateful; then the declared codec; then the hint; then the detector; then the declared codec with holes.
    """
    codec = codec_for(declared)
    if codec not in _STATEFUL and not codec.startswith("utf"):
        if content.isascii():
            return content.decode("ascii")
        text = _strictly(content, "utf-8")
        if text is not None:
            return text
    if codec:
        text = _strictly(content, codec)
        if text is not None:
            return text
    return _guess(content, codec=codec, hint=codec_for(hint))


def _guess(content: bytes, *, codec: str, hint: str) -> str:
    for candidate in ("utf-8", hint):
        text = _strictly(content, candidate) if candidate else None
        if text is not None:
            return text
    if not codec:
        best = from_bytes(content[:_SAMPLE], cp_isolation=_CANDIDATES, threshold=0.4).best()
        codec = best.encoding if best is not None else "cp1252"
    return content.decode(codec, errors="replace")


def _strictly(content: bytes, codec: str) -> str | None:
    try:
        return content.decode(codec)
    except (UnicodeDecodeError, LookupError):
        return None


def _is_text_codec(name: str) -> bool:
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):
        return False
    # `rot13`, `zlib`, `idna` and their like are codecs too, and none of them is a charset.
    return found._is_text_encoding and found.name not in {
        "idna",
        "punycode",
        "unicode_escape",
        "raw_unicode_escape",
        "undefined",
    }
