"""Take uuencoded files out of a plain text (POSIX uuencode; mailers put them there before MIME)."""

from __future__ import annotations

import re
from binascii import Error, a2b_uu
from typing import Final

# The lines of a file have no lower-case letter, so no line is looked at twice, however many files begin.
_FILE: Final = re.compile(
    rb"^begin [0-7]{3,4} ([^\r\n]{1,200})\r?\n((?:[ -`]{0,90}\r?\n)+)end[ \t]*\r?$\n?",
    re.MULTILINE,
)
_MOST: Final = 50


def take_files(content: bytes) -> tuple[bytes, list[tuple[str, bytes]]]:
    """Return the text without its files, and each file's name and bytes."""
    if b"begin " not in content:
        return content, []
    files: list[tuple[str, bytes]] = []

    def take(match: re.Match[bytes]) -> bytes:
        files.append((match[1].decode("utf-8", "replace").strip(), _decode(match[2])))
        return b""

    return _FILE.sub(take, content, count=_MOST), files


def _decode(lines: bytes) -> bytes:
    return b"".join(_line(line) for line in lines.splitlines() if line)


def _line(line: bytes) -> bytes:
    # Some encoders pad a line beyond its count; the count in its first character is what holds.
    for candidate in (line, line[: (((line[0] - 32) & 63) * 4 + 5) // 3], line[: 1 + ((line[0] - 32) & 63) // 3 * 4]):
        try:
            return a2b_uu(candidate)
        except Error:
            continue
    return b""
