"""Mail in files, for `omniyard import`: a maildir, an mbox, single messages. Read lazily, each with a stable key."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import BinaryIO, Final, Literal

from connectors.base import RawMessage
from router.errors import PermanentError

# A sender and a date in the form of asctime: a body's own "From the beginning" is not a separator.
_SEPARATOR: Final = re.compile(
    rb"From .*?(?P<when>(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?P<month>[A-Z][a-z]{2}) +(?P<day>\d{1,2}) "
    rb"(?P<time>\d\d:\d\d(?::\d\d)?)(?: [A-Z][A-Za-z]{2,4}| [+-]\d{4})*? (?P<year>\d{4}))(?: [+-]\d{4})?\s*$"
)
_QUOTED: Final = re.compile(rb">+From ")
_MONTHS: Final = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")

# A line without an end is read in pieces; only the first piece can be a separator.
_LINE: Final = 1_048_576


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundMail:
    """One message. content: its bytes, or their beginning if `cut`; size and sha256 are those of the whole message.

    delivered_at: from the separator, which has no zone and is read as UTC; None if it is not a valid date.
    """

    content: bytes
    size: int
    sha256: str
    delivered_at: datetime | None
    cut: bool


class _Message:
    """Collects the lines of one message; beyond `largest` it keeps only the beginning and continues to hash."""

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
        )


def split_mbox(file: BinaryIO, *, largest: int, beginning: int) -> Iterator[FoundMail]:
    """Yield the messages of an mbox in their order.

    largest: of a message with more bytes only the first `beginning` bytes are kept.
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
            raise PermanentError('this is not an mbox; expected "From SENDER DATE" as its first line')
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


# The same bound as for a polled mailbox; of a larger message only the beginning is read.
LARGEST: Final = 26_214_400
_BEGINNING: Final = 262_144

_TRACE: Final = re.compile(rb"^(Received|Date):((?:.|\n[ \t])*)", re.IGNORECASE | re.MULTILINE)
_UNIQUE: Final = re.compile(r"[^:;]+")

Kind = Literal["maildir", "mbox", "eml"]


@dataclass(frozen=True, slots=True)
class Archive:
    """Mail in files.

    count: how many messages there are, counted without reading them.
    read: the messages, oldest first in a maildir, in their order in an mbox, by name otherwise.
    """

    count: Callable[[], int]
    read: Callable[[], Iterator[RawMessage]]


def open_archive(kind: Kind, path: Path, *, largest: int = LARGEST) -> Archive:
    """Return the archive at `path`.

    kind: "maildir" is a folder with cur and new; "eml" is a file, or a folder that holds *.eml files.
    Raises PermanentError when `path` does not hold that kind.
    """
    if kind == "maildir":
        if not (path / "cur").is_dir() and not (path / "new").is_dir():
            raise PermanentError(f"{path} is not a maildir; expected a folder with cur and new in it")
        return Archive(lambda: len(_in_maildir(path)), lambda: read_maildir(path, largest=largest))
    if not path.is_file() and not (kind == "eml" and path.is_dir()):
        raise PermanentError(f"the file {path} does not exist")
    if kind == "mbox":
        return Archive(lambda: count_mbox(path), lambda: read_mbox(path, largest=largest))
    return Archive(lambda: len(_in_folder(path)), lambda: read_eml(path, largest=largest))


def read_maildir(path: Path, *, largest: int = LARGEST) -> Iterator[RawMessage]:
    """Yield the messages in `new` and `cur`; sub-folders are maildirs of their own.

    The source key is the unique part of the file's name, which outlives flags and moves.
    A message that is deleted while we read is left out.
    """
    moved: dict[str, Path] = {}
    for file in _in_maildir(path):
        here = file
        if not file.exists():
            # A mail program that opens the folder moves its mail from new to cur and writes flags into the file names.
            moved = moved if _unique(file) in moved else {_unique(other): other for other in (path / "cur").glob("*")}
            here = moved.get(_unique(file), file)
        with suppress(FileNotFoundError):
            content, defect = _beginning_or_all(here, largest)
            key = f"maildir:{_unique(file)}"
            yield RawMessage(
                source_key=key, content=content, received_at=_received_at(content, _mtime(here)), defect=defect
            )


def read_mbox(path: Path, *, largest: int = LARGEST) -> Iterator[RawMessage]:
    """Yield the messages of an mbox, with one level of `>From ` quoting removed. The key is their SHA-256.

    Raises PermanentError when the file does not begin like an mbox.
    """
    modified = _mtime(path)
    with path.open("rb") as file:
        for found in split_mbox(file, largest=largest, beginning=_BEGINNING):
            yield _from_mbox(found, modified, largest)


def count_mbox(path: Path) -> int:
    """Return how many messages an mbox holds; reads the file once and keeps none of it."""
    with path.open("rb") as file:
        return sum(1 for _ in split_mbox(file, largest=0, beginning=0))


def read_eml(path: Path, *, largest: int = LARGEST) -> Iterator[RawMessage]:
    """Yield the message in a file, or those in the *.eml of a folder and below, by name. The key is their SHA-256."""
    for file in _in_folder(path):
        content, defect = _beginning_or_all(file, largest)
        digest = hashlib.sha256(content).hexdigest() if not defect else _digest(file)
        yield RawMessage(
            source_key=f"sha256:{digest}",
            content=content,
            received_at=_received_at(content, _mtime(file)),
            defect=defect,
        )


def _from_mbox(found: FoundMail, modified: datetime, largest: int) -> RawMessage:
    defect = _too_large(found.size, largest) if found.cut else ""
    received = _received_at(found.content, found.delivered_at or modified)
    return RawMessage(source_key=f"sha256:{found.sha256}", content=found.content, received_at=received, defect=defect)


def _in_maildir(path: Path) -> list[Path]:
    files = (file for name in ("new", "cur") if (path / name).is_dir() for file in (path / name).iterdir())
    # The name begins with the second of delivery; names of the same second sort as they were made.
    return sorted((file for file in files if not file.name.startswith(".")), key=_delivery)


def _delivery(file: Path) -> tuple[int, str]:
    seconds = file.name.partition(".")[0]
    return (int(seconds) if seconds.isdecimal() else 0, file.name)


def _unique(file: Path) -> str:
    match = _UNIQUE.match(file.name)
    return match.group() if match else file.name


def _in_folder(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(file for file in path.rglob("*.eml") if file.is_file())


def _beginning_or_all(file: Path, largest: int) -> tuple[bytes, str]:
    size = file.stat().st_size
    if size <= largest:
        return file.read_bytes(), ""
    with file.open("rb") as opened:
        return opened.read(_BEGINNING), _too_large(size, largest)


def _too_large(size: int, largest: int) -> str:
    return f"the message has {size} bytes, more than the {largest} that are accepted; only its beginning was read"


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _mtime(file: Path) -> datetime:
    return datetime.fromtimestamp(file.stat().st_mtime, UTC)


def _received_at(content: bytes, otherwise: datetime) -> datetime:
    """Return when the last server received the message: from its topmost Received, else `otherwise`, else from Date."""
    header = re.split(rb"\r?\n\r?\n", content[:_BEGINNING], maxsplit=1)[0].replace(b"\r\n", b"\n")
    for name, value in _TRACE.findall(header):
        if name.lower() == b"received":
            return _date(value.rpartition(b";")[2]) or otherwise
    return otherwise


def _date(value: bytes) -> datetime | None:
    with suppress(ValueError, TypeError, OverflowError):
        at = parsedate_to_datetime(value.decode("ascii", "replace").strip())
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    return None
