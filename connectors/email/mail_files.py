"""Mail in files, for `omniyard import`: a maildir, an mbox, single messages. Read lazily, each with a stable key."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final, Literal

from connectors.base import RawMessage
from connectors.email.file_formats import open_mail_file, refusal, without_wrapping
from connectors.email.folder_roles import FolderRole, role_by_flags, role_by_folder, role_by_labels
from connectors.email.mbox import FoundMail, split_mbox
from router.errors import PermanentError

# The same bound as for a polled mailbox; of a larger message only the beginning is read.
LARGEST: Final = 26_214_400
_BEGINNING: Final = 262_144

_TRACE: Final = re.compile(rb"^(Received|Date):((?:.|\n[ \t])*)", re.IGNORECASE | re.MULTILINE)
# Of a maildir's file name: what comes before the flags, which a file system without ":" separates by another sign.
_UNIQUE: Final = re.compile(r"[^:;!]+")
_FLAGS: Final = re.compile(r"[:;!]2,([A-Za-z]*)")

# The names of files that hold one mail, and of a file that only looks as if it did.
_SINGLE: Final = frozenset({".eml", ".emlx", ".msg"})

Kind = Literal["maildir", "mbox", "eml"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FiledMail:
    """One message of an archive. places: in which of its folders the mail program had it, where that matters."""

    raw: RawMessage
    places: frozenset[FolderRole] = frozenset()


@dataclass(slots=True)
class Remarks:
    """What a reader of an archive must hear, complete when all of it has been read.

    refused: a sentence for each file that is not mail.  doubtful: lines that look like the beginning of a message and
    were taken as text of the one before.  aside: folders and files that were not looked into.
    """

    refused: list[str] = field(default_factory=list)
    doubtful: int = 0
    aside: list[str] = field(default_factory=list)


class Archive:
    """Mail in files at one path: oldest first from a maildir, in their order from an mbox, else by name.

    kind: "maildir" is a folder with cur and new; "eml" is a file, or a folder that holds *.eml and *.emlx files.
    remarks: about the last `read`.
    Raises PermanentError when `path` does not hold that kind.
    """

    def __init__(self, kind: Kind, path: Path, *, largest: int = LARGEST) -> None:
        _check(kind, path)
        self._kind, self._path, self._largest = kind, path, largest
        self.remarks = Remarks()

    def count(self) -> int:
        """Return how many messages there are; keeps none of them in memory."""
        if self._kind == "mbox":
            return count_mbox(self._path)
        return len(_in_maildir(self._path) if self._kind == "maildir" else _in_folder(self._path))

    def read(self) -> Iterator[FiledMail]:
        """Yield the messages. Raises PermanentError when the only file is not mail, or an mbox is none."""
        self.remarks = Remarks()
        if self._kind == "maildir":
            return read_maildir(self._path, largest=self._largest, remarks=self.remarks)
        if self._kind == "mbox":
            return read_mbox(self._path, largest=self._largest, remarks=self.remarks)
        return read_eml(self._path, largest=self._largest, remarks=self.remarks)


def _check(kind: Kind, path: Path) -> None:
    if kind == "maildir":
        if not (path / "cur").is_dir() and not (path / "new").is_dir():
            raise PermanentError(f"{path} is not a maildir; expected a folder with cur and new in it")
        return
    if not path.exists():
        raise PermanentError(f"the file {path} does not exist")
    if kind == "mbox" and not path.is_file():
        raise PermanentError(f"{path} is a folder; expected an mbox, which is one file")


def read_maildir(path: Path, *, largest: int, remarks: Remarks) -> Iterator[FiledMail]:
    """Yield the messages in `new` and `cur`; sub-folders are maildirs of their own.

    The source key is the unique part of the file's name, which outlives flags and moves.
    A message that is deleted while we read is left out.
    """
    remarks.aside += [f"the sub-folder {folder.name}" for folder in _sub_folders(path)]
    ours = role_by_folder(path.name) & {FolderRole.SENT}
    moved: dict[str, Path] = {}
    for file in _in_maildir(path):
        here = file
        if not file.exists():
            # A mail program that opens the folder moves its mail from new to cur and writes flags into the file names.
            moved = moved if _unique(file) in moved else {_unique(other): other for other in (path / "cur").glob("*")}
            here = moved.get(_unique(file), file)
        with suppress(FileNotFoundError):
            content, size = _beginning_or_all(here, largest)
            if what := refusal(content, headers=False):
                remarks.refused.append(f"{here} is {what}")
                continue
            flags = _FLAGS.search(here.name)
            places = ours | role_by_flags(flags[1] if flags else "")
            yield _filed(f"maildir:{_unique(file)}", content, size, at=_mtime(here), largest=largest, places=places)


def read_mbox(path: Path, *, largest: int, remarks: Remarks) -> Iterator[FiledMail]:
    """Yield the messages of an mbox, with one level of `>From ` quoting removed. The key is their SHA-256.

    Raises PermanentError when the file does not begin like an mbox.
    """
    modified = _mtime(path)
    ours = role_by_folder(path.name) & {FolderRole.SENT}
    with open_mail_file(path) as file:
        at = file.tell()
        if what := refusal(file.read(_BEGINNING), headers=False):
            raise PermanentError(f"{path} is {what}")
        file.seek(at)
        for found in split_mbox(file, largest=largest, beginning=_BEGINNING):
            remarks.doubtful += found.doubtful
            yield _from_mbox(found, modified=modified, largest=largest, ours=ours)


def count_mbox(path: Path) -> int:
    """Return how many messages an mbox holds; reads the file once and keeps none of it."""
    with open_mail_file(path) as file:
        return sum(1 for _ in split_mbox(file, largest=0, beginning=0))


def read_eml(path: Path, *, largest: int, remarks: Remarks) -> Iterator[FiledMail]:
    """Yield the message in a file, or those in the files of a folder and below, by name. The key is their SHA-256.

    Raises PermanentError when the one file is not mail; of a folder's files it becomes a remark.
    """
    for file in _in_folder(path):
        try:
            yield _single(file, largest)
        except PermanentError as error:
            if path.is_file():
                raise
            remarks.refused.append(str(error))


def _single(file: Path, largest: int) -> FiledMail:
    content, size = _beginning_or_all(file, largest)
    if what := refusal(content, headers=True):
        raise PermanentError(f"{file} is {what}")
    digest = hashlib.sha256(content).hexdigest() if size <= largest else _digest(file)
    return _filed(f"sha256:{digest}", content, size, at=_mtime(file), largest=largest)


def _filed(
    key: str, content: bytes, size: int, *, at: datetime, largest: int, places: frozenset[FolderRole] = frozenset()
) -> FiledMail:
    places |= role_by_labels(content)
    raw = RawMessage(
        source_key=key,
        content=content,
        received_at=_received_at(content, at),
        defect=_too_large(size, largest) if size > largest else "",
        from_sent=FolderRole.SENT in places,
    )
    return FiledMail(raw=raw, places=places)


def _from_mbox(found: FoundMail, *, modified: datetime, largest: int, ours: frozenset[FolderRole]) -> FiledMail:
    at, key = found.delivered_at or modified, f"sha256:{found.sha256}"
    size = found.size if found.cut else 0
    return _filed(key, found.content, size, at=at, largest=largest, places=ours)


def _in_maildir(path: Path) -> list[Path]:
    files = (file for name in ("new", "cur") if (path / name).is_dir() for file in (path / name).iterdir())
    # The name begins with the second of delivery; names of the same second sort as they were made.
    return sorted((file for file in files if file.is_file() and not file.name.startswith(".")), key=_delivery)


def _sub_folders(path: Path) -> list[Path]:
    return sorted(folder for folder in path.iterdir() if folder.is_dir() and (folder / "cur").is_dir())


def _delivery(file: Path) -> tuple[int, str]:
    seconds = file.name.partition(".")[0]
    return (int(seconds) if seconds.isdecimal() else 0, file.name)


def _unique(file: Path) -> str:
    match = _UNIQUE.match(file.name)
    return match.group() if match else file.name


def _in_folder(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    files = (file for file in path.rglob("*") if file.suffix.lower() in _SINGLE and file.is_file())
    # A name that begins with "._" holds what a Mac could not keep in a foreign file system, and no mail.
    return sorted(file for file in files if not file.name.startswith("._"))


def _beginning_or_all(file: Path, largest: int) -> tuple[bytes, int]:
    """Return the mail in a file, or its beginning, and its size: unpacked, without what a program wrote around it."""
    with open_mail_file(file) as opened:
        content = opened.read(largest + 1)
        if len(content) <= largest:
            content = without_wrapping(content)
            return content, len(content)
        size = len(content)
        while piece := opened.read(1_048_576):
            size += len(piece)
    return without_wrapping(content[:_BEGINNING]), size


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
