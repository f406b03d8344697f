"""What a file with mail is: packed, of one of the mail programs' own forms, or not mail at all."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from router.errors import PermanentError

_UTF8_MARK: Final = b"\xef\xbb\xbf"

# The first bytes of what people take for mail, and what it is.
_NOT_MAIL: Final = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Outlook .msg or another file of Microsoft's; save it as .eml"),
    (b"!BDN", "an Outlook data file (.pst or .ost); export its folders as mbox or .eml"),
    (b"\x78\x9f\x3e\x22", "a winmail.dat; import the mail that it was attached to"),
    (b"PK\x03\x04", "a ZIP archive; unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"(\xb5\x2f\xfd", "packed with Zstandard; unpack it first"),
    (b"%PDF", "a PDF"),
    (b"{\\rtf", "a text in RTF"),
    (b"SQLite format 3", "an SQLite database"),
    (b"bplist", "a property list"),
    (b"\xff\xfe", "a text in UTF-16; save it as UTF-8"),
    (b"\xfe\xff", "a text in UTF-16; save it as UTF-8"),
)

# A field of a header section, with or without the blank that old mail has before the colon.
_FIELD: Final = re.compile(rb"[A-Za-z0-9][\w.-]{0,200}[ \t]*:")
# What may stand above the first field: a separator of an mbox, quoted or not.
_ABOVE: Final = re.compile(rb"(?:[ \t]*\r?\n|>?From [^\n]*\n)*")
_EMLX: Final = re.compile(rb"[ \t]*(\d{1,12})[ \t]*\r?\n")
_LOOKED_AT: Final = 4096

_PACKERS: Final = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\x00", lzma.open))
# What is unpacked or rewritten stays in memory up to this size, and goes to a temporary file beyond it.
_IN_MEMORY: Final = 8_388_608
_PIECE: Final = 1_048_576


def refusal(beginning: bytes, *, headers: bool) -> str:
    """Return what the file is, in words, if it is not mail; else empty.

    beginning: its first bytes, unpacked.  headers: whether it must begin with a field of a header section.
    """
    if not beginning.strip():
        return "empty" if headers else ""
    for signature, what in _NOT_MAIL:
        if beginning.startswith(signature):
            return what
    if b"\x00" in beginning[:256].partition(b"\n")[0]:
        return "not text; expected a mail as it was transported (RFC 5322)"
    if headers and not _FIELD.match(beginning, _above(beginning)):
        return 'not a mail; expected header fields such as "From: ..." at its beginning'
    return ""


def _above(beginning: bytes) -> int:
    match = _ABOVE.match(beginning)
    return match.end() if match else 0


def without_wrapping(content: bytes) -> bytes:
    """Return a mail without what a program wrote around it in its file.

    That is a mark of the encoding, the byte count and the property list of Apple's .emlx, and a separator of an mbox.
    """
    content = content.removeprefix(_UTF8_MARK)
    if (count := _EMLX.match(content)) and _FIELD.match(content, count.end()):
        return _emlx(content[count.end() :], int(count[1]))
    above = _above(content[:_LOOKED_AT])
    return content[above:] if _FIELD.match(content, above) else content


def _emlx(rest: bytes, length: int) -> bytes:
    # A count that is not true leaves the property list in place of cutting the mail.
    after = rest[length : length + 200].lstrip()
    if length <= len(rest) and (after.startswith((b"<?xml", b"<plist", b"<!DOCTYPE")) or not after):
        return rest[:length]
    at = rest.rfind(b"<?xml ")
    return rest[:at] if at > 0 and b"<plist" in rest[at:] and rest.rstrip().endswith(b"</plist>") else rest


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@contextmanager
def open_mail_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file with mail, unpacked if gzip, bzip2 or xz packed it; it can be positioned.

    A mark of the encoding is skipped. Lines that end in CR alone, as on the first Macs, end in LF.
    Raises FileNotFoundError when it is gone, PermanentError when it cannot be read or unpacked.
    """
    try:
        with path.open("rb") as packed:
            start = packed.read(8)
            packed.seek(0)
            opener = next((opener for signature, opener in _PACKERS if start.startswith(signature)), None)
            if opener is None:
                with _lines_ended(packed) as file:
                    yield file
                return
            with opener(packed) as unpacked, _copied(unpacked) as copy, _lines_ended(copy) as file:
                yield file
    except (gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError) as error:
        raise PermanentError(f"{path} cannot be unpacked: the archive is damaged or ends too soon") from error
    except FileNotFoundError:
        raise
    except OSError as error:
        raise PermanentError(f"{path} cannot be read: {error.strerror or 'the archive is damaged'}") from error


@contextmanager
def _lines_ended(file: BinaryIO) -> Iterator[BinaryIO]:
    start = file.read(_PIECE)
    mark = len(_UTF8_MARK) if start.startswith(_UTF8_MARK) else 0
    if b"\r" in start and b"\n" not in start:
        file.seek(mark)
        with _copied(file, old_mac=True) as copy:
            yield copy
        return
    file.seek(mark)
    yield file


@contextmanager
def _copied(file: _Readable, *, old_mac: bool = False) -> Iterator[BinaryIO]:
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as copy:
        while piece := file.read(_PIECE):
            copy.write(piece.replace(b"\r", b"\n") if old_mac else piece)
        copy.seek(0)
        yield copy  # type: ignore[misc]
