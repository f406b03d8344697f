"""Split an mbox into its messages: the separators of many programs, Content-Length, and a count of what is in doubt.

A separator is a line that begins with "From ". Programs differ in what follows, in the blank line before it and in the
quoting of such lines in a text, so three signs decide together: the form of the line, the line before, the line after.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import BinaryIO, Final

from router.errors import PermanentError

_ASCTIME: Final = re.compile(
    rb"From .*?(?P<when>(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?P<month>[A-Z][a-z]{2}) +(?P<day>\d{1,2}) "
    rb"(?P<time>\d\d:\d\d(?::\d\d)?)(?: [A-Z][A-Za-z]{2,4}| [+-]\d{4})*? (?P<year>\d{4}))(?: [+-]\d{4})?\s*$"
)
_ISO: Final = re.compile(rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)? ?(?:Z|[+-]\d\d:?\d\d)?\s*$")
_RFC_5322: Final = re.compile(rb"(?:[A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d(?::\d\d)?(?: \S{1,6})?\s*$")
# A sender as programs write it: an address, a dash or a daemon. "From the beginning" has none.
_SENDER: Final = re.compile(rb"From +(?:\S*@\S*|-|MAILER[-_]DAEMON|\?{3}@\?{3})(?P<rest>\s.*|)$", re.IGNORECASE)
_NOTHING: Final = re.compile(rb"From *\s*$")

_FIELD: Final = re.compile(rb"(?:>?[!-9;-~]{1,76}[ \t]*:(?!//))")
# What a header section begins with; a sentence with a colon begins otherwise.
_KNOWN_FIELD: Final = re.compile(
    rb"(?:X-[!-9;-~]{1,70}|ARC-[A-Za-z-]+|DKIM-Signature|Received(?:-SPF)?|Return-Path|Delivered-To|Envelope-To|"
    rb"Authentication-Results|Message-ID|In-Reply-To|References|Date|From|Sender|Reply-To|To|Cc|Bcc|Subject|"
    rb"MIME-Version|Content-[A-Za-z-]+|Status|List-[A-Za-z-]+|Auto-Submitted|Precedence|Resent-[A-Za-z-]+|"
    rb"Delivery-Date|User-Agent|Thread-[A-Za-z]+)[ \t]*:(?!//)",
    re.IGNORECASE,
)
_LENGTH: Final = re.compile(rb"Content-Length[ \t]*:[ \t]*(\d{1,12})\s*$", re.IGNORECASE)
_QUOTED: Final = re.compile(rb">+From ")
_MONTHS: Final = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")

# A line without an end is read in pieces; only the first piece can be a separator.
_LINE: Final = 1_048_576


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundMail:
    """One message. content: its bytes, or their beginning if `cut`; size and sha256 are those of the whole message.

    delivered_at: from the separator, read as UTC if it names no zone; None if it has no valid date.
    doubtful: how many lines in it look like separators and were taken as its text.
    """

    content: bytes
    size: int
    sha256: str
    delivered_at: datetime | None
    cut: bool
    doubtful: int


@dataclass(frozen=True, slots=True)
class _Kept:
    """The part of the body that Content-Length covers. end: its position.  quoted: whether `>From` is quoting in it."""

    end: int = 0
    quoted: bool = True


class _Lines:
    """The lines of a file, with one line of foresight; `position` is that of the next line."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._ahead: bytes | None = None
        self.position = file.tell()

    def take(self) -> bytes:
        line = self.peek()
        self._ahead = None
        self.position += len(line)
        return line

    def peek(self) -> bytes:
        if self._ahead is None:
            self._ahead = self._file.readline(_LINE)
        return self._ahead

    def kept(self, length: int) -> _Kept:
        """Return what a Content-Length covers from here on; nothing if no separator and no end of file follows it."""
        end = self.position + length
        self._ahead = None
        self._file.seek(end)
        follows = self._file.readline(_LINE)
        while follows in {b"\n", b"\r\n"}:
            follows = self._file.readline(_LINE)
        true = (_is_dated(follows) and bool(_FIELD.match(self._file.readline(_LINE)))) or not follows
        # Beyond the end of the file, a seek succeeds and a read finds nothing.
        true = true and end <= self._file.seek(0, 2)
        self._file.seek(self.position)
        quoted = not (true and self._has_separators(length))
        self._file.seek(self.position)
        return _Kept(end, quoted) if true else _Kept()

    def _has_separators(self, length: int) -> bool:
        # A program that quotes leaves no such line bare; one that does not has no use for quoting (mboxcl2).
        tail = b"\n"
        while length > 0:
            read = self._file.read(min(length, _LINE))
            if not read:
                return False
            if b"\nFrom " in tail + read:
                return True
            tail, length = read[-6:], length - len(read)
        return False


