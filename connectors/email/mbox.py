"""Cutting an mbox into messages (RFC 4155 appendix A, in its mboxrd dialect): one pass, memory for one message."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO, Final

from router.errors import PermanentError

# A sender and a date in the form of asctime: a body's own "From the beginning" is no separator.
_SEPARATOR: Final = re.compile(
    rb"From .*?(?P<when>(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?P<month>[A-Z][a-z]{2}) +(?P<day>\d{1,2}) "
    rb"(?P<time>\d\d:\d\d(?::\d\d)?)(?: [A-Z][A-Za-z]{2,4}| [+-]\d{4})*? (?P<year>\d{4}))(?: [+-]\d{4})?\s*$"
)
_QUOTED: Final = re.compile(rb">+From ")
_MONTHS: Final = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")

# A line without an end is read in pieces; only the first can be a separator.
_LINE: Final = 1_048_576


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One message. content: its bytes, or their beginning if `cut`; size and sha256 are those of the whole.

    delivered_at: from the separator, which has no zone and is taken for UTC; None if it makes no date.
    """

    content: bytes
    size: int
    sha256: str
    delivered_at: datetime | None
    cut: bool


class _Message:
    """Gathers the lines of one message; beyond `largest` it keeps the beginning and goes on hashing."""

    def __init__(self, separator: re.Match[bytes], *, largest: int, beginning: int) -> None:
        self._separator, self._largest, self._beginning = separator, largest, beginning
        self._lines: list[bytes] = []
        self._size = self._held = 0
        self._hash = hashlib.sha256()
        self._cut = False

    def add(self, line: bytes) -> None:
        self._size += len(line)
        self._lines.append(line)
        self._held += len(line)
        if self._held > self._largest and self._held > _LINE:
            self._flush()

    def _flush(self) -> None:
        whole = b"".join(self._lines)
        if not self._cut:
            self._start = whole[: self._beginning]
            self._cut = True
        self._hash.update(whole)
        self._lines, self._held = [], 0

    def found(self) -> Found:
        # The blank line before the next separator belongs to the separator.
        if self._lines and self._lines[-1].strip(b"\r\n") == b"":
            self._size -= len(self._lines.pop())
        content = b"".join(self._lines)
        self._hash.update(content)
        if not self._cut and len(content) > self._largest:
            self._cut, self._start = True, content[: self._beginning]
        return Found(
            content=self._start if self._cut else content,
            size=self._size,
            sha256=self._hash.hexdigest(),
            delivered_at=_delivered_at(self._separator),
            cut=self._cut,
        )


def split_mbox(file: BinaryIO, *, largest: int, beginning: int) -> Iterator[Found]:
    """Yield the messages of an mbox in their order.

    largest: of a message with more bytes only the first `beginning` are kept.
    Raises PermanentError when the file does not begin with a separator.
    """
    message: _Message | None = None
    blank = whole_line = True
    for line in iter(lambda: file.readline(_LINE), b""):
        separator = _SEPARATOR.match(line) if blank and whole_line and line.startswith(b"From ") else None
        if separator:
            if message:
                yield message.found()
            message = _Message(separator, largest=largest, beginning=beginning)
        elif message:
            message.add(line[1:] if whole_line and line[:1] == b">" and _QUOTED.match(line) else line)
        elif line.strip():
            raise PermanentError('this is no mbox; its first line would be "From SENDER DATE"')
        blank = whole_line and line in {b"\n", b"\r\n"}
        whole_line = line.endswith(b"\n")
    if message:
        yield message.found()


def _delivered_at(separator: re.Match[bytes]) -> datetime | None:
    hour, minute, *second = (int(part) for part in separator["time"].split(b":"))
    try:
        month = _MONTHS.index(separator["month"]) + 1
        return datetime(
            int(separator["year"]),
            month,
            int(separator["day"]),
            hour,
            minute,
            min(59, second[0] if second else 0),
            tzinfo=UTC,
        )
    except ValueError:
        return None
