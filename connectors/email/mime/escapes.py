"""Read texts of seven bits that switch their charset by escape sequences (ISO 2022, RFC 1468, RFC 1843, RFC 1922)."""

from __future__ import annotations

import re
from typing import Final

from connectors.email.mime.evidence import share_of

_ESCAPE: Final = re.compile(rb"(\x1b\$[@B]|\x1b\([BJI])")
# JIS X 0208 and the half-width katakana; JIS X 0212, and what ISO-2022-JP-2 adds (RFC 1554); GB 2312, KS X 1001.
_JAPANESE: Final = re.compile(rb"\x1b\$[@B]|\x1b\(I")
_MORE: Final = re.compile(rb"\x1b\$(?:A|\([CD])")
_SHIFTED: Final = re.compile(rb"\x1b\$\)([ACG])")
_SHIFT_CODECS: Final = {b"A": "gb2312", b"C": "euc_kr"}
_TILDE: Final = re.compile(rb"~\{((?:[!-w][!-~])+)~\}")
_CLEAR: Final = 0.45


def read_escapes(content: bytes) -> tuple[str, str] | None:
    """Return the text and its charset's name if the bytes are such a text; None if they are not."""
    if not content.isascii():
        return None
    if b"\x1b" not in content:
        return _read_hz(content) if b"~{" in content else None
    shift = _SHIFTED.search(content)
    if shift is not None and shift[1] in _SHIFT_CODECS:
        return _read_shifts(content, _SHIFT_CODECS[shift[1]])
    if _MORE.search(content):
        return _strictly(content, "iso2022_jp_2") or _strictly(content, "iso2022_jp_ext")
    if _JAPANESE.search(content):
        return as_shift_jis(content).decode("cp932", "replace"), "ISO-2022-JP"
    return None


def as_shift_jis(content: bytes) -> bytes:
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
        of_odd_row = 0x20 if cell > 0x5F else 0x1F
        trail = cell + (0x7E if row % 2 == 0 else of_odd_row)
        converted += bytes((lead & 0xFF, trail & 0xFF))
    return bytes(converted) + (b"\n" if text.endswith(b"\n") else b"")


def _read_shifts(content: bytes, codec: str) -> tuple[str, str] | None:
    """Read text between SO and SI (RFC 1557, RFC 1922)."""
    # Split by SO: before the first one, and after each SI, it is ASCII.
    first, *rest = _SHIFTED.sub(b"", content).split(b"\x0e")
    pieces = [first.decode("ascii")]
    for piece in rest:
        high, _, plain = piece.partition(b"\x0f")
        pairs = bytes(byte | 0x80 if byte > 32 else byte for byte in high)
        pieces.append(pairs.decode(codec, "replace") + plain.decode("ascii"))
    name = "ISO-2022-KR" if codec == "euc_kr" else "ISO-2022-CN"
    return ("".join(pieces), name) if rest else None


def _read_hz(content: bytes) -> tuple[str, str] | None:
    """Read HZ (RFC 1843), whose escapes are printable: only everyday characters show that they are meant so."""
    pairs = bytes(byte | 0x80 for byte in b"".join(_TILDE.findall(content)))
    share, count = share_of(pairs, "gb18030")
    return _strictly(content, "hz") if count >= 2 and share >= _CLEAR else None


def _strictly(content: bytes, codec: str) -> tuple[str, str] | None:
    try:
        return content.decode(codec), codec
    except UnicodeDecodeError:
        return None