class _Message:
    """Collects the lines of one message; beyond `largest` it keeps only the beginning and continues to hash."""

    def __init__(self, separator: bytes, *, largest: int, beginning: int) -> None:
        self._separator, self._largest, self._beginning = separator, largest, beginning
        self._lines: list[bytes] = []
        self._size = self._held = 0
        self._hash = hashlib.sha256()
        self._cut = False
        self.in_header = True
        self.length: int | None = None
        self.kept = _Kept()
        self.doubtful = 0

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

    def found(self) -> FoundMail:
        # The blank line before the next separator belongs to the separator.
        if self._lines and self._lines[-1].strip(b"\r\n") == b"":
            self._size -= len(self._lines.pop())
        content = b"".join(self._lines)
        self._hash.update(content)
        if not self._cut and len(content) > self._largest:
            self._cut, self._start = True, content[: self._beginning]
        return FoundMail(
            content=self._start if self._cut else content,
            size=self._size,
            sha256=self._hash.hexdigest(),
            delivered_at=_delivered_at(self._separator),
            cut=self._cut,
            doubtful=self.doubtful,
        )


def split_mbox(file: BinaryIO, *, largest: int, beginning: int) -> Iterator[FoundMail]:
    """Yield the messages of an mbox in their order.

    file: can be positioned; a mark of its encoding at its beginning is already skipped.
    largest: of a message with more bytes only the first `beginning` bytes are kept.
    Raises PermanentError when the file does not begin with a separator.
    """
    message: _Message | None = None
    blank = whole_line = True
    lines = _Lines(file)
    while line := lines.take():
        if whole_line and line.startswith(b"From ") and not (message and lines.position <= message.kept.end):
            # In a header section such a line is a stray one: some servers write the envelope's sender there.
            inside = message is not None and message.in_header and not blank
            if not inside and _separates(line, after=lines.peek(), blank=blank):
                if message:
                    yield message.found()
                message = _Message(line, largest=largest, beginning=beginning)
                blank, whole_line = False, line.endswith(b"\n")
                continue
        if not message:
            if line.strip():
                raise PermanentError('this is not an mbox; expected "From SENDER DATE" as its first line')
            continue
        _read_line(message, line, lines, whole_line=whole_line)
        blank = whole_line and line in {b"\n", b"\r\n"}
        whole_line = line.endswith(b"\n")
    if message:
        yield message.found()


def _read_line(message: _Message, line: bytes, lines: _Lines, *, whole_line: bool) -> None:
    """Add one line of a message; at the end of its header section look what Content-Length covers."""
    if whole_line and line.startswith(b">") and message.kept.quoted and _QUOTED.match(line):
        line = line[1:]
    elif whole_line and line.startswith(b"From ") and _KNOWN_FIELD.match(lines.peek()):
        message.doubtful += 1
    message.add(line)
    if message.in_header and whole_line:
        if line in {b"\n", b"\r\n"}:
            message.in_header = False
            message.kept = lines.kept(message.length) if message.length else _Kept()
        elif field := _LENGTH.match(line):
            message.length = int(field[1])


def _separates(line: bytes, *, after: bytes, blank: bool) -> bool:
    """Return whether a line that begins with "From " starts a message. blank: the line before it is blank."""
    if _ASCTIME.match(line) and blank:
        return True
    if not blank:
        return _is_dated(line) and bool(_KNOWN_FIELD.match(after) or (_ASCTIME.match(line) and _FIELD.match(after)))
    if _is_dated(line):
        return bool(_FIELD.match(after))
    return bool((_NOTHING.match(line) or _SENDER.match(line)) and _KNOWN_FIELD.match(after))


def _is_dated(line: bytes) -> bool:
    """Return whether the line has the form of a separator with a date, whatever the date's form."""
    if not line.startswith(b"From "):
        return False
    sender = _SENDER.match(line)
    numbers = bool(sender and re.search(rb"\d", sender["rest"]))
    return numbers or any(form.search(line) for form in (_ASCTIME, _ISO, _RFC_5322))


def _delivered_at(separator: bytes) -> datetime | None:
    if match := _ASCTIME.match(separator):
        return _asctime(match)
    with suppress(ValueError, TypeError, OverflowError):
        if iso := _ISO.search(separator):
            return _utc(datetime.fromisoformat(iso.group().strip().replace(b" +", b"+").decode("ascii")))
        if other := _RFC_5322.search(separator):
            return _utc(parsedate_to_datetime(other.group().decode("ascii", "replace")))
    return None


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _asctime(match: re.Match[bytes]) -> datetime | None:
    hour, minute, *second = (int(part) for part in match["time"].split(b":"))
    try:
        month = _MONTHS.index(match["month"]) + 1
        return datetime(
            int(match["year"]),
            month,
            int(match["day"]),
            hour,
            minute,
            min(59, second[0] if second else 0),
            tzinfo=UTC,
        )
    except ValueError:
        return None
